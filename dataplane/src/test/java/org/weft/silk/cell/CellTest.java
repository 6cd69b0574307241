package org.weft.silk.cell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.weft.dataplane.table.Remote;
import org.weft.encap.IpAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.cell.CellStatus.Phase;
import org.weft.testing.LogLines;

/** A cell comes up with its lease, and follows the leases of other hosts. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class CellTest extends CellFixture {
    @Test
    void waitsForALease() {
        memory.start();

        assertEquals(Phase.WAITING, status().phase());
        assertFalse(status().hasLease());
        assertEquals(-1, status().ageMillis());
        assertNull(memory.registry.vtep(MemoryCell.VTEP));
    }

    @Test
    void comesUpWithItsLease() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);

        assertEquals(Phase.CURRENT, status().phase());
        assertEquals(List.of(PEER), status().leases());
        assertNull(status().trouble());
        assertEquals(MemoryLeases.lease(MemoryCell.OWN), memory.tenants.lease);
        assertEquals(1450, memory.tenants.mtu);
        assertEquals(
                MemoryLeases.lease(MemoryCell.OWN).mac(),
                memory.registry.vtep(MemoryCell.VTEP).config().device().mac());
        assertEquals(1, memory.routes.size());
    }

    @Test
    void skipsAndNamesABadLeaseOnly() {
        startWith(MemoryCell.OWN, MemoryCell.PEER, "10.0.16.15 10.99.0.0/24", "10.0.16.17 10.255.99.0/25");

        assertEquals(List.of(PEER), status().leases());
        assertEquals(
                List.of(
                        "memory: overlay_subnet 10.99.0.0/24 is not in the overlay 10.255.0.0/16, 10.254.0.0/16",
                        "memory: overlay_subnet 10.255.99.0/25 overlaps 10.255.99.0/24 of 10.0.16.16"),
                status().skipped().stream().map(skipped -> skipped.reason()).toList());
    }

    @Test
    void namesABadLeaseBeforeItHasALeaseItself() {
        try (LogLines log = LogLines.of(KnownLeases.class)) {
            memory.start();
            memory.leases.say(null, MemoryCell.PEER, "10.0.16.15 10.99.0.0/24");

            String reason = "memory: overlay_subnet 10.99.0.0/24 is not in the overlay 10.255.0.0/16, 10.254.0.0/16";
            memory.await("skipped", status -> status.skipped().size() == 1);
            assertEquals(reason, status().skipped().get(0).reason());
            assertEquals(List.of("lease skipped: " + reason), log.lines());
            assertNull(status().own());
        }
    }

    @Test
    void triesAgainForADeviceThatCannotBeHad() {
        memory.registry.failure = new OperatorException(Kind.CANNOT_CREATE, "silk-memory is somebody else's");
        try (LogLines log = LogLines.of(OwnLease.class)) {
            memory.start();
            memory.leases.say(MemoryCell.OWN, MemoryCell.PEER);
            String sentence = "the device of 10.255.99.0/24 is unavailable: silk-memory is somebody else's";
            memory.await("the trouble", status -> sentence.equals(status.trouble()));
            assertEquals(Phase.WAITING, status().phase());
            int attempts = memory.registry.attempts();
            memory.await("another attempt", status -> memory.registry.attempts() > attempts + 1);
            assertEquals(List.of(sentence), log.lines());
        }

        memory.registry.failure = null;
        memory.await("up", status -> status.hasLease() && status.trouble() == null);
        assertEquals(List.of(PEER), status().leases());
    }

    @Test
    void makesADeviceAgainThatWasRemoved() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.registry.remove(memory.registry.vtep(MemoryCell.VTEP));
        memory.routes.forget();

        memory.await("up again", status -> memory.registry.vtep(MemoryCell.VTEP) != null && memory.routes.size() == 1);
        assertEquals(List.of(new Remote(PEER.underlay())), remotes());
    }

    @Test
    void routesAnewOverADeviceThatSomebodyMadeAgain() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.routes.forget();
        memory.registry.ifindex = 6;

        memory.await("the route", status -> memory.routes.size() == 1);
        assertEquals(1, status().totals().repaired());
    }

    @Test
    void followsALeaseToAnotherHostAtOnce() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.routes.takeWritten();

        memory.leases.say(MemoryCell.OWN, "10.0.16.15 10.255.43.0/24");

        assertEquals(1, status().totals().moved());
        assertEquals(List.of(new Remote(IpAddress.parse("10.0.16.15"))), remotes());
        assertEquals(List.of(), memory.routes.takeWritten(), "the route stays as it is");
    }

    @Test
    void isCutOffWhenTheKernelRefusesAllRoutes() {
        memory.routes.occupy(PEER.subnet(), true);
        startWith(MemoryCell.OWN, MemoryCell.PEER);

        memory.await("cut off", status -> status.obstacle() != null);
        assertEquals(
                "the kernel refuses the routes to all other hosts: ip route add 10.255.43.0/24 via 10.255.43.0 dev"
                        + " silk-memory src 10.255.99.0: File exists",
                status().obstacle());
        assertEquals(status().obstacle(), status().trouble());

        memory.leases.say(MemoryCell.OWN, MemoryCell.PEER, "10.0.16.15 10.255.44.0/24");
        memory.await("another host is reachable", status -> status.obstacle() == null);
        assertEquals(1, status().failures().size());
    }

    @Test
    void saysWhatAForcedPassFound() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.routes.removeRoute(PEER.subnet());

        assertEquals(1, memory.cell.plan().join().changes().size());
        assertEquals(0, memory.leases.refreshes.get());
        Cell.Pass pass = memory.cell.converge().join();
        assertEquals(
                "repaired 10.255.43.0/24: 10.0.16.14 ee:ee:0a:ff:2b:00, route",
                pass.changes().get(0).toString());
        assertEquals(1, memory.leases.refreshes.get());
        assertEquals(List.of(), memory.cell.plan().join().changes());
    }

    @Test
    void namesWhatTheKernelRefusesUntilItDoesNot() {
        memory.routes.occupy(PEER.subnet(), true);
        startWith(MemoryCell.OWN, MemoryCell.PEER, "10.0.16.15 10.254.1.0/24");

        List<String> refused =
                List.of("ip route add 10.255.43.0/24 via 10.255.43.0 dev silk-memory src 10.255.99.0: File exists");
        assertEquals(refused, status().failures());
        assertEquals(1, memory.routes.size(), "the other lease is in force");

        memory.routes.occupy(PEER.subnet(), false);
        assertTrue(memory.cell.converge().join().refused().isEmpty());
        assertEquals(List.of(), status().failures());
    }
}
