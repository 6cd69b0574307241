package org.weft.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A command run to its end, and what came of it. */
record Command(List<String> words, int exitCode, String output) {
    private static final int LIMIT_S = 120;

    /** Runs a command with standard error merged into its output. No pipe to it stays open. */
    static Command attempt(String input, List<String> words) {
        try {
            Process process =
                    new ProcessBuilder(words).redirectErrorStream(true).start();
            try (var stdin = process.getOutputStream()) {
                stdin.write(input.getBytes(StandardCharsets.UTF_8));
            }
            String output;
            try (var stdout = process.getInputStream()) {
                output = new String(stdout.readAllBytes(), StandardCharsets.UTF_8);
            }
            process.getErrorStream().close();
            if (!process.waitFor(LIMIT_S, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError(String.join(" ", words) + ": still running after " + LIMIT_S + " s");
            }
            return new Command(words, process.exitValue(), output);
        } catch (IOException e) {
            throw new UncheckedIOException(String.join(" ", words), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(String.join(" ", words) + ": interrupted", e);
        }
    }

    /** Runs a command that must succeed; gives its output. */
    static String run(List<String> words) {
        return run("", words);
    }

    static String run(String input, List<String> words) {
        Command command = attempt(input, words);
        if (command.exitCode != 0) {
            throw new AssertionError(command + (input.isEmpty() ? "" : "\nwith input\n" + input));
        }
        return command.output;
    }

    @Override
    public String toString() {
        return String.join(" ", words) + ": exit code " + exitCode + "\n" + output;
    }
}
