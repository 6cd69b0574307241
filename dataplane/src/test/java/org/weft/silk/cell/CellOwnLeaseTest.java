package org.weft.silk.cell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.cell.CellStatus.Phase;
import org.weft.testing.Await;
import org.weft.testing.LogLines;
import org.weft.testing.MemoryRegistry;

/** A cell gets, keeps, loses and replaces the lease of its own subnet. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class CellOwnLeaseTest extends CellFixture {
    @Test
    void givesUpALostLeaseAndAcquiresAnother() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);

        memory.leases.lose("10.255.99.0/24 is of 10.0.16.17 now");

        assertEquals(Phase.LOST, status().phase());
        assertEquals("10.255.99.0/24 is of 10.0.16.17 now; another is acquired", status().trouble());
        assertFalse(status().hasLease());
        assertNull(memory.registry.vtep(MemoryCell.VTEP), "it is not on the wire any more");
        assertNull(memory.tenants.lease);
        assertFalse(Files.exists(state()), "it would come up with it again");
        assertEquals(1, memory.leases.acquisitions.get());

        memory.leases.say(OTHER, MemoryCell.PEER);
        memory.await("the other", status -> isOwn(status, OTHER));
        assertEquals(Phase.CURRENT, status().phase());
        assertNull(status().trouble());
    }

    @Test
    void acquiresAnotherOnceTheContainersOfALostLeaseAreGone() {
        startWith(MemoryCell.OWN);
        memory.tenants.size(2);

        memory.leases.lose("it is taken");

        assertEquals(
                "it is taken; containers in it (2) are cut off, another is acquired once they are gone",
                status().trouble());
        assertEquals(0, memory.leases.acquisitions.get());
        memory.tenants.goUnnoticed();
        memory.tenants.goUnnoticed();
        Await.until("another is acquired", () -> memory.leases.acquisitions.get() == 1);
    }

    @Test
    void acquiresAgainWhenWhatWasAcquiredIsLostToo() {
        startWith(MemoryCell.OWN);
        memory.leases.lose("it is taken");
        memory.catchUp();
        assertEquals(1, memory.leases.acquisitions.get());

        memory.leases.lose("the other is taken as well");

        Await.until("another is acquired", () -> memory.leases.acquisitions.get() == 2);
        assertEquals("the other is taken as well; another is acquired", status().trouble());
    }

    @Test
    void takesAnotherSubnetAtOnceWithoutContainers() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);

        memory.leases.say(OTHER, MemoryCell.PEER);

        assertEquals(MemoryLeases.lease(OTHER), status().own());
        assertEquals(List.of(PEER), status().leases());
    }

    @Test
    void keepsASubnetUntilItsContainersAreGone() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.tenants.size(1);

        memory.leases.say(OTHER, MemoryCell.PEER);

        assertEquals(MemoryLeases.lease(MemoryCell.OWN), status().own());
        assertEquals(
                "the lease is 10.255.77.0/24 now, but containers (1) are in 10.255.99.0/24, which stays in force until"
                        + " they are gone",
                status().trouble());
        memory.tenants.goUnnoticed();
        memory.await("the other", status -> isOwn(status, OTHER) && status.trouble() == null);
    }

    @Test
    void leavesASubnetThatAnotherHostHasAtOnceAlsoWithContainers() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.tenants.size(1);
        memory.leases.say(OTHER, MemoryCell.PEER);
        assertEquals(MemoryLeases.lease(MemoryCell.OWN), status().own());

        String rival = "10.0.16.17 10.255.99.0/24";
        try (LogLines log = LogLines.of(OwnLease.class)) {
            memory.leases.say(OTHER, MemoryCell.PEER, rival);
            assertEquals(MemoryLeases.lease(OTHER), status().own());
            assertEquals(
                    "containers (1) in 10.255.99.0/24 are cut off: another host has it, and this one 10.255.77.0/24",
                    log.lines().get(0));
        }
        assertEquals(List.of(PEER, MemoryLeases.lease(rival)), status().leases());
        assertNull(status().trouble());
    }

    @Test
    void givesNoAddressesOfASubnetThatIsGoneWhileTheNextHasNoDevice() {
        startWith(MemoryCell.OWN);
        memory.registry.failure = new OperatorException(Kind.CANNOT_CREATE, "no");

        memory.leases.say(OTHER);

        assertEquals("the device of 10.255.77.0/24 is unavailable: no", status().trouble());
        assertNull(memory.tenants.lease);
        memory.registry.failure = null;
        memory.await("the other", status -> isOwn(status, OTHER));
        assertEquals(MemoryLeases.lease(OTHER), memory.tenants.lease);
    }

    @Test
    void takesWhatIsSaidAfterALossForWhatComesAfterIt() {
        startWith(MemoryCell.OWN);
        synchronized (memory.routes) {
            memory.cell.plan(); // waits for the routes, and what is said next for its end
            memory.leases.say(MemoryCell.OWN, MemoryCell.PEER);
            memory.leases.lose("it is taken");
            memory.leases.say(OTHER, MemoryCell.PEER);
        }

        assertEquals(MemoryLeases.lease(OTHER), status().own());
        assertEquals(Phase.CURRENT, status().phase());
    }

    @Test
    void keepsTheContainersSubnetAlsoWhenItsDeviceCannotBeHadAtStart() {
        startWith(MemoryCell.OWN);
        restart();
        memory.tenants.size(1);
        memory.registry.failure = new OperatorException(Kind.CANNOT_CREATE, "no");
        memory.start();
        memory.leases.say(OTHER);
        memory.await(
                "the trouble",
                status -> status.trouble() != null && status.trouble().endsWith("is unavailable: no"));

        memory.registry.failure = null;
        memory.await("the subnet of the containers", status -> isOwn(status, MemoryCell.OWN));
    }

    @Test
    void namesALeaseOfOneAddressThatIsASubnetAndTheOtherWayRound() {
        startWith(MemoryCell.OWN);

        memory.leases.say("10.0.16.16 10.255.0.9/32");

        String sentence =
                "the lease of this host is 10.255.0.9/32, which is one address, but single-ip is false: change one of"
                        + " them";
        assertEquals(sentence, status().trouble());
        assertEquals(MemoryLeases.lease(MemoryCell.OWN), status().own(), "it stays in force");
        memory.leases.say(MemoryCell.OWN);
        assertNull(status().trouble());

        try (MemoryCell single = new MemoryCell(new MemoryRegistry(), directory.resolve("single"), true)) {
            single.start();
            single.leases.say(MemoryCell.OWN);
            single.await("the trouble", status -> status.trouble() != null);
            assertTrue(single.cell.status().trouble().contains("which is a subnet, but single-ip is true"));
            assertNull(single.cell.status().own());
        }
    }
}
