package org.weft.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** Runs the programs of iproute2 and the like. */
public final class Commands {
    private static final long LIMIT_SECONDS = 20;

    private Commands() {}

    /** Runs a command of words without quotes and returns what it printed; fails if it failed, with its words. No pipe to it stays open. */
    public static String run(String command) {
        try {
            Process process = new ProcessBuilder(command.split(" "))
                    .redirectErrorStream(true)
                    .start();
            process.getOutputStream().close();
            process.getErrorStream().close();
            String output;
            try (var stdout = process.getInputStream()) {
                output = new String(stdout.readAllBytes(), StandardCharsets.UTF_8);
            }
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
                process.destroyForcibly();
                throw new AssertionError(command + ": " + output);
            }
            // Otherwise a thread of the JDK closes them some time later, under the eyes of a test that counts files.
            process.getOutputStream().close();
            process.getInputStream().close();
            process.getErrorStream().close();
            return output;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(command + " was interrupted", e);
        }
    }
}
