package org.weft.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * What numbers depend on. Nothing in it names the machine.
 *
 * @param commit of the source, as {@code scripts/bench} says in the property {@code weft.commit}
 */
record Environment(String date, String cpu, int processors, String kernel, String jdk, String flags, String commit) {
    static Environment here(List<String> flags) {
        return new Environment(
                LocalDate.now(ZoneOffset.UTC).toString(),
                cpuModel(),
                Runtime.getRuntime().availableProcessors(),
                System.getProperty("os.name") + " " + System.getProperty("os.version"),
                System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"),
                String.join(" ", flags),
                System.getProperty("weft.commit", "unknown"));
    }

    private static String cpuModel() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse(System.getProperty("os.arch"));
        } catch (IOException e) {
            return System.getProperty("os.arch");
        }
    }

    /** For file names: CPU, how many, Java version. */
    String slug() {
        String model = cpu.toLowerCase(Locale.ROOT)
                .replaceAll("\\([^)]*\\)|processor|cpu|@.*", " ")
                .strip()
                .replaceAll("[^a-z0-9]+", "-");
        return model + "-" + processors + "cpu-jdk" + Runtime.version().feature();
    }
}
