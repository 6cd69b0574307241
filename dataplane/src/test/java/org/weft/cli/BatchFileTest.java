package org.weft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.cli.StubDaemon.Request;

class BatchFileTest {
    private static final String TAG = "{\"object\":\"tag\",\"action\":\"add\",\"source\":\"10.0.0.%d\",\"tag\":%d}\n";

    @TempDir
    private Path directory;

    @Test
    void sendsLinesInOneRequest() throws IOException {
        try (StubDaemon daemon = applying()) {
            CommandLineRun run = batch(
                    daemon,
                    """
                    # tags
                    tag add 10.0.0.1 1   # one

                    tag add "10.0.0.2" \\
                      2
                    """);
            assertEquals(new CommandLineRun(0, "", ""), run);
            assertEquals(
                    List.of(new Request("POST /v1", TAG.formatted(1, 1) + TAG.formatted(2, 2))), daemon.requests());
        }
    }

    @Test
    void sendsWhatStandsBeforeABadLine() throws IOException {
        try (StubDaemon daemon = applying()) {
            CommandLineRun run = batch(daemon, "tag add 10.0.0.1 1\n\ntag add 10.0.0.2 0\ntag add 10.0.0.3 3\n");
            assertEquals(1, run.exitCode());
            assertEquals("tag add: \"tag\" is a number from 1 to 65535, not \"0\"\nCommand failed -:3\n", run.err());
            assertEquals(List.of(new Request("POST /v1", TAG.formatted(1, 1))), daemon.requests());
        }
    }

    @Test
    void goesOnBehindABadLineWhenForced() throws IOException {
        try (StubDaemon daemon = applying()) {
            CommandLineRun run = CommandLineRun.against(
                    daemon, "-force -batch -", "tag add 10.0.0.1 1\ntag frob\ntag add 10.0.0.3 3\n");
            assertEquals(1, run.exitCode());
            assertTrue(run.err().endsWith("Command failed -:2\n"), run.err());
            assertEquals(
                    List.of(
                            new Request("POST /v1?force=true", TAG.formatted(1, 1)),
                            new Request("POST /v1?force=true", TAG.formatted(3, 3))),
                    daemon.requests());
        }
    }

    @Test
    void namesTheLineOfAChangeTheDaemonRefuses() throws IOException {
        String refusal = "{\"applied\":1,\"errors\":[{\"index\":2,\"error\":\"File exists\",\"exit\":73}]}";
        try (StubDaemon daemon = new StubDaemon(directory, request -> StubDaemon.answer(409, refusal))) {
            Path file = Files.writeString(
                    directory.resolve("tags"), "tag add 10.0.0.1 1\n# comment\ntag add 10.0.0.1 1\nlink show\n");
            CommandLineRun run = CommandLineRun.against(daemon, "-batch " + file);
            assertEquals(new CommandLineRun(1, "", "File exists\nCommand failed " + file + ":3\n"), run);
            assertEquals(1, daemon.requests().size());
        }
    }

    @Test
    void showsInOrderWithChanges() throws IOException {
        try (StubDaemon daemon = applying()) {
            CommandLineRun run = batch(daemon, "tag add 10.0.0.1 1\ntag show\ntag add 10.0.0.2 2\n");
            assertEquals(new CommandLineRun(0, "10.0.0.9 dev silk-vtep tag 9\n", ""), run);
            assertEquals(
                    List.of("POST /v1", "GET /v1/tag", "POST /v1"),
                    daemon.requests().stream().map(Request::line).toList());
        }
    }

    @Test
    void keepsTheOrderOfManyLines() throws IOException {
        StringBuilder lines = new StringBuilder();
        StringBuilder expected = new StringBuilder();
        for (int i = 0; i < 20_000; i++) {
            lines.append("tag add 10.0.0.")
                    .append(i % 250)
                    .append(' ')
                    .append(i + 1)
                    .append('\n');
            expected.append(TAG.formatted(i % 250, i + 1));
        }
        try (StubDaemon daemon = applying()) {
            assertEquals(0, batch(daemon, lines.toString()).exitCode());
            StringBuilder sent = new StringBuilder();
            daemon.requests().forEach(request -> sent.append(request.body()));
            assertEquals(expected.toString(), sent.toString());
        }
    }

    @Test
    void refusesADirectory() {
        CommandLineRun run = CommandLineRun.of("-batch " + directory);
        assertEquals("weft: cannot read batch file \"" + directory + "\": Is a directory\n", run.err());
        assertEquals(66, run.exitCode());
    }

    private static CommandLineRun batch(StubDaemon daemon, String lines) {
        return CommandLineRun.against(daemon, "-batch -", lines);
    }

    private StubDaemon applying() throws IOException {
        return new StubDaemon(
                directory,
                request -> StubDaemon.answer(
                        200,
                        request.line().startsWith("POST")
                                ? "{\"applied\":1}"
                                : "[{\"source\":\"10.0.0.9\",\"dev\":\"silk-vtep\",\"tag\":9}]"));
    }
}
