package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.weft.testing.RequiresEtcd;
import org.weft.testing.RequiresRoot;

/** What a cell's containers notice when its daemon ends and starts again, and what is left when it is drained. */
@RequiresRoot
class RestartIT {
    /** Measured are 1.7 s: TCP tries again after 0.2, 0.4, 0.8 s and so on, so that the next step is 3.3, then 6.8 s. */
    private static final Duration GAP = Duration.ofSeconds(10);

    /** Once in time is enough: what a busy machine takes longer for to start a JVM is not the daemon's. */
    private static final int ROUNDS = 3;

    private CellLab lab;
    private CellHost host;
    private CellHost other;

    @BeforeEach
    void open() {
        lab = CellLab.open(Subject.WEFT, Subject.WEFT);
        host = lab.hosts.get(0);
        other = lab.hosts.get(1);
    }

    @AfterEach
    void close() {
        if (lab != null) {
            lab.close();
        }
    }

    @Test
    void connectionSurvivesARestart() {
        survives("SIGTERM and restart", () -> {
            assertEquals(0, host.daemon().terminate());
            assertTrue(host.netns.hasDevice(CellHost.DEVICE), "the device stays");
            host.restartWeft();
        });
    }

    @Test
    void connectionSurvivesAKill() {
        survives("SIGKILL and restart", () -> {
            host.daemon().kill();
            host.restartWeft();
        });
        assertEquals("nothing to change\n", host.weft("converge --dry-run"));
    }

    @Test
    void connectionSurvivesARestartWhileNobodyKnowsTheLeases() throws IOException {
        Files.delete(lab.file());
        survives("SIGTERM and restart from saved state", () -> {
            host.daemon().terminate();
            host.restartWeft();
        });
        Await.until("stale", () -> host.state().equals("stale"));
        String shown = host.weft("lease show");
        assertTrue(
                shown.matches("source file \\Q" + lab.file() + "\\E: stale, running on tables of age \\d+ s: \\Q"
                        + lab.file() + "\\E does not exist\n(?s:.*)"),
                shown);
        assertTrue(shown.contains("\n" + other.lease().subnet() + " via "), shown);
        assertEquals(200, host.daemon().control().attempt("GET", "/readyz", "").status());

        lab.write(lab.leases());
        Await.until("current", () -> host.state().equals("current"));
    }

    private void survives(String what, Runnable restart) {
        List<Duration> gaps = new ArrayList<>();
        try (OpenConnection connection = OpenConnection.between(host.container(0), other.container(0));
                OpenConnection incoming = OpenConnection.between(other.container(1), host.container(1))) {
            while (gaps.size() < ROUNDS && gaps.stream().noneMatch(gap -> gap.compareTo(GAP) < 0)) {
                gaps.add(connection.silenceDuring(restart));
                incoming.awaitAnswer();
            }
        }
        System.out.printf(
                "%s: silence of %s ms%n",
                what, gaps.stream().map(Duration::toMillis).toList());
        assertTrue(gaps.stream().anyMatch(gap -> gap.compareTo(GAP) < 0), gaps::toString);
    }

    @Test
    @RequiresEtcd
    void drainWaitsForContainersAndGivesTheLeaseBack() throws InterruptedException {
        startEtcd();
        host.daemon().terminate();
        host.startWeft("{etcd: {endpoints: http://127.0.0.1:2379}}");
        String key = "/weft/leases/" + host.lease().base() + "-24";
        Await.until("it claims what it held before", this::etcdKeys, keys -> keys.contains(key));

        Command early = host.daemon().client("drain", "--timeout", "1");
        assertEquals(75, early.exitCode(), early::toString);
        assertEquals("current", host.state(), "it goes on");
        host.detach(host.container(1));
        Process drain = host.daemon().startClient("drain", "--timeout", "60");
        Await.until("draining", () -> host.state().equals("draining"));
        assertTrue(etcdKeys().contains(key), "as long as there is a container");

        host.detach(host.container(0));
        assertTrue(drain.waitFor(20, TimeUnit.SECONDS));
        assertEquals(0, drain.exitValue());
        assertEquals(0, host.daemon().exitCode());
        assertEquals("", etcdKeys(), "the lease is given back");
        assertFalse(host.netns.hasDevice(CellHost.DEVICE));
        assertFalse(host.netns.exec("ip", "route").contains("10.255."));
        assertFalse(host.netns.exec("ip", "link").contains("s-010255"));
    }

    /** In the host's namespace. */
    private void startEtcd() {
        host.netns.start(
                lab.directory().resolve("etcd.log"),
                "etcd",
                "--data-dir",
                lab.directory().resolve("etcd").toString());
        Await.until(
                "etcd answers",
                Duration.ofSeconds(20),
                () -> etcdctl("endpoint", "health").exitCode() == 0);
    }

    private String etcdKeys() {
        return etcdctl("get", "--prefix", "--keys-only", "/weft/").output().strip();
    }

    private Command etcdctl(String... words) {
        List<String> command = new ArrayList<>(List.of("env", "ETCDCTL_API=3", "etcdctl"));
        command.addAll(List.of(words));
        return host.netns.attempt(command.toArray(String[]::new));
    }
}
