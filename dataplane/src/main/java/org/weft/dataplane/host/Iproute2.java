package org.weft.dataplane.host;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.weft.dataplane.host.HostCommand.Answer;
import org.weft.dataplane.io.linux.NetworkNamespace;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

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

    /**
     * In the namespace that a file such as {@code /run/netns/app} or {@code /proc/42/ns/net} stands for.
     *
     * @throws OperatorException if the file is not a network namespace
     */
    public static Iproute2 in(Path netns) {
        requireNetns(netns);
        return new Iproute2(List.of("nsenter", "--net=" + netns));
    }

    /**
     * Refuses a file that is not a network namespace, without waiting for anything: {@code ip} and {@code nsenter} would
     * open it, and wait for a writer if it is a FIFO.
     *
     * @throws OperatorException saying what the file is instead
     */
    public static void requireNetns(Path netns) {
        String fault = NetworkNamespace.fault(netns);
        if (fault != null) {
            throw new OperatorException(Kind.NO_INPUT, "network namespace " + netns + " " + fault);
        }
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
            if (lines.lines().count() > 1 && !FAILED.matcher(answer.errors()).find()) {
                throw failed("-batch", answer.reason());
            }
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
            throw new OperatorException(Kind.OS_ERROR, answer.reason());
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
            throw failed(String.join(" ", words), answer.reason());
        }
        return answer.output();
    }

    private static OperatorException failed(String line, String reason) {
        return new OperatorException(Kind.OS_ERROR, "ip " + line + ": " + reason);
    }

    /**
     * {@code ip} says what is wrong, and on the next line where: {@code Command failed -:3}; but where it ends at once, as
     * {@code ip neighbour} does, it does not say where.
     */
    private static Map<Integer, String> failures(Answer answer) {
        Map<Integer, String> failures = new TreeMap<>();
        StringBuilder reason = new StringBuilder();
        for (String line : answer.errors().lines().toList()) {
            Matcher failed = FAILED.matcher(line);
            if (failed.find()) {
                failures.put(Integer.parseInt(failed.group(1)), HostCommand.firstLine(reason.toString()));
                reason.setLength(0);
            } else {
                reason.append(line).append('\n');
            }
        }
        if (failures.isEmpty()) {
            failures.put(1, answer.reason());
        }
        return failures;
    }

    private Answer run(String input, String... words) {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of(words));
        return HostCommand.run(input, command, prefix.isEmpty() ? "iproute2" : "util-linux");
    }
}
