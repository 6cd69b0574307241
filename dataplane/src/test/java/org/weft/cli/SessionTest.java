package org.weft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.cli.StubDaemon.Request;
import org.weft.daemon.Main;

class SessionTest {
    private static final String FDB =
            """
            [{"mac":"ee:ee:0a:ff:2b:00","ifname":"silk-vtep","dst":"10.0.16.14","flags":["self"],"state":"permanent"},
            {"mac":"ee:ee:0a:ff:2c:00","ifname":"silk-vtep","dst":"10.0.16.15","flags":["self"],"state":""}]""";

    @TempDir
    private Path directory;

    @Test
    void asksForOneDeviceOnly() throws IOException {
        try (StubDaemon daemon = answering(200, "[]")) {
            assertEquals(
                    0, CommandLineRun.against(daemon, "fdb show dev silk-vtep").exitCode());
            assertEquals(List.of(new Request("GET /v1/fdb?dev=silk-vtep", "")), daemon.requests());
        }
    }

    @Test
    void sendsAChangeAsOneLineOfJson() throws IOException {
        try (StubDaemon daemon = answering(200, "{\"applied\":1}")) {
            CommandLineRun run = CommandLineRun.against(daemon, "tag replace 10.255.99.3 1");
            assertEquals(new CommandLineRun(0, "", ""), run);
            Request request = daemon.requests().get(0);
            assertEquals("POST /v1", request.line());
            assertEquals(
                    "{\"object\":\"tag\",\"action\":\"replace\",\"source\":\"10.255.99.3\",\"tag\":1}\n",
                    request.body());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"link set silk-vtep mtu 9000", "-j link set silk-vtep mtu 9000"})
    void printsWarningsOfAChange(String words) throws IOException {
        String answer = "{\"applied\":1,\"warnings\":[\"mtu 9000 is large\",\"a \\u001b in it\"]}";
        try (StubDaemon daemon = answering(200, answer)) {
            assertEquals(
                    new CommandLineRun(0, "", "warning: mtu 9000 is large\nwarning: a \\x1b in it\n"),
                    CommandLineRun.against(daemon, words));
        }
    }

    @Test
    void printsWarningsBesideARefusal() throws IOException {
        String answer = "{\"applied\":0,\"errors\":[{\"index\":1,\"error\":\"File exists\",\"exit\":73}],"
                + "\"warnings\":[\"mtu 9000 is large\"]}";
        try (StubDaemon daemon = answering(409, answer)) {
            assertEquals(
                    new CommandLineRun(73, "", "warning: mtu 9000 is large\nweft: File exists\n"),
                    CommandLineRun.against(daemon, "link set silk-vtep mtu 9000"));
        }
    }

    @Test
    void printsWarningsOfABatch() throws IOException {
        String answer = "{\"applied\":2,\"warnings\":[\"mtu 9000 is large\"]}";
        try (StubDaemon daemon = answering(200, answer)) {
            String lines = "link set silk-vtep mtu 9000\nlink set silk-vtep up\n";
            assertEquals(
                    new CommandLineRun(0, "", "warning: mtu 9000 is large\n"),
                    CommandLineRun.against(daemon, "-batch -", lines));
        }
    }

    @Test
    void printsWarningsOfConvergeApartFromItsChanges() throws IOException {
        String answer = "[{\"warning\":\"mtu 9000 is large\"}]";
        try (StubDaemon daemon = answering(200, answer)) {
            assertEquals(
                    new CommandLineRun(0, "nothing to change\n", "warning: mtu 9000 is large\n"),
                    CommandLineRun.against(daemon, "converge --dry-run"));
            assertEquals(
                    new CommandLineRun(0, answer + "\n", ""),
                    CommandLineRun.against(daemon, "-j converge"),
                    "JSON has them in their place");
        }
    }

    @Test
    void passesOnTheDaemonsSentenceAndExitCode() throws IOException {
        String refusal = "{\"applied\":0,\"errors\":[{\"index\":1,\"error\":\"File exists\",\"exit\":73}]}";
        try (StubDaemon daemon = answering(409, refusal)) {
            CommandLineRun run = CommandLineRun.against(daemon, "fdb add ee:ee:0a:ff:2b:00 dst 10.0.0.1");
            assertEquals(new CommandLineRun(73, "", "weft: File exists\n"), run);
        }
    }

    @Test
    void passesOnWhyAQuestionIsRefused() throws IOException {
        String refusal = "{\"applied\":0,\"errors\":[{\"index\":1,\"error\":\"Cannot find device\",\"exit\":66}]}";
        try (StubDaemon daemon = answering(404, refusal)) {
            CommandLineRun run = CommandLineRun.against(daemon, "link show nope");
            assertEquals(new CommandLineRun(66, "", "weft: Cannot find device\n"), run);
        }
    }

