package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.weft.it.LifecycleIT.assertOneSentence;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.weft.testing.RequiresRoot;

/** What is wrong is said in a sentence, the exit code is of sysexits.h, and nothing is left behind. */
@RequiresRoot
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BadInputIT {
    private static final int LINE_FAILED = 1;
    private static final int UNAVAILABLE = 69;
    private static final int OS_ERROR = 71;
    private static final int NO_INPUT = 66;
    private static final int NO_PERMISSION = 77;
    private static final int BAD_CONFIG = 78;

    private static final String VTEP =
            """
              - name: silk-vtep
                vni: 1
                address: 10.255.126.0/16
                mtu: 1410
            """;
    private static final String CONFIG =
            """
            underlay:
              local: 10.0.16.14
            vteps:
            """ + VTEP;

    private HostLab lab;

    @BeforeAll
    void open() {
        lab = HostLab.open(Subject.KERNEL);
    }

    @AfterAll
    void close() {
        if (lab != null) {
            lab.close();
        }
    }

    static Stream<Arguments> badConfigs() {
        return Stream.of(
                bad("unknown key", CONFIG + "    lerning: true\n", "weft.yml:8", "lerning"),
                bad("unknown section", CONFIG + "bridges: []\n", "weft.yml:8", "bridges"),
                bad("unknown underlay key", CONFIG.replace("local:", "adress: 1\n  local:"), "weft.yml:2", "adress"),
                bad("no YAML", "vteps: [\n", "weft.yml"),
                bad("VNI too large", CONFIG.replace("vni: 1", "vni: 16777216"), "weft.yml:5", "vni", "16777216"),
                bad("VNI missing", CONFIG.replace("    vni: 1\n", ""), "vni"),
                bad("port too large", CONFIG.replace("14\nv", "14\n  port: 65536\nv"), "weft.yml:3", "port", "65536"),
                bad("bad local address", CONFIG.replace("10.0.16.14", "10.0.16.256"), "weft.yml:2", "10.0.16.256"),
                bad("bad prefix", CONFIG.replace("126.0/16", "126.0/33"), "weft.yml:6", "address"),
                bad("bad MAC", CONFIG + "    mac: ee:ee:0a:ff:7e\n", "weft.yml:8", "mac", "ee:ee:0a:ff:7e"),
                bad("multicast MAC", CONFIG + "    mac: \"01:00:5e:00:00:01\"\n", "weft.yml:8", "01:00:5e:00:00:01"),
                bad("bad FDB MAC", CONFIG + "    fdb: [{mac: none, dst: 10.0.16.16}]\n", "weft.yml:8", "none"),
                bad("bad FDB remote", CONFIG + "    fdb: [{mac: \"ee:ee:0a:ff:63:00\", dst: peer}]\n", "8", "peer"),
                bad("bad neighbour", CONFIG + "    neighbours: [{ip: 10.255.43, mac: \"ee:ee:0a:ff:2b:00\"}]\n", "8"),
                bad(
                        "bad tag",
                        CONFIG + "    gbp: true\n    tags: [{source: 10.255.126.3, tag: 65536}]\n",
                        "9",
                        "65536"),
                bad("bad switch", CONFIG + "    learning: perhaps\n", "weft.yml:8", "learning", "perhaps"),
                bad("bad MTU", CONFIG.replace("1410", "67"), "weft.yml:7", "mtu", "67"),
                bad("device name too long", CONFIG.replace("silk-vtep", "silk-vtep-number-1"), "silk-vtep-number-1"),
                bad("VNI used twice", CONFIG + VTEP.replace("silk-vtep", "other-vtep"), "silk-vtep", "other-vtep"),
                bad("name used twice", CONFIG + VTEP.replace("vni: 1", "vni: 2"), "silk-vtep"));
    }

    private static Arguments bad(String what, String config, String... words) {
        return Arguments.argumentSet(what, config, List.of(words));
    }

    @ParameterizedTest
    @MethodSource("badConfigs")
    void refusesBadConfig(String config, List<String> words) {
        try (WeftDaemon daemon = new WeftDaemon(lab.host, config)) {
            daemon.launch();
            assertEquals(BAD_CONFIG, daemon.exitCode(), daemon::log);
            assertOneSentence(daemon.log(), words.toArray(String[]::new));
            assertNothingLeft(daemon);
        }
    }

    @Test
    void refusesConfigFileThatIsNotThere() {
        Command daemon = lab.host.attempt(WeftDaemon.script(), "daemon", "--config", "/nonexistent/weft.yml");
        assertEquals(NO_INPUT, daemon.exitCode(), daemon::toString);
        assertOneSentence(daemon.output(), "/nonexistent/weft.yml");
    }

    @Test
    void warnsOfMtuThatTheUnderlayDoesNotCarry() {
        try (WeftDaemon daemon = new WeftDaemon(lab.host, CONFIG.replace("1410", "1451")).start()) {
            assertTrue(
                    daemon.log().lines().anyMatch(line -> line.contains("1451") && line.contains("1450")), daemon::log);
        }
    }

    @Test
    void refusesWithoutNetAdmin() {
        String[] powerless = {"setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"};
        try (WeftDaemon daemon = new WeftDaemon(lab.host, CONFIG, powerless)) {
            daemon.launch();
            assertEquals(NO_PERMISSION, daemon.exitCode(), daemon::log);
            assertOneSentence(daemon.log(), "CAP_NET_ADMIN");
            assertNothingLeft(daemon);
        }
    }

    @Test
    void refusesWithoutTunDevice() {
        String[] tunless = {"unshare", "-m", "sh", "-c", "mount -t tmpfs none /dev/net && exec \"$0\" \"$@\""};
        try (WeftDaemon daemon = new WeftDaemon(lab.host, CONFIG, tunless)) {
            daemon.launch();
            assertEquals(OS_ERROR, daemon.exitCode(), daemon::log);
            assertOneSentence(daemon.log(), "/dev/net/tun", "tun");
            assertNothingLeft(daemon);
        }
    }

    @Test
    void clientSaysThatNoDaemonIsThere() {
        try (WeftDaemon absent = new WeftDaemon(lab.host, null)) {
            Command show = absent.client("link", "show");
            assertEquals(UNAVAILABLE, show.exitCode(), show::toString);
            assertOneSentence(show.output(), absent.socket().toString());
        }
    }

    @Test
    void batchSaysWhichLineIsBadAndWhatWentBeforeStands() throws IOException {
        try (WeftDaemon daemon = new WeftDaemon(lab.host, CONFIG).start()) {
            Path batch = Files.writeString(
                    daemon.directory().resolve("batch"),
                    """
                    fdb add ee:ee:0a:ff:01:00 dev silk-vtep dst 10.0.16.1
                    fdb add ee:ee:0a:ff:02:00 dev silk-vtep dst 10.0.16.2
                    fdb add ee:ee:0a:ff:03:00 dev silk-vtep dst nowhere
                    fdb add ee:ee:0a:ff:04:00 dev silk-vtep dst 10.0.16.4
                    """);
            Command client = daemon.client("-batch", batch.toString());
            assertEquals(LINE_FAILED, client.exitCode(), client::toString);
            assertTrue(client.output().contains(batch + ":3"), client::toString);
            assertTrue(client.output().contains("nowhere"), client::toString);
            String fdb = daemon.control().get("/v1/fdb").toString();
            assertTrue(fdb.contains("ee:ee:0a:ff:01:00") && fdb.contains("ee:ee:0a:ff:02:00"), fdb);
            assertFalse(fdb.contains("ee:ee:0a:ff:03:00") || fdb.contains("ee:ee:0a:ff:04:00"), fdb);
        }
    }

    @Test
    void batchRefusedByTheDaemonSaysWhichLine() throws IOException {
        try (WeftDaemon daemon = new WeftDaemon(lab.host, CONFIG).start()) {
            Path batch = Files.writeString(
                    daemon.directory().resolve("batch"),
                    """
                    fdb add ee:ee:0a:ff:01:00 dev silk-vtep dst 10.0.16.1
                    fdb add ee:ee:0a:ff:01:00 dev silk-vtep dst 10.0.16.2
                    """);
            Command client = daemon.client("-batch", batch.toString());
            assertEquals(LINE_FAILED, client.exitCode(), client::toString);
            assertTrue(client.output().contains(batch + ":2"), client::toString);
            assertTrue(client.output().contains("File exists"), client::toString);
        }
    }

    private void assertNothingLeft(WeftDaemon daemon) {
        assertFalse(lab.host.hasDevice("silk-vtep"));
        assertFalse(Files.exists(daemon.socket()));
    }
}
