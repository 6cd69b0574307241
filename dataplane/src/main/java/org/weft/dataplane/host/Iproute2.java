package org.weft.dataplane.host;

import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.weft.dataplane.vtep.OperatorException;
import org.weft.dataplane.vtep.OperatorException.Kind;

/**
 * The command {@code ip}, in this network namespace or in another. A call starts one process and waits for it: some
 * milliseconds, never on a packet's way.
 */
public final class Iproute2 {
    private static final Iproute2 HERE = new Iproute2(List.of());
    private static final Pattern FAILED = Pattern.compile("Command failed -:(\\d+)");

    /** Takes names and values in turn. */
    private static final String SET_SYSCTLS_AND_RUN =
            """
            while [ $# -gt 0 ]; do
              file=/proc/sys/net/$1
              [ ! -e "$file" ] || echo "$2" >"$file" || exit
              shift 2
            done
            exec ip -json -batch -
            """;

    private final List<String> prefix;

    private Iproute2(List<String> prefix) {
        this.prefix = prefix;
    }

    /** In the namespace of this process. */
    public static Iproute2 here() {
        return HERE;
    }

    /** In the namespace that a file such as {@code /run/netns/app} or {@code /proc/42/ns/net} stands for. */
    public static Iproute2 in(Path netns) {
        return new Iproute2(List.of("nsenter", "--net=" + netns));
    }

    /**
     * Runs the lines of a batch, up to the first that fails; what went before stands.
     *
     * @param lines commands without the word {@code ip}
     * @throws OperatorException naming the line that failed and what {@code ip} says
     */
    public void batch(String lines) {
        requireSuccess(lines, run(lines, "ip", "-batch", "-"));
    }

    private static void requireSuccess(String lines, Answer answer) {
        if (answer.exitCode() != 0) {
            Map<Integer, String> failures = failures(answer);
            int line = failures.keySet().stream().findFirst().orElse(1);
            throw failed(lines.lines().skip(line - 1).findFirst().orElse(""), failures.get(line));
        }
    }

    /**
     * Sets sysctls of this object's namespace and then runs the lines of a batch, up to the first that fails, in one
     * process.
     *
     * @param sysctls values by name below {@code net}, such as {@code ipv4/conf/eth0/rp_filter}; those that the kernel
     *     does not have are passed over
     * @return what lines of {@code show} print as JSON, one array after the other
     * @throws OperatorException naming the sysctl or line that failed, and why
     */
    public String batch(Map<String, String> sysctls, String lines) {
        List<String> words = new ArrayList<>(List.of("sh", "-c", SET_SYSCTLS_AND_RUN, "sh"));
        sysctls.forEach((name, value) -> words.addAll(List.of(name, value)));
        Answer answer = run(lines, words.toArray(String[]::new));
        if (answer.exitCode() != 0 && !FAILED.matcher(answer.errors()).find()) {
            throw new OperatorException(Kind.OS_ERROR, firstLine(answer.errors()));
        }
        requireSuccess(lines, answer);
        return answer.output();
    }

    /**
     * Runs all lines of a batch, whether some fail or not.
     *
     * @return what {@code ip} says of those that failed, by their number from 1
     */
    public Map<Integer, String> attempt(String lines) {
        Answer answer = run(lines, "ip", "-force", "-batch", "-");
        return answer.exitCode() == 0 ? Map.of() : failures(answer);
    }

    /** What {@code ip -json} prints; an empty text where it has nothing to print. */
    public String json(String... words) {
        List<String> command = new ArrayList<>(List.of("ip", "-json"));
        command.addAll(List.of(words));
        Answer answer = run("", command.toArray(String[]::new));
        if (answer.exitCode() != 0) {
            throw failed(String.join(" ", words), firstLine(answer.errors()));
        }
        return answer.output();
    }

    private static OperatorException failed(String line, String reason) {
        return new OperatorException(Kind.OS_ERROR, "ip " + line + ": " + reason);
    }

    /** {@code ip} says what is wrong, and on the next line where: {@code Command failed -:3}. */
    private static Map<Integer, String> failures(Answer answer) {
        Map<Integer, String> failures = new TreeMap<>();
        StringBuilder reason = new StringBuilder();
        for (String line : answer.errors().lines().toList()) {
            Matcher failed = FAILED.matcher(line);
            if (failed.find()) {
                failures.put(Integer.parseInt(failed.group(1)), firstLine(reason.toString()));
                reason.setLength(0);
            } else {
                reason.append(line).append('\n');
            }
        }
        if (failures.isEmpty()) {
            failures.put(1, firstLine(answer.errors()));
        }
        return failures;
    }

    private static String firstLine(String text) {
        return text.lines().filter(line -> !line.isBlank()).findFirst().orElse("failed without a word");
    }

    private record Answer(int exitCode, String output, String errors) {}

    private Answer run(String input, String... words) {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of(words));
        try {
            Process process = new ProcessBuilder(command).start();
            // Read beside the writing: with thousands of lines every pipe may be full at once.
            Drain errors = new Drain(process.getErrorStream());
            Drain output = new Drain(process.getInputStream());
            try (Writer lines = process.outputWriter(StandardCharsets.UTF_8)) {
                lines.write(input.isEmpty() || input.endsWith("\n") ? input : input + "\n");
            } catch (IOException e) {
                // It ended before it read everything; its exit code tells.
            }
            return new Answer(process.waitFor(), output.text(), errors.text());
        } catch (IOException e) {
            throw new OperatorException(
                    Kind.UNAVAILABLE,
                    "the command " + command.get(0) + " does not run: install "
                            + (prefix.isEmpty() ? "iproute2" : "util-linux") + " (" + e.getMessage() + ")",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OperatorException(Kind.OS_ERROR, "interrupted while ip ran", e);
        }
    }

    /** Reads a stream to its end on a thread of its own. */
    private static final class Drain {
        private final Thread thread;
        private String text = "";

        Drain(InputStream stream) {
            thread = new Thread(() -> read(stream), "weft-ip");
            thread.setDaemon(true);
            thread.start();
        }

        private void read(InputStream stream) {
            try (stream) {
                text = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
            } catch (IOException e) {
                text = String.valueOf(e.getMessage());
            }
        }

        String text() throws InterruptedException {
            thread.join();
            return text;
        }
    }
}
