package org.weft.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.weft.silk.cell.Fleet;
import org.weft.silk.cell.MeasuredCell;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseRecord;

/**
 * What convergence costs on a host with a real TAP device. Run by root in a network namespace of its own, which it
 * leaves untidy: {@code unshare --net java -cp bench/target/bench.jar org.weft.bench.ConvergeBenchmark [LEASES...]}.
 */
public final class ConvergeBenchmark {
    private static final int ROUNDS = 21;

    private ConvergeBenchmark() {}

    public static void main(String[] arguments) throws IOException {
        int[] sizes = arguments.length == 0
                ? new int[] {100, 1000, 10_000}
                : Arrays.stream(arguments).mapToInt(Integer::parseInt).toArray();
        Path state = Files.createTempDirectory("weft-converge");
        List<String> lines = new ArrayList<>();
        try (MeasuredCell cell = new MeasuredCell(state, Fleet.OVERLAY, Fleet.lease(1))) {
            int before = 1;
            for (int size : sizes) {
                lines.add(measure(cell, size, size - before));
                cell.hear(Fleet.records(1), size - 1);
                before = 1;
            }
        }
        System.out.println("| leases | all of them | one moved | one less | one more | nothing, full pass |");
        System.out.println("|---:|---:|---:|---:|---:|---:|");
        lines.forEach(System.out::println);
        Files.deleteIfExists(state.resolve("leases.json"));
        Files.deleteIfExists(state);
    }

    private static String measure(MeasuredCell cell, int size, int additions) {
        List<LeaseRecord> records = Fleet.records(size);
        Duration all = cell.hear(records, additions);
        List<Duration> moved = new ArrayList<>();
        List<Duration> less = new ArrayList<>();
        List<Duration> more = new ArrayList<>();
        List<Duration> nothing = new ArrayList<>();
        for (int round = 1; round <= ROUNDS; round++) {
            records = with(records, size / 2, Fleet.moved(size / 2 + 1, round));
            moved.add(cell.hear(records, 1));
            less.add(cell.hear(records.subList(0, size - 1), 1));
            more.add(cell.hear(records, 1));
            nothing.add(cell.fullPass());
        }
        return String.format(
                Locale.ROOT,
                "| %,d | %s | %s | %s | %s | %s |",
                size,
                millis(all),
                median(moved),
                median(less),
                median(more),
                median(nothing));
    }

    private static List<LeaseRecord> with(List<LeaseRecord> records, int index, Lease lease) {
        List<LeaseRecord> changed = new ArrayList<>(records);
        changed.set(index, Fleet.record(lease));
        return changed;
    }

    private static String median(List<Duration> times) {
        return millis(times.stream().sorted().toList().get(times.size() / 2));
    }

    private static String millis(Duration time) {
        return String.format(Locale.ROOT, "%.1f ms", time.toNanos() / 1e6);
    }
}
