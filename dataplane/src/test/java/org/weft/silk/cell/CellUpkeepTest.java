package org.weft.silk.cell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.weft.dataplane.host.CellTable.Refused;
import org.weft.dataplane.host.CellTable.Verdict;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.policy.PolicyTable;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.container.ContainerGuard.Repair;
import org.weft.silk.container.HostRepair;
import org.weft.testing.Await;
import org.weft.testing.LogLines;

/** A cell keeps its guard of containers, and puts back what others change on the host. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class CellUpkeepTest extends CellFixture {
    @Test
    void guardsContainersBeforeItHasALease() {
        memory.start();
        memory.catchUp();

        assertEquals(
                List.of(new Refused(new TreeSet<>(Set.of(4789)), Verdict.ACCEPT, Verdict.ACCEPT)),
                memory.tenants.table.installed);
    }

    @Test
    void guardsThePortsOfAllVtepsAndFollowsTheModeOfItsOwn() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.registry.add("other", Map.of("id", "2", "dstport", "8472"));
        memory.registry.guard(
                MemoryCell.VTEP,
                new Enforcement(
                        Mode.ENFORCE, Refusal.REJECT, Spoofing.OFF, 24, PolicyTable.EMPTY, null, VerdictSink.NONE),
                List.of());

        Refused last = new Refused(new TreeSet<>(Set.of(4789, 8472)), Verdict.REJECT, Verdict.ACCEPT);
        Await.until("the rules follow", () -> memory.tenants.table.installed.contains(last));
    }

    @Test
    void repairsTheGuardWithAForcedPass() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.tenants.table.flushed = true;

        assertEquals(
                new Repair("inet weft-memory-cell", null),
                memory.cell.converge().join().guard());
        assertFalse(memory.tenants.table.flushed);
        assertNull(memory.cell.converge().join().guard());
        memory.close();
        assertFalse(memory.tenants.table.removed, "containers outlive the daemon");
    }

    @Test
    void putsBackWhatOthersChangedOnTheDevice() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        List<HostRepair> expected =
                List.of(new HostRepair("device", MemoryCell.VTEP, List.of("MTU 900 and not 1410"), null));
        memory.registry.deviations = List.of("MTU 900 and not 1410");

        assertEquals(expected, memory.cell.plan().join().host());
        long repaired = status().totals().repaired();
        assertEquals(expected, memory.cell.converge().join().host());
        assertTrue(memory.registry.host.contains("restore " + MemoryCell.VTEP), memory.registry.host::toString);
        assertEquals(List.of(), memory.cell.plan().join().host());
        assertEquals(repaired + 1, status().totals().repaired());
    }

    @Test
    void namesWhatTheKernelDoesNotLetItPutBack() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.registry.deviations = List.of("down");
        memory.registry.failure = new OperatorException(Kind.OS_ERROR, "out of luck");

        assertEquals(
                List.of(new HostRepair("device", MemoryCell.VTEP, List.of("down"), "out of luck")),
                memory.cell.converge().join().host());
        memory.registry.failure = null;
    }

    @Test
    void convergesWhenUpkeepFailsInAnUnexpectedWay() {
        memory.tenants.upkeepFailure = new IndexOutOfBoundsException("Index 1 out of bounds\nfor length 1");
        try (LogLines log = LogLines.of(Upkeep.class)) {
            startWith(MemoryCell.OWN, MemoryCell.PEER);
            memory.await("the route", status -> memory.routes.size() == 1);
            memory.routes.forget();

            String reason = "java.lang.IndexOutOfBoundsException: Index 1 out of bounds";
            assertEquals(
                    List.of(new HostRepair("host", "of containers", List.of("could not be compared"), reason)),
                    memory.cell.converge().join().host());
            assertEquals(1, memory.routes.size());
            assertEquals(
                    List.of("not repaired host of containers: could not be compared: " + reason),
                    log.lines(),
                    "once for several passes");
        }
    }

    @Test
    void countsARepairThatFailsInAnUnexpectedWayAsRefused() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        long repaired = status().totals().repaired();
        memory.registry.failure = new IllegalStateException("out of luck");
        memory.registry.deviations = List.of("down");

        assertEquals(
                List.of(new HostRepair(
                        "device", MemoryCell.VTEP, List.of("down"), "java.lang.IllegalStateException: out of luck")),
                memory.cell.converge().join().host());
        assertEquals(repaired, status().totals().repaired());
        memory.registry.failure = null;
    }

    @Test
    void saysNothingOfConnectedContainersWhenTheLeaseIsLost() {
        try (LogLines log = LogLines.of(Obstacles.class)) {
            memory.registry.mac = 0x021122334455L;
            startWith(MemoryCell.OWN, MemoryCell.PEER);
            memory.await("cut off", status -> status.obstacle() != null);
            String obstacle = status().obstacle();

            memory.leases.lose("10.255.99.0/24 is of 10.0.16.17 now");

            memory.await("no obstacle", status -> status.obstacle() == null);
            assertEquals(List.of("containers are cut off: " + obstacle), log.lines());
        }
    }
}
