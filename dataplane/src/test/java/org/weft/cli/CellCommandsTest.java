package org.weft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.cli.StubDaemon.Request;

/** What {@code weft cell}, {@code lease}, {@code converge} and {@code drain} ask for and print. */
class CellCommandsTest {
    private static final String BY_HAND =
            """
            {"network":"","id":"","ifname":"eth0","address":"10.255.99.3","mac":"ee:ee:0a:ff:63:03",\
            "netns":"/run/netns/app1","mtu":1450,"veth":"s-010255099003","veth_mac":"aa:aa:0a:ff:63:03"}""";
    private static final String BY_CNI =
            """
            {"network":"weft","id":"4711","ifname":"eth0","address":"10.255.99.4","mac":"ee:ee:0a:ff:63:04",\
            "netns":"/proc/9/ns/net","mtu":1400,"veth":"s-010255099004","veth_mac":"aa:aa:0a:ff:63:04"}""";
    private static final String BY_HAND_LINE =
            "10.255.99.3 dev s-010255099003 lladdr aa:aa:0a:ff:63:03 peer eth0 lladdr ee:ee:0a:ff:63:03 mtu 1450"
                    + " netns /run/netns/app1\n";
    private static final String BY_CNI_LINE =
            "10.255.99.4 dev s-010255099004 lladdr aa:aa:0a:ff:63:04 peer eth0 lladdr ee:ee:0a:ff:63:04 mtu 1400"
                    + " netns /proc/9/ns/net network weft id 4711\n";

    @TempDir
    private Path directory;

    private StubDaemon answering(int status, String body) throws IOException {
        return new StubDaemon(directory, request -> StubDaemon.answer(status, body));
    }

    /** Answers with these one after the other; the last stands for a daemon that has ended. */
    private StubDaemon answeringInTurn(String... bodies) throws IOException {
        Deque<String> left = new ArrayDeque<>(List.of(bodies));
        return new StubDaemon(
                directory, request -> left.isEmpty() ? new byte[0] : StubDaemon.answer(200, left.removeFirst()));
    }

    private static String cell(boolean draining, String... containers) {
        return "{\"vtep\":\"silk-vtep\",\"state\":\"" + (draining ? "draining" : "current")
                + "\",\"subnet\":\"10.255.99.0/24\",\"draining\":" + draining + ",\"drain_remaining\":"
                + (draining ? "42" : "null") + ",\"containers\":[" + String.join(",", containers) + "]}";
    }

