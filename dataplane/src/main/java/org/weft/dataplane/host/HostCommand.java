package org.weft.dataplane.host;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.weft.dataplane.io.Errno;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/**
 * Runs a program of the host to its end, or to a time limit at which the program is killed. A call takes some
 * milliseconds and is never on a packet's way. Callers must not hold a lock that packets, requests or other containers
 * wait for.
 */
final class HostCommand {
    /** How a program ended, and what it printed. */
    record Answer(int exitCode, String output, String errors) {
        boolean succeeded() {
            return exitCode == 0;
        }

        /** The first line of what it says is wrong. */
        String reason() {
            return firstLine(errors);
        }
    }

    /** A thousand times the usual time of one line: a machine may be loaded, and the kernel's RTNL lock taken. */
    private static final Duration LIMIT = Duration.ofSeconds(10);

    /** {@code ip} takes some 20 microseconds for each line of a batch, and a loaded machine 20 times as long. */
    private static final Duration LIMIT_PER_LINE = Duration.ofMillis(1);

    /** How long the threads and descriptors of a killed program may take to end. */
    private static final Duration AFTERMATH = Duration.ofSeconds(1);

    /** PIPE_BUF: an empty pipe takes this much without waiting for its reader. */
    private static final int SMALL = 4096;

    private static final Pattern ERRNO = Pattern.compile("error[=:] ?(\\d+)");

    private HostCommand() {}

    /**
     * Runs a program within 10 s, and 1 ms more for each line of its input.
     *
     * @param input for its standard input
     * @param debianPackage that brings it
     * @throws OperatorException if it cannot be started, or did not end in time; it has been killed then
     */
    static Answer run(String input, List<String> command, String debianPackage) {
        return run(input, command, debianPackage, LIMIT.plus(LIMIT_PER_LINE.multipliedBy(countLines(input))));
    }

    /** @param limit after which the program and its descendants are killed */
    static Answer run(String input, List<String> command, String debianPackage, Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        Process process = start(command, debianPackage);
        Pump errors = new Pump(command.get(0), process.getErrorStream());
        Pump output = new Pump(command.get(0), process.getInputStream());
        Pump feed = new Pump(command.get(0), process.getOutputStream(), input);
        try {
            if (process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS)
                    && output.hasEnded(deadline)
                    && errors.hasEnded(deadline)) {
                return new Answer(process.exitValue(), output.text, errors.text);
            }
            throw new OperatorException(
                    Kind.UNAVAILABLE,
                    String.join(" ", command.subList(0, Math.min(2, command.size()))) + " did not end within "
                            + limit.toSeconds() + " s and was killed, at \""
                            + firstLine(input.isBlank() ? String.join(" ", command) : input)
                            + "\": try again, and if it hangs again, look for the cause in the host's load and dmesg");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OperatorException(Kind.OS_ERROR, "interrupted while " + command.get(0) + " ran", e);
        } finally {
            end(process, feed, output, errors);
        }
    }

    private static long countLines(String text) {
        return text.chars().filter(character -> character == '\n').count();
    }

    private static Process start(List<String> command, String debianPackage) {
        try {
            return new ProcessBuilder(command).start();
        } catch (IOException e) {
            Matcher errno = ERRNO.matcher(String.valueOf(e.getMessage()));
            throw new OperatorException(
                    Kind.UNAVAILABLE,
                    "the command " + command.get(0) + " does not run: "
                            + why(errno.find() ? Integer.parseInt(errno.group(1)) : 0, debianPackage, e),
                    e);
        }
    }

    private static String why(int errno, String debianPackage, IOException e) {
        return switch (errno) {
            case Errno.ENOENT -> "install " + debianPackage + " (it is not in PATH)";
            case Errno.EACCES, Errno.EPERM -> "permission denied: let this user run it";
            case Errno.EMFILE ->
                "this process has no file descriptor left: raise LimitNOFILE, or close connections to this daemon";
            case Errno.ENFILE -> "the host has no file descriptor left: raise the sysctl fs.file-max";
            case Errno.EAGAIN -> "no further process is allowed: raise TasksMax, or the limit of processes (ulimit -u)";
            case Errno.ENOMEM -> "there is not enough memory to start it: free memory";
            default -> firstLine(String.valueOf(e.getMessage()));
        };
    }

    static String firstLine(String text) {
        return text.lines().filter(line -> !line.isBlank()).findFirst().orElse("failed without a word");
    }

    /** Leaves no process, thread or descriptor behind, as far as the kernel lets a process die. */
    private static void end(Process process, Pump... pumps) {
        if (process.isAlive()) {
            List<ProcessHandle> descendants = process.descendants().toList();
            process.destroyForcibly();
            descendants.forEach(ProcessHandle::destroyForcibly);
        }
        long deadline = System.nanoTime() + AFTERMATH.toNanos();
        for (Pump pump : pumps) {
            pump.end(deadline);
        }
    }

    /**
     * Reads or writes a stream to its end, on a thread of its own: with thousands of lines each pipe of a program may be
     * full at once.
     */
    private static final class Pump {
        private final Closeable stream;
        private final Thread thread;

        /** What was read; complete once the thread has ended. */
        private volatile String text = "";

        Pump(String command, InputStream from) {
            stream = from;
            thread = start(command, () -> read(from));
        }

        /** Writes on the caller's thread what fits into a pipe. */
        Pump(String command, OutputStream to, String input) {
            stream = to;
            String lines = input.isEmpty() || input.endsWith("\n") ? input : input + "\n";
            byte[] bytes = lines.getBytes(StandardCharsets.UTF_8);
            if (bytes.length <= SMALL) {
                thread = null;
                write(to, bytes);
            } else {
                thread = start(command, () -> write(to, bytes));
            }
        }

        private static Thread start(String command, Runnable work) {
            Thread thread = new Thread(work, "weft-" + command);
            thread.setDaemon(true);
            thread.start();
            return thread;
        }

        private void read(InputStream from) {
            try (from) {
                text = new String(from.readAllBytes(), StandardCharsets.UTF_8);
            } catch (IOException e) {
                text = String.valueOf(e.getMessage());
            }
        }

        private static void write(OutputStream to, byte[] bytes) {
            try (to) {
                to.write(bytes);
            } catch (IOException e) {
                // It ended before it read everything; its exit code tells.
            }
        }

        /** Waits for the end of the stream; a process that outlives the program may hold it open. */
        boolean hasEnded(long deadlineNanos) throws InterruptedException {
            long left = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime());
            thread.join(Math.max(1, left));
            return !thread.isAlive();
        }

        /** Closing waits for a thread that reads, so it is left to a thread that the kernel still holds. */
        void end(long deadlineNanos) {
            try {
                if (thread == null || hasEnded(deadlineNanos)) {
                    stream.close();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (IOException e) {
                // What it held is closed.
            }
        }
    }
}
