package org.weft.silk.cell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.cell.CellStatus.Phase;
import org.weft.testing.LogLines;

/** A cell is drained once its containers have left, and ends. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class CellDrainTest extends CellFixture {
    @Test
    void drainsAtOnceWithoutContainers() throws InterruptedException {
        startWith(MemoryCell.OWN, MemoryCell.PEER);

        memory.cell.drain(Duration.ofMinutes(1)).join();

        assertTrue(memory.stopped.await(10, TimeUnit.SECONDS));
        assertTrue(memory.leases.released);
        assertNull(memory.registry.vtep(MemoryCell.VTEP));
        assertFalse(Files.exists(state()));
        assertTrue(memory.tenants.table.removed, "there are no containers to guard any more");
    }

    @Test
    void drainsWhenTheLastContainerHasLeft() throws InterruptedException {
        startWith(MemoryCell.OWN);
        memory.tenants.size(2);

        memory.cell.drain(Duration.ofMinutes(1)).join();

        assertEquals(Phase.DRAINING, status().phase());
        assertTrue(memory.tenants.draining);
        assertTrue(status().drainMillis() > 50_000 && status().drainMillis() <= 60_000);
        assertTrue(status().hasLease(), "those that are left are connected");
        memory.tenants.size(1);
        memory.tenants.goUnnoticed();
        assertTrue(memory.stopped.await(10, TimeUnit.SECONDS));
        assertTrue(memory.leases.released);
    }

    @Test
    void goesOnWhenContainersStayLongerThanTheTimeout() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.tenants.size(1);

        memory.cell.drain(Duration.ofMillis(50)).join();

        memory.await("as before", status -> status.phase() == Phase.CURRENT);
        assertFalse(memory.tenants.draining);
        assertFalse(memory.leases.released);
        assertEquals(-1, status().drainMillis());
        assertEquals(List.of(PEER), status().leases());
    }

    @Test
    void goesOnWhenDrainingIsCancelled() {
        startWith(MemoryCell.OWN);
        memory.tenants.size(1);
        memory.cell.drain(Duration.ofMinutes(1)).join();

        memory.cell.cancelDrain().join();
        memory.tenants.size(0);

        assertEquals(Phase.CURRENT, status().phase());
        assertFalse(memory.tenants.draining);
        assertEquals(1, memory.stopped.getCount());
    }

    @Test
    void endsAlsoIfNobodyTakesTheLeaseBack() throws InterruptedException {
        try (LogLines log = LogLines.of(Cell.class)) {
            startWith(MemoryCell.OWN);
            memory.leases.releaseFailure = new OperatorException(Kind.UNAVAILABLE, "memory is silent");

            memory.cell.drain(Duration.ofMinutes(1)).join();

            assertTrue(memory.stopped.await(10, TimeUnit.SECONDS));
            assertNull(memory.registry.vtep(MemoryCell.VTEP));
            assertEquals(List.of("drained, but the lease could not be given back: memory is silent"), log.lines());
        }
    }

    @Test
    void comesUpNoMoreOnceItIsDrained() throws InterruptedException {
        startWith(MemoryCell.OWN);
        memory.cell.drain(Duration.ofMinutes(1)).join();
        assertTrue(memory.stopped.await(10, TimeUnit.SECONDS));

        memory.leases.say(MemoryCell.OWN, MemoryCell.PEER);
        memory.leases.lose("it was given back");

        assertEquals(Phase.DRAINING, status().phase());
        assertNull(status().own());
        assertEquals(0, memory.leases.acquisitions.get());
    }

    @Test
    void answersNoMoreOnceItIsClosed() {
        memory.start();
        memory.close();

        CompletionException failure =
                assertThrows(CompletionException.class, () -> memory.cell.plan().join());
        assertEquals("the cell is stopping", failure.getCause().getMessage());
        assertNotNull(memory.cell.status());
    }
}
