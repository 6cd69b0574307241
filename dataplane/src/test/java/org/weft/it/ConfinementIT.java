package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.weft.it.CellHost.Container;
import org.weft.testing.RequiresRoot;

/** The daemon keeps the capabilities that it needs, however it is started, and works with no more than its unit leaves it. */
@RequiresRoot
class ConfinementIT {
    /** CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF; and CAP_SYS_ADMIN. */
    private static final String NEEDED = "0000008000003000";

    private static final String NEEDED_BY_CELL = "0000008000203000";

    @Test
    void everyThreadOfACellHasThreeCapabilities() throws IOException {
        try (CellLab lab = CellLab.plumb(Subject.WEFT)) {
            lab.start(lab.hosts.get(0));
            assertConfined(lab.hosts.get(0).daemon(), NEEDED_BY_CELL);
        }
    }

    @Test
    void everyThreadOfADaemonWithoutCellHasTwo() throws IOException {
        try (HostLab lab = HostLab.open(Subject.KERNEL);
                WeftDaemon daemon = new WeftDaemon(lab.host, null)) {
            daemon.start();
            assertConfined(daemon, NEEDED);
        }
    }

    @Test
    void aDaemonThatJavaStartedGivesUpTheSame() throws IOException {
        try (HostLab lab = HostLab.open(Subject.KERNEL);
                WeftDaemon daemon = new WeftDaemon(lab.host, null, javaInsteadOfLauncher())) {
            daemon.start();
            assertConfined(daemon, NEEDED);
            assertFalse(daemon.log().contains("WARN"), daemon::log);
        }
    }

    @Test
    void aCellDoesAllItsWorkUnderTheUnitsRestrictions() throws IOException {
        try (CellLab lab = CellLab.plumb(Subject.WEFT, Subject.KERNEL)) {
            CellHost cell = lab.hosts.get(0);
            cell.sections("policy: {mode: log}\n");
            // The daemon's own directory, its state's and the leases' are all in this one.
            cell.startWeft(lab.source(), UnitFile.restrictions(Path.of(System.getProperty("java.io.tmpdir"))));
            lab.start(lab.hosts.get(1));
            cell.attach("10.255.108.2");
            cell.attach("10.255.108.3");
            lab.hosts.get(1).attach("10.255.43.6");
            assertConfined(cell.daemon(), NEEDED_BY_CELL);
            assertEquals("on", tunnelGso(cell), "tunnel-gso");
            Container near = cell.container(0);
            ping(near, lab.hosts.get(1).container(0));
            cell.weft("policy mode enforce");
            cell.detach(cell.container(1));
            cell.daemon().kill();
            cell.restartWeft();
            Await.until("the cell follows all leases", () -> cell.follows(lab.leases()));
            ping(near, lab.hosts.get(1).container(0));
        }
    }

    /** As under the unit, which leaves no right to drop the rest, on a host without a cell. */
    @Test
    void aDaemonThatCannotGiveUpTheRestSaysSoAndLimitsItsThreads() throws IOException {
        String[] bounded = {"setpriv", "--bounding-set=-all," + UnitFile.capabilities(), "--inh-caps=-all"};
        try (HostLab lab = HostLab.open(Subject.KERNEL);
                WeftDaemon daemon = new WeftDaemon(lab.host, null, bounded)) {
            daemon.start();
            assertTrue(daemon.log().contains("CapabilityBoundingSet="), daemon::log);
            List<String> watch = status(daemon.pid(), "weft-watch");
            assertTrue(watch.contains("CapEff:\t" + NEEDED), watch::toString);
        }
    }

    private static List<String> status(long process, String thread) throws IOException {
        try (Stream<Path> tasks = Files.list(Path.of("/proc", String.valueOf(process), "task"))) {
            for (Path task : tasks.toList()) {
                List<String> status = Files.readAllLines(task.resolve("status"));
                if (status.contains("Name:\t" + thread)) {
                    return status;
                }
            }
        }
        throw new AssertionError("no thread is called " + thread);
    }

    @Test
    void launcherDaemonAndUnitKeepTheSame() throws IOException {
        String launcher = Files.readString(Path.of(WeftDaemon.script()));
        Set<String> kept = new TreeSet<>();
        for (String word : launcher.split("[^a-z_+]+")) {
            if (word.matches("\\+[a-z_]+")) {
                kept.add(word);
            }
        }
        assertEquals(new TreeSet<>(Arrays.asList(UnitFile.capabilities().split(","))), kept);
        assertEquals("0077", UnitFile.setting("UMask"));
    }

    private static void ping(Container from, Container to) {
        Await.until(
                "a ping is answered",
                () -> from.netns()
                                .attempt("ping", "-c", "1", "-W", "1", to.ip())
                                .exitCode()
                        == 0);
    }

    private static String tunnelGso(CellHost cell) {
        return cell.daemon()
                .control()
                .get("/v1/link?dev=silk-vtep")
                .getAsJsonArray()
                .get(0)
                .getAsJsonObject()
                .getAsJsonObject("weft")
                .getAsJsonObject("offloads")
                .get("tunnel-gso")
                .getAsString();
    }

    /** A script that runs the launcher's last command, without what stands before java in it. */
    private static String[] javaInsteadOfLauncher() {
        return new String[] {
            "bash",
            "-c",
            "shift; exec ${JAVA_HOME:+$JAVA_HOME/bin/}java " + String.join(" ", javaFlags()) + " \"$@\"",
            "java"
        };
    }

    private static List<String> javaFlags() {
        List<String> flags = new ArrayList<>(List.of(
                "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED",
                "-Djava.library.path=" + System.getProperty("java.library.path")));
        if (Runtime.version().feature() >= 24) {
            flags.addAll(List.of("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"));
        }
        Path jar = Path.of(WeftDaemon.script()).getParent().resolveSibling("dataplane/target/weft.jar");
        flags.addAll(List.of("-cp", jar.toString(), "org.weft.daemon.Main"));
        return flags;
    }

    private static void assertConfined(WeftDaemon daemon, String capabilities) throws IOException {
        Path process = Path.of("/proc", String.valueOf(daemon.pid()));
        try (Stream<Path> tasks = Files.list(process.resolve("task"))) {
            for (Path task : tasks.toList()) {
                List<String> status = Files.readAllLines(task.resolve("status"));
                for (String set : List.of("CapEff", "CapPrm", "CapBnd")) {
                    assertTrue(status.contains(set + ":\t" + capabilities), () -> task + ": " + status);
                }
                assertTrue(status.contains("CapInh:\t0000000000000000"), status::toString);
                assertTrue(status.contains("NoNewPrivs:\t1"), status::toString);
            }
        }
        assertTrue(Files.readAllLines(process.resolve("status")).contains("Umask:\t0077"));
    }
}
