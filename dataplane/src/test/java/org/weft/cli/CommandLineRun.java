package org.weft.cli;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.weft.daemon.Main;

/** What a command line gave. */
public record CommandLineRun(int exitCode, String out, String err) {
    /** Runs words that are separated by single blanks. */
    public static CommandLineRun of(String line) {
        return of("", line.isEmpty() ? new String[0] : line.split(" "));
    }

    public static CommandLineRun against(StubDaemon daemon, String line) {
        return against(daemon, line, "");
    }

    public static CommandLineRun against(StubDaemon daemon, String line, String input) {
        List<String> words =
                new ArrayList<>(List.of("--control", daemon.socket().toString()));
        words.addAll(List.of(line.split(" ")));
        return of(input, words.toArray(String[]::new));
    }

    public static CommandLineRun of(String input, String... words) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int exitCode = Main.execute(
                List.of(words),
                new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(err, false, StandardCharsets.UTF_8));
        return new CommandLineRun(exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }
}