    // weft cell

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
cell attach app1                        | {"action":"attach","netns":"app1","ifname":"eth0"}
cell attach app1 --ip 10.255.99.3       | {"action":"attach","netns":"app1","ifname":"eth0","address":"10.255.99.3"}
cell attach /proc/9/ns/net --ifname ov0 | {"action":"attach","netns":"/proc/9/ns/net","ifname":"ov0"}
""")
    void attachesWhatIsAskedFor(String line, String body) throws IOException {
        try (StubDaemon daemon = answering(200, BY_HAND)) {
            assertEquals(new CommandLineRun(0, BY_HAND_LINE, ""), CommandLineRun.against(daemon, line));
            assertEquals("POST /v1/cell", daemon.requests().get(0).line());
            assertEquals(body, daemon.requests().get(0).body().strip());
        }
    }

    @Test
    void detachesAndSaysNothing() throws IOException {
        try (StubDaemon daemon = answering(200, "{}")) {
            assertEquals(new CommandLineRun(0, "", ""), CommandLineRun.against(daemon, "cell detach app1 --ifname e"));
            assertEquals(
                    "{\"action\":\"detach\",\"netns\":\"app1\",\"ifname\":\"e\"}",
                    daemon.requests().get(0).body().strip());
        }
    }

    @Test
    void showsContainersALineEach() throws IOException {
        try (StubDaemon daemon = answering(200, cell(false, BY_HAND, BY_CNI))) {
            assertEquals(
                    new CommandLineRun(0, BY_HAND_LINE + BY_CNI_LINE, ""), CommandLineRun.against(daemon, "cell show"));
            assertEquals(List.of(new Request("GET /v1/cell", "")), daemon.requests());
            assertEquals(
                    cell(false, BY_HAND, BY_CNI) + "\n",
                    CommandLineRun.against(daemon, "-j cell").out());
        }
    }

    @Test
    void printsTheAttachedContainersJson() throws IOException {
        try (StubDaemon daemon = answering(200, BY_HAND)) {
            assertEquals(
                    BY_HAND + "\n",
                    CommandLineRun.against(daemon, "-j cell attach app1").out());
        }
    }

    @Test
    void passesOnWhyAContainerIsNotAttached() throws IOException {
        String refusal = "{\"applied\":0,\"errors\":[{\"index\":1,\"error\":\"it is full\",\"exit\":69}]}";
        try (StubDaemon daemon = answering(409, refusal)) {
            assertEquals(
                    new CommandLineRun(69, "", "weft: it is full\n"),
                    CommandLineRun.against(daemon, "cell attach app1"));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "cell attach",
        "cell detach",
        "cell attach a b",
        "cell frobnicate",
        "cell attach a --mtu 3",
        "lease shwo",
        "converge now",
        "drain --timeout soon"
    })
    void refusesWhatIsNoCommand(String line) {
        CommandLineRun run = CommandLineRun.of(line);

        assertEquals(64, run.exitCode(), run.err());
        assertTrue(run.err().startsWith("weft: "), run.err());
        assertEquals("", run.out());
    }

    // weft lease

    @Test
    void printsLeasesAsRoutesNeighboursAndForwardingEntries() throws IOException {
        String leases =
                """
                {"vtep":"silk-vtep","source":"etcd https://10.0.0.1:2379","state":"current","age":3,"trouble":null,
                "own":{"underlay_ip":"10.0.16.16","overlay_subnet":"10.255.99.0/24",
                "overlay_hardware_addr":"ee:ee:0a:ff:63:00"},
                "leases":[{"underlay_ip":"10.0.16.15","overlay_subnet":"10.255.0.9/32",
                "overlay_hardware_addr":"ee:ee:0a:ff:00:09"},
                {"underlay_ip":"10.0.16.14","overlay_subnet":"10.255.43.0/24",
                "overlay_hardware_addr":"ee:ee:0a:ff:2b:00"}],
                "skipped":[{"underlay_ip":null,"overlay_subnet":"10.99.0.0/24","overlay_hardware_addr":null,
                "reason":"leases.yml:4: underlay_ip is missing"}],
                "failures":["ip route add 10.255.43.0/24: File exists"]}
                """;
        try (StubDaemon daemon = answering(200, leases)) {
            assertEquals(
                    """
                    source etcd https://10.0.0.1:2379: current, tables of age 3 s
                    10.255.99.0/24 dev silk-vtep lladdr ee:ee:0a:ff:63:00 dst 10.0.16.16 own
                    10.255.0.9/32 dev silk-vtep lladdr ee:ee:0a:ff:00:09 dst 10.0.16.15
                    10.255.43.0/24 via 10.255.43.0 dev silk-vtep lladdr ee:ee:0a:ff:2b:00 dst 10.0.16.14
                    skipped leases.yml:4: underlay_ip is missing
                    refused ip route add 10.255.43.0/24: File exists
                    """,
                    CommandLineRun.against(daemon, "lease show").out());
            assertEquals(leases, CommandLineRun.against(daemon, "-j lease").out());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "current  | 59     |         | current, tables of age 59 s",
                "stale    | 7980   | silence | stale, running on tables of age 2 h 13 m: silence",
                "stale    | 61     | silence | stale, running on tables of age 1 m 1 s: silence",
                "stale    | 266400 |         | stale, running on tables of age 3 d 2 h",
                "draining | 1      |         | draining, tables of age 1 s",
                "waiting  |        |         | waiting for a lease",
                "waiting  |        | silence | waiting for a lease: silence",
                "lost     | 3      | taken   | lost: taken"
            })
    void printsWhatStateTheSourceIsIn(String state, Long age, String trouble, String words) throws IOException {
        String json =
                "{\"vtep\":\"v\",\"source\":\"file l\",\"state\":\"" + state + "\",\"age\":" + age + ",\"trouble\":"
                        + (trouble == null ? "null" : '"' + trouble + '"')
                        + ",\"own\":null,\"leases\":[],\"skipped\":[],\"failures\":[]}";
        try (StubDaemon daemon = answering(200, json)) {
            assertEquals(
                    "source file l: " + words + "\n",
                    CommandLineRun.against(daemon, "lease").out());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"{\"vtep\":", "[]", "<html>", "{\"leases\":[{}]}"})
    void saysThatAnAnswerIsGarbled(String answer) throws IOException {
        try (StubDaemon daemon = answering(200, answer)) {
            CommandLineRun run = CommandLineRun.against(daemon, "lease");
            assertTrue(run.exitCode() != 0, run.out());
            assertTrue(run.err().startsWith("weft: ") && run.err().lines().count() == 1, run.err());
        }
    }

    // weft converge

    private static String change(String kind, String text, String more) {
        return "{\"subnet\":\"10.255.43.0/24\",\"change\":\"" + kind + "\",\"before\":null,\"after\":null,\"text\":\""
                + text + "\"" + more + "}";
    }

    @Test
    void marksWhatWouldBeChanged() throws IOException {
        String changes = "[" + change("added", "added 10.255.43.0/24: 10.0.16.14 ee:ee:0a:ff:2b:00", "") + ","
                + change("moved", "moved 10.255.1.0/24: 10.0.16.15 m, was 10.0.16.14 m", "") + ","
                + change("gone", "gone 10.255.2.0/24", "") + ","
                + change("repaired", "repaired 10.255.3.0/24: x, route", "")
                + "]";
        try (StubDaemon daemon = answering(200, changes)) {
            assertEquals(
                    new CommandLineRun(
                            0,
                            """
                            + 10.255.43.0/24: 10.0.16.14 ee:ee:0a:ff:2b:00
                            ~ 10.255.1.0/24: 10.0.16.15 m, was 10.0.16.14 m
                            - 10.255.2.0/24
                            ! 10.255.3.0/24: x, route
                            """,
                            ""),
                    CommandLineRun.against(daemon, "converge --dry-run"));
            assertEquals("GET /v1/converge", daemon.requests().get(0).line());
            assertEquals(
                    changes + "\n",
                    CommandLineRun.against(daemon, "-j converge --dry-run").out());
        }
    }

    @Test
    void saysThatNothingIsToBeChanged() throws IOException {
        try (StubDaemon daemon = answering(200, "[]")) {
            assertEquals(new CommandLineRun(0, "nothing to change\n", ""), CommandLineRun.against(daemon, "converge"));
            assertEquals("POST /v1/converge", daemon.requests().get(0).line());
        }
    }

    @Test
    void failsWhereTheKernelRefusedAChange() throws IOException {
        String changes = "[" + change("added", "added 10.255.43.0/24: x", ",\"refused\":\"File exists\"") + "]";
        try (StubDaemon daemon = answering(200, changes)) {
            assertEquals(
                    new CommandLineRun(71, "+ 10.255.43.0/24: x (refused: File exists)\n", ""),
                    CommandLineRun.against(daemon, "converge"));
        }
    }

    // weft drain

    @Test
    void watchesContainersLeaveUntilTheDaemonHasEnded() throws IOException {
        try (StubDaemon daemon = answeringInTurn(
                cell(true, BY_HAND, BY_CNI), cell(true, BY_HAND, BY_CNI), cell(true, BY_CNI), cell(true))) {
            assertEquals(
                    new CommandLineRun(
                            0,
                            """
                            2 containers: 10.255.99.3 (/run/netns/app1), 10.255.99.4 (/proc/9/ns/net), 42 s left
                            1 container: 10.255.99.4 (/proc/9/ns/net), 42 s left
                            no containers, 42 s left
                            drained: the daemon has ended
                            """,
                            ""),
                    CommandLineRun.against(daemon, "drain --timeout 60"));
            assertEquals(
                    "{\"action\":\"drain\",\"timeout\":60}",
                    daemon.requests().get(0).body().strip());
            assertEquals("GET /v1/cell", daemon.requests().get(1).line());
        }
    }

    @Test
    void saysWhoIsLeftWhenItWasCancelled() throws IOException {
        try (StubDaemon daemon = answeringInTurn(cell(true, BY_HAND), cell(false, BY_HAND))) {
            assertEquals(
                    new CommandLineRun(
                            75,
                            "1 container: 10.255.99.3 (/run/netns/app1), 42 s left\n",
                            "weft: not drained, as the draining was cancelled, and the cell continues as before: 1 container:"
                                    + " 10.255.99.3 (/run/netns/app1)\n"),
                    CommandLineRun.against(daemon, "drain"));
        }
    }

    /** Without containers the daemon is drained at once, and may end before its answer has left. */
    @Test
    void anAnswerThatTheDaemonsEndCutsShortMeansDrained() throws IOException {
        try (StubDaemon daemon = answeringInTurn()) {
            assertEquals(
                    new CommandLineRun(0, "drained: the daemon has ended\n", ""),
                    CommandLineRun.against(daemon, "drain"));
            assertEquals("POST /v1/cell", daemon.requests().get(0).line());
        }
    }

    @Test
    void saysWhoIsLeftAfterTheTimeout() throws IOException {
        try (StubDaemon daemon = answeringInTurn(cell(true, BY_HAND), cell(false, BY_HAND))) {
            CommandLineRun run = CommandLineRun.against(daemon, "drain --timeout 1");
            assertEquals(75, run.exitCode());
            assertTrue(run.err().startsWith("weft: not drained, as 1 s have passed, and"), run.err());
        }
    }

    @Test
    void cancelsADraining() throws IOException {
        try (StubDaemon daemon = answering(200, cell(false, BY_HAND))) {
            assertEquals(new CommandLineRun(0, "", ""), CommandLineRun.against(daemon, "drain --cancel"));
            assertEquals(
                    "{\"action\":\"cancel-drain\"}",
                    daemon.requests().get(0).body().strip());
        }
    }
}
