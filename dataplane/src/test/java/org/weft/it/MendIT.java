package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.weft.testing.RequiresRoot;

/** A daemon whose receiving sockets an administrator aborts ({@code ss -K}). */
@RequiresRoot
class MendIT {
    private static final String CONFIG =
            """
            underlay: {local: 10.0.16.14}
            workers: 2
            vteps:
              - {name: v1, vni: 1, mtu: 1400}
              - {name: v2, vni: 2, mtu: 1400}
            """;
    private static final long WITH_VNI = 0x0800_0000_0000_0000L;

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private HostLab lab;

    @BeforeEach
    void open() {
        lab = HostLab.open(Subject.KERNEL);
    }

    @AfterEach
    void close() {
        lab.close();
    }

    @Test
    void listensAgainAndSaysSo() {
        try (WeftDaemon daemon = new WeftDaemon(lab.host, CONFIG)) {
            daemon.launch();
            Await.until("the daemon answers", PATIENCE, () -> daemon.control().answers());
            awaitFrames(daemon, "v1", 1);
            awaitFrames(daemon, "v2", 2);
            for (int round = 0; round < 2; round++) {
                lab.host.exec("ss", "-K", "-n", "-u", "-a", "sport", "=", ":4789");
                Await.until("errors are counted", PATIENCE, () -> readErrors(daemon) > 0);
                awaitFrames(daemon, "v1", 1);
                awaitFrames(daemon, "v2", 2);
            }
            Await.until("a sentence", PATIENCE, () -> daemon.log().contains("receiving on 10.0.16.14:4789 failed"));
            assertTrue(daemon.log().contains("failed, last with ECONNABORTED; "), daemon.log());
            assertEquals(200, daemon.control().attempt("GET", "/healthz", "").status());
        }
    }

    private static double readErrors(WeftDaemon daemon) {
        return daemon.control()
                .attempt("GET", "/metrics", "")
                .body()
                .lines()
                .filter(line -> line.startsWith("weft_rx_read_errors_total{underlay=\"10.0.16.14:4789\"}"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(' '))))
                .sum();
    }

    /** From many source ports, so that each worker's socket gets some. */
    private void awaitFrames(WeftDaemon daemon, String vtep, int vni) {
        byte[] frame = Packets.ethernet("02:00:00:00:00:01", "02:00:00:00:00:02", 0x88b5, new byte[46]);
        long before = daemon.counters(vtep).get("RX_FRAMES");
        int ports = 64;
        Await.until("frames for " + vtep + " arrive at each worker", PATIENCE, () -> {
            long round = daemon.counters(vtep).get("RX_FRAMES");
            Datagram datagram = Datagram.vxlan(4789, WITH_VNI | vni << 8, frame);
            for (int port = 0; port < ports; port++) {
                lab.wire.send(new Datagram(datagram.ip(), 40_000 + port, 4789, null, datagram.payload()).frame());
            }
            return Await.holds(
                    Duration.ofMillis(500), () -> daemon.counters(vtep).get("RX_FRAMES") >= round + ports);
        });
        assertTrue(daemon.counters(vtep).get("RX_FRAMES") > before);
    }
}
