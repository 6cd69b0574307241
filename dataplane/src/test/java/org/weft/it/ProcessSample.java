package org.weft.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a daemon uses at a moment.
 *
 * @param rss resident memory in KB
 * @param heap used Java heap in KB, garbage included; 0 if it was not asked for
 * @param descriptors open files
 */
record ProcessSample(long rss, long heap, long descriptors, long threads) {
    /** JDK 17: {@code def new generation total 11072K, used 4413K}; JDK 25: {@code DefNew total ...}. */
    private static final Pattern USED =
            Pattern.compile("(?:def new generation|tenured generation|DefNew|Tenured)\\s+total \\d+K, used (\\d+)K");

    /** Looks at a process of this machine. */
    static ProcessSample of(long pid) {
        return of(pid, 0);
    }

    /** As {@link #of}, and asks its JVM for the heap, which takes a moment. */
    static ProcessSample withHeap(long pid) {
        Command answer = jcmd(pid, "GC.heap_info");
        long used = 0;
        Matcher matcher = USED.matcher(answer.output());
        while (matcher.find()) {
            used += Long.parseLong(matcher.group(1));
        }
        return of(pid, used);
    }

    /** Has a JVM collect its garbage, and waits for it. */
    static void collect(long pid) {
        jcmd(pid, "GC.run");
    }

    private static Command jcmd(long pid, String command) {
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        return Command.attempt("", List.of(jcmd.toString(), Long.toString(pid), command));
    }

    private static ProcessSample of(long pid, long heap) {
        Path process = Path.of("/proc", Long.toString(pid));
        try (Stream<Path> files = Files.list(process.resolve("fd"))) {
            List<String> status = Files.readAllLines(process.resolve("status"));
            return new ProcessSample(field(status, "VmRSS:"), heap, files.count(), field(status, "Threads:"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long field(List<String> status, String name) {
        return status.stream()
                .filter(line -> line.startsWith(name))
                .map(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElseThrow();
    }
}
