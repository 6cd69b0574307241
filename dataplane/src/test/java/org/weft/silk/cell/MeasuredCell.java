package org.weft.silk.cell;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.weft.dataplane.engine.Engine;
import org.weft.dataplane.engine.EngineConfig;
import org.weft.dataplane.host.Iproute2;
import org.weft.encap.IpAddress;
import org.weft.silk.cell.CellStatus.Totals;
import org.weft.silk.config.CellConfig;
import org.weft.silk.container.ContainerGuard;
import org.weft.silk.container.HostRepair;
import org.weft.silk.container.MemoryCellTable;
import org.weft.silk.container.Tenants;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.lease.Overlay;

/**
 * A cell with a real TAP device in the network namespace that the process or thread is in, which must be empty and is
 * left untidy. Times are those from the source's word to the last route in the kernel.
 */
public final class MeasuredCell implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private final MemoryLeases leases;
    private final Engine engine;
    private final Cell cell;
    private final Lease own;

    /** @param state an empty directory */
    public MeasuredCell(Path state, Overlay overlay, Lease own) {
        this.own = own;
        Iproute2.here().batch("link set lo up\naddress add " + own.underlay() + "/32 dev lo\n");
        leases = new MemoryLeases();
        engine = new Engine(EngineConfig.DEFAULT);
        cell = new Cell(
                config(state, overlay, own.underlay()), engine, (local, dev) -> 1500, new None(), leases, () -> {});
        cell.start();
        leases.say(own, List.of());
        await(() -> cell.status().own() != null);
    }

    private static CellConfig config(Path state, Overlay overlay, IpAddress underlay) {
        Map<String, String> attributes = Map.of(
                "vni", "1", "port", "4789", "gbp", "true", "install-neighbours", "true", "local", underlay.toString());
        return new CellConfig(
                underlay,
                null,
                overlay.networks(),
                overlay.subnetLength(),
                false,
                "silk-vtep",
                attributes,
                List.of(),
                state,
                "127.0.0.1:23954",
                new CellConfig.LeaseFile(state.resolve("none")));
    }

    /** Takes in all leases as they are now, of which some differ from before. */
    public Duration hear(List<LeaseRecord> all, int differences) {
        long changesBefore = changes();
        long start = System.nanoTime();
        leases.say(own, all);
        await(() -> changes() == changesBefore + differences);
        return Duration.ofNanos(System.nanoTime() - start);
    }

    /** A full pass that finds nothing to change. */
    public Duration fullPass() {
        long start = System.nanoTime();
        List<Change> changes = cell.converge().join().changes();
        Duration time = Duration.ofNanos(System.nanoTime() - start);
        if (!changes.isEmpty()) {
            throw new AssertionError("there was something to change: " + changes);
        }
        return time;
    }

    private long changes() {
        Totals totals = cell.status().totals();
        if (totals.refused() > 0) {
            throw new AssertionError(cell.status().failures());
        }
        return totals.added() + totals.moved() + totals.gone() + totals.repaired();
    }

    private static void await(BooleanSupplier condition) {
        long end = System.nanoTime() + LIMIT.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("the cell does not converge within " + LIMIT);
            }
            LockSupport.parkNanos(20_000);
        }
    }

    @Override
    public void close() {
        cell.close();
        engine.close();
    }

    private static final class None implements Tenants {
        private final ContainerGuard guard = MemoryCellTable.guard();

        @Override
        public List<HostRepair> upkeep(String device, boolean repair) {
            return List.of();
        }

        @Override
        public int size() {
            return 0;
        }

        @Override
        public void lease(Lease own, int mtu) {
            // It has no containers to tell.
        }

        @Override
        public int dropGone() {
            return 0;
        }

        @Override
        public ContainerGuard guard() {
            return guard;
        }

        @Override
        public void draining(boolean draining) {
            // It has no containers to refuse.
        }
    }
}
