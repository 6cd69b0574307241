package org.weft.bench;

import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;

/**
 * One measurement as a reader wants it.
 *
 * @param group the benchmark class
 * @param name method and parameters
 * @param nanos time of one operation
 * @param least time of an operation in the fastest iteration
 * @param most in the slowest
 * @param allocated bytes allocated by one operation; with a concurrent writer, by reads and writes together
 * @param bytes how many bytes one operation goes over; 0 if that is not the point
 */
record Row(String group, String name, double nanos, double least, double most, double allocated, int bytes) {
    /** The reader's time stands for a benchmark with a concurrent writer. */
    private static final String READ = "read";

    private static final String ALLOCATED = "gc.alloc.rate.norm";

    static List<Row> of(Collection<RunResult> results) {
        return results.stream().map(Row::of).toList();
    }

    private static Row of(RunResult run) {
        BenchmarkParams params = run.getParams();
        String[] path = params.getBenchmark().split("\\.");
        String parameters = params.getParamsKeys().stream()
                .map(key -> " " + key + "=" + params.getParam(key))
                .collect(Collectors.joining());
        Result<?> time = run.getSecondaryResults().getOrDefault(READ, run.getPrimaryResult());
        Result<?> allocated = run.getSecondaryResults().get(ALLOCATED);
        String bytes = params.getParam("bytes");
        return new Row(
                path[path.length - 2].replace("Benchmark", ""),
                path[path.length - 1] + parameters,
                time.getScore(),
                time.getStatistics().getMin(),
                time.getStatistics().getMax(),
                allocated == null ? Double.NaN : allocated.getScore(),
                bytes == null ? 0 : Integer.parseInt(bytes));
    }

    /** 0 if it has none. */
    double gigabytesPerSecond() {
        return bytes / nanos;
    }
}
