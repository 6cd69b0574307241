package org.weft.dataplane;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.concurrent.Agent;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.config.ConfigFile;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.linux.LinuxUnderlay;
import org.weft.encap.IpAddress;
import org.weft.testing.Await;

class StagesTest {
    private static final int FAILURES = 3;

    /** Frames of others wait for it in its ring. */
    @Test
    void anAgentHasItsTurnThoughTheOneBeforeItThrows() throws IOException {
        AtomicInteger turns = new AtomicInteger();
        FrameSlab slab = new FrameSlab(1);
        int[] slots = {slab.claim()};
        try (Stages stages = new Stages(ConfigFile.none());
                LinuxUnderlay underlay =
                        LinuxUnderlay.bind(stages.workers().get(0), IpAddress.parse("127.0.0.1"), null, 0, false)) {
            AtomicInteger failures = new AtomicInteger();
            Agent first = agent(() -> {
                if (failures.incrementAndGet() <= FAILURES) {
                    throw new StackOverflowError("thrown by a test");
                }
                underlay.receive(slab, slots, 1);
            });
            Stages.Line line = stages.start(0, underlay.fd(), List.of(first, agent(turns::incrementAndGet)));
            try (DatagramChannel peer = DatagramChannel.open()) {
                peer.send(
                        ByteBuffer.allocate(8),
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), underlay.port()));
            }
            Await.until("a turn for each failure, and one more", () -> turns.get() == FAILURES + 1);
            assertTrue(line.running());
            line.stop();
        }
    }

    private static Agent agent(Runnable work) {
        return new Agent() {
            @Override
            public int doWork() {
                work.run();
                return 0;
            }

            @Override
            public String roleName() {
                return "test";
            }
        };
    }
}