    @Test
    void printsTheDaemonsOwnJson() throws IOException {
        try (StubDaemon daemon = answering(200, FDB)) {
            assertEquals(FDB + "\n", CommandLineRun.against(daemon, "-j fdb").out());
        }
    }

    @Test
    void picksOneAddress() throws IOException {
        try (StubDaemon daemon = answering(200, FDB)) {
            assertEquals(
                    "ee:ee:0a:ff:2c:00 dev silk-vtep dst 10.0.16.15 self\n",
                    CommandLineRun.against(daemon, "fdb show EE:EE:0A:FF:2C:00").out());
            assertEquals(
                    "[{\"mac\":\"ee:ee:0a:ff:2c:00\",\"ifname\":\"silk-vtep\",\"dst\":\"10.0.16.15\","
                            + "\"flags\":[\"self\"],\"state\":\"\"}]\n",
                    CommandLineRun.against(daemon, "fdb show ee:ee:0a:ff:2c:00 -j")
                            .out());
            assertEquals(
                    "[]\n",
                    CommandLineRun.against(daemon, "-j fdb show ee:ee:0a:ff:2d:00")
                            .out());
        }
    }

    /** As {@code weft fdb show | head} does; the answer is cut short, which nobody would hear of who does not read on. */
    @ParameterizedTest
    @ValueSource(strings = {"fdb", "-j fdb"})
    void endsQuietlyWhenNobodyReadsItsOutput(String words) throws IOException {
        String entries = (FDB.substring(1, FDB.length() - 1) + ",").repeat(10_000);
        try (StubDaemon daemon = new StubDaemon(
                directory,
                request -> StubDaemon.message(
                        "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n",
                        ("[" + entries).getBytes(StandardCharsets.US_ASCII)))) {
            OutputStream closed = new OutputStream() {
                @Override
                public void write(int octet) throws IOException {
                    throw new IOException("Broken pipe");
                }
            };
            ByteArrayOutputStream err = new ByteArrayOutputStream();
            int exitCode = Main.execute(
                    List.of(("--control " + daemon.socket() + " " + words).split(" ")),
                    InputStream.nullInputStream(),
                    new PrintStream(closed, false, StandardCharsets.UTF_8),
                    new PrintStream(err, true, StandardCharsets.UTF_8));
            assertEquals("", err.toString(StandardCharsets.UTF_8));
            assertEquals(0, exitCode);
        }
    }

    @Test
    void readsAnAnswerInChunks() throws IOException {
        String first = "[{\"mac\":\"e";
        String second = "e:ee:0a:ff:2b:00\",\"dst\":\"10.0.0.1\",\"state\":\"x\"}]";
        String chunks = Integer.toHexString(first.length()) + ";ignored=1\r\n" + first + "\r\n"
                + Integer.toHexString(second.length()) + "\r\n" + second + "\r\n0\r\n\r\n";
        try (StubDaemon daemon = new StubDaemon(
                directory,
                request -> StubDaemon.message(
                        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                        chunks.getBytes(StandardCharsets.US_ASCII)))) {
            CommandLineRun run = CommandLineRun.against(daemon, "fdb");
            assertEquals("ee:ee:0a:ff:2b:00 dst 10.0.0.1 x\n", run.out(), run.err());
        }
    }

    @Test
    void saysSoWhenAnAnswerIsCutShort() throws IOException {
        try (StubDaemon daemon = new StubDaemon(
                directory,
                request -> StubDaemon.message(
                        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "[".getBytes(StandardCharsets.US_ASCII)))) {
            CommandLineRun run = CommandLineRun.against(daemon, "fdb");
            assertEquals("weft: the daemon's answer to /v1/fdb is cut short or garbled\n", run.err());
            assertEquals(69, run.exitCode());
        }
    }

    @Test
    void saysSoWhenSomethingElseAnswers() throws IOException {
        try (StubDaemon daemon =
                new StubDaemon(directory, request -> StubDaemon.message("SSH-2.0-OpenSSH\r\n", new byte[0]))) {
            CommandLineRun run = CommandLineRun.against(daemon, "link");
            assertTrue(run.err().contains("broke off (\"SSH-2.0-OpenSSH\" is not HTTP)"), run.err());
            assertEquals(69, run.exitCode());
        }
        try (StubDaemon daemon = new StubDaemon(
                Files.createDirectory(directory.resolve("b")), request -> StubDaemon.answer(500, "<html> Oops"))) {
            CommandLineRun run = CommandLineRun.against(daemon, "link");
            assertTrue(run.err().contains("does not speak Weft's control API (HTTP 500: <html> Oops)"), run.err());
            assertEquals(69, run.exitCode());
        }
    }

    private StubDaemon answering(int status, String body) throws IOException {
        Function<Request, byte[]> answers = request -> StubDaemon.answer(status, body);
        return new StubDaemon(directory, answers);
    }
}
