package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.weft.testing.RequiresRoot;

/** What a cell's containers notice when its daemon ends and starts again. */
@RequiresRoot
class RestartIT {
    /** Measured are 1.7 s: TCP tries again after 0.2, 0.4, 0.8 s and so on, so that the next step is 3.3, then 6.8 s. */
    private static final Duration GAP = Duration.ofSeconds(10);

    /** Once in time is enough: what a busy machine takes longer for to start a JVM is not the daemon's. */
    private static final int ROUNDS = 3;

    private static CellLab lab;
    private static CellHost host;
    private static CellHost other;

    @BeforeAll
    static void open() {
        lab = CellLab.open(Subject.WEFT, Subject.WEFT);
        host = lab.hosts.get(0);
        other = lab.hosts.get(1);
    }

    @AfterAll
    static void close() {
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
}
