package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.counters.Counter;
import org.weft.testing.RequiresRoot;

/** What becomes of datagrams that arrive while a daemon starts. */
@RequiresRoot
class StartIT {
    /** On one port, so that the first is there long before the last. */
    private static final int VTEPS = 5;

    private static final long WITH_VNI = 0x0800_0000_0000_0000L;
    private static final long PAUSE_NANOS = 500_000;
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
    void noneIsTakenForAStrangers() throws InterruptedException {
        StringBuilder config = new StringBuilder("underlay: {local: " + HostLab.HOST_IP + "}\nvteps:\n");
        for (int vni = 1; vni <= VTEPS; vni++) {
            config.append("  - {name: v%d, vni: %d, mtu: 1400}\n".formatted(vni, vni));
        }
        Thread peer = new Thread(this::sendToEach, "peer");
        peer.start();
        try (WeftDaemon daemon = new WeftDaemon(lab.host, config.toString())) {
            daemon.start();
            Await.until(
                    "frames for the last VTEP",
                    () -> daemon.counters("v" + VTEPS).get("RX_FRAMES") > 0);
            peer.interrupt();
            peer.join();
            assertEquals(
                    0,
                    WeftEndpoint.drops(daemon, "/v1/drops", "rx").getOrDefault(Counter.VXLAN_VNI_NOT_FOUND.name(), 0L));
            assertTrue(daemon.counters("v1").get("RX_FRAMES") > 0);
        } finally {
            peer.interrupt();
            peer.join();
        }
    }

    private void sendToEach() {
        byte[] frame = Packets.ethernet("02:00:00:00:00:01", "02:00:00:00:00:02", 0x88b5, new byte[46]);
        for (int i = 0; !Thread.currentThread().isInterrupted(); i++) {
            lab.wire.offer(
                    Datagram.vxlan(4789, WITH_VNI | (i % VTEPS + 1) << 8, frame).frame());
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }
}
