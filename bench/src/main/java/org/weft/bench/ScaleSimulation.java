package org.weft.bench;

import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.weft.silk.cell.Fleet;
import org.weft.silk.cell.SimulatedHost;
import org.weft.silk.lease.LeaseRecord;

/**
 * Many hosts on one table of leases: each hears of the whole table, then of changes, and must have exactly what the table
 * says in the end. As many hosts as memory has room for are there at once, and hear of each change one after the other;
 * then come the next. All hosts do the same, so that a part of them, spread over the table, tells of all: {@code java -cp
 * bench/target/bench.jar org.weft.bench.ScaleSimulation [HOSTS [SIMULATED]]}.
 */
public final class ScaleSimulation {
    private static final int CHANGES = 5;
    private static final int AT_ONCE = 100;
    private static final int MEASURED_FOR_MEMORY = 40;

    private final List<LeaseRecord> table;
    private final int hosts;
    private final int simulated;
    private final int stride;
    private final long[] whole;
    private final long[] change;
    private final long[] unchanged;

    private ScaleSimulation(int hosts, int most) {
        this.hosts = hosts;
        this.simulated = Math.min(hosts, most);
        this.stride = hosts / simulated;
        this.table = Fleet.records(hosts);
        this.whole = new long[simulated];
        this.change = new long[simulated * CHANGES];
        this.unchanged = new long[simulated];
    }

    public static void main(String[] arguments) {
        int hosts = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 10_000;
        int most = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 1000;
        System.out.println(
                "| leases | hosts simulated | whole table, median | 99 % | one change, median | 99 % | nothing"
                        + " changed, full pass, median | memory of a host | of a lease |");
        System.out.println("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        new ScaleSimulation(500, most).run(); // Until the JVM has compiled it.
        for (int size = 100; size < hosts; size *= 10) {
            System.out.println(new ScaleSimulation(size, most).line());
        }
        System.out.println(new ScaleSimulation(hosts, most).line());
    }

    private String line() {
        double memory = memoryOfHost();
        long start = System.nanoTime();
        run();
        System.err.printf("%d hosts: %d s%n", hosts, (System.nanoTime() - start) / 1_000_000_000);
        return String.format(
                Locale.ROOT,
                "| %,d | %,d | %s | %s | %s | %s | %s | %,.0f KiB | %.0f B |",
                hosts,
                simulated,
                millis(percentile(whole, 50)),
                millis(percentile(whole, 99)),
                millis(percentile(change, 50)),
                millis(percentile(change, 99)),
                millis(percentile(unchanged, 50)),
                memory / 1024,
                memory / hosts);
    }

    private void run() {
        int atOnce = Math.min(AT_ONCE, simulated / 2); // The others are those that change.
        for (int from = 0; from < simulated; from += atOnce) {
            wave(from, Math.min(atOnce, simulated - from));
        }
    }

    private void wave(int from, int size) {
        List<SimulatedHost> present = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            SimulatedHost host = host((from + i) * stride);
            whole[from + i] = host.hear(table, true);
            present.add(host);
        }
        List<LeaseRecord> now = table;
        for (int round = 0; round < CHANGES; round++) {
            int number = ((from + size) * stride + round) % hosts; // A host that is not in this wave.
            now = new ArrayList<>(now);
            now.set(number, Fleet.record(Fleet.moved(number + 1, 1)));
            for (int i = 0; i < size; i++) {
                change[(from + i) * CHANGES + round] = present.get(i).hear(now, false);
            }
        }
        for (int i = 0; i < size; i++) {
            unchanged[from + i] = present.get(i).hear(now, true);
            if (!present.get(i).isConvergedOn(now)) {
                throw new AssertionError("host " + (from + i + 1) + " has not what the table says");
            }
        }
    }

    private static SimulatedHost host(int index) {
        return new SimulatedHost(Fleet.OVERLAY, Fleet.lease(index + 1));
    }

    /** What stays of a host that has heard of all leases, of its own; the kernel's stand-in excluded as well as may be. */
    private double memoryOfHost() {
        List<SimulatedHost> kept = new ArrayList<>();
        host(0).hear(table, true);
        long before = used();
        for (int i = 0; i < MEASURED_FOR_MEMORY; i++) {
            SimulatedHost host = host(i % hosts);
            host.hear(table, true);
            host.forgetKernel();
            kept.add(host);
        }
        long after = used();
        return (after - before) / (double) kept.size();
    }

    private static long used() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        long direct = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() + direct;
    }

    private static double percentile(long[] nanos, int percent) {
        long[] sorted = Arrays.stream(nanos).sorted().toArray();
        return sorted[Math.min(sorted.length - 1, sorted.length * percent / 100)];
    }

    private static String millis(double nanos) {
        return String.format(Locale.ROOT, "%.2f ms", nanos / 1e6);
    }
}
