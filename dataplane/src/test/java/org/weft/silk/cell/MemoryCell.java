package org.weft.silk.cell;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.Predicate;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.config.CellConfig;
import org.weft.silk.config.CellConfig.LeaseFile;
import org.weft.testing.Await;
import org.weft.testing.MemoryRegistry;

/** A cell on a host that is not there: device, routes, containers and source are in memory. Its state is in a directory. */
public final class MemoryCell implements AutoCloseable {
    public static final String VTEP = "silk-memory";
    public static final String OWN = "10.0.16.16 10.255.99.0/24";
    public static final String PEER = "10.0.16.14 10.255.43.0/24";

    public final MemoryRegistry registry;
    public final MemoryLeases leases = new MemoryLeases();
    public final MemoryTenants tenants = new MemoryTenants();
    public final Cell cell;
    final MemoryRoutes routes = new MemoryRoutes().recording();

    /** Down when the cell has ended the process. */
    public final CountDownLatch stopped = new CountDownLatch(1);

    public MemoryCell(MemoryRegistry registry, Path state) {
        this(registry, state, false);
    }

    MemoryCell(MemoryRegistry registry, Path state, boolean singleIp) {
        this.registry = registry;
        cell = new Cell(
                config(state, singleIp),
                registry,
                (local, dev) -> 1500,
                tenants,
                leases,
                stopped::countDown,
                device -> routes,
                new Cell.Pace(Duration.ofMillis(20), Duration.ofMillis(100)));
    }

    private static CellConfig config(Path state, boolean singleIp) {
        return new CellConfig(
                IpAddress.parse("10.0.16.16"),
                null,
                List.of(IpPrefix.parse("10.255.0.0/16"), IpPrefix.parse("10.254.0.0/16")),
                24,
                singleIp,
                VTEP,
                Map.of("id", "1", "local", "10.0.16.16", "gbp", "true", "install-neighbours", "true"),
                List.of(),
                state,
                "127.0.0.1:0",
                new LeaseFile(Path.of("leases.yml")));
    }

    public void start() {
        cell.start();
    }

    /** Waits for the cell to be so. */
    public void await(String what, Predicate<CellStatus> condition) {
        Await.until(what, () -> condition.test(cell.status()));
    }

    /** Everything that was told or asked before has been acted upon. */
    void catchUp() {
        cell.plan().join();
    }

    @Override
    public void close() {
        cell.close();
    }
}
