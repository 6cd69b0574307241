package org.weft.dataplane.host;

import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.weft.dataplane.vtep.OperatorException;
import org.weft.dataplane.vtep.OperatorException.Kind;

/** Runs a program of the host to its end: some milliseconds, never on a packet's way. */
final class HostCommand {
    /** What came of it. */
    record Answer(int exitCode, String output, String errors) {
        boolean succeeded() {
            return exitCode == 0;
        }

        /** The first line of what it says is wrong. */
        String reason() {
            return firstLine(errors);
        }
    }

    private HostCommand() {}

    /**
     * @param input for its standard input
     * @param debianPackage that brings it
     * @throws OperatorException if it is not there
     */
    static Answer run(String input, List<String> command, String debianPackage) {
        try {
            Process process = new ProcessBuilder(command).start();
            // Read beside the writing: with thousands of lines every pipe may be full at once.
            Drain errors = new Drain(process.getErrorStream(), command.get(0));
            Drain output = new Drain(process.getInputStream(), command.get(0));
            try (Writer lines = process.outputWriter(StandardCharsets.UTF_8)) {
                lines.write(input.isEmpty() || input.endsWith("\n") ? input : input + "\n");
            } catch (IOException e) {
                // It ended before it read everything; its exit code tells.
            }
            return new Answer(process.waitFor(), output.text(), errors.text());
        } catch (IOException e) {
            throw new OperatorException(
                    Kind.UNAVAILABLE,
                    "the command " + command.get(0) + " does not run: install " + debianPackage + " (" + e.getMessage()
                            + ")",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OperatorException(Kind.OS_ERROR, "interrupted while " + command.get(0) + " ran", e);
        }
    }

    static String firstLine(String text) {
        return text.lines().filter(line -> !line.isBlank()).findFirst().orElse("failed without a word");
    }

    /** Reads a stream to its end on a thread of its own. */
    private static final class Drain {
        private final Thread thread;
        private String text = "";

        Drain(InputStream stream, String command) {
            thread = new Thread(() -> read(stream), "weft-" + command);
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
