package org.weft.dataplane.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntSupplier;
import org.agrona.concurrent.Agent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.weft.dataplane.engine.EngineConfig.Threading;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.linux.LinuxUnderlay;
import org.weft.encap.IpAddress;
import org.weft.testing.Await;

class StagesTest {
    private static final int FAILURES = 3;
    private static final int FRAMES = 1000;

    /** Frames of others wait for it in its ring. */
    @Test
    void anAgentHasItsTurnThoughTheOneBeforeItThrows() throws IOException {
        AtomicInteger turns = new AtomicInteger();
        FrameSlab slab = new FrameSlab(1);
        int[] slots = {slab.claim()};
        try (Stages stages = new Stages(EngineConfig.DEFAULT);
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

    /** Linux cuts names after 15 bytes. */
    @Test
    void dedicatedAgentsHaveThreadsWithUniqueShortNames() {
        Set<String> names = ConcurrentHashMap.newKeySet();
        List<Agent> agents = List.of(
                agent(() -> names.add(Thread.currentThread().getName())),
                agent(() -> names.add(Thread.currentThread().getName())));
        try (Stages stages = new Stages(config(Threading.DEDICATED))) {
            Stages.Line line = stages.start(0, -1, agents);
            Stages.Line other = stages.start(0, -1, agents.subList(0, 1));
            Set<String> expected = Set.of("weft-agent-0", "weft-agent-1", "weft-agent-2");
            Await.until("a turn on each thread", () -> names.equals(expected));
            line.stop();
            other.stop();
        }
    }

    /** So that no frame, and no slot, stays in a ring when a VTEP goes. */
    @ParameterizedTest
    @EnumSource(Threading.class)
    void aLineThatStopsLeavesNothingInItsRings(Threading threading) throws IOException {
        AtomicInteger left = new AtomicInteger();
        AtomicInteger failures = new AtomicInteger();
        // One turn gives up, and the line's stop finds the frames. A thread of its own may not have begun by then, so
        // the only turn must not give up.
        int most = threading == Threading.SHARED ? Turn.MOST_FAILURES : Turn.MOST_FAILURES - 1;
        FrameSlab slab = new FrameSlab(1);
        int[] slots = {slab.claim()};
        try (Stages stages = new Stages(config(threading));
                LinuxUnderlay underlay =
                        LinuxUnderlay.bind(stages.workers().get(0), IpAddress.parse("127.0.0.1"), null, 0, false)) {
            CountDownLatch received = new CountDownLatch(1);
            Agent first = agent(() -> {
                if (underlay.receive(slab, slots, 1) == 1) {
                    left.addAndGet(FRAMES);
                    received.countDown();
                }
            });
            Agent second = counting(() -> {
                if (left.get() > 0 && failures.incrementAndGet() <= most) {
                    throw new IllegalStateException("thrown by a test");
                }
                return left.getAndUpdate(frames -> Math.max(0, frames - 1)) > 0 ? 1 : 0;
            });
            Stages.Line line = stages.start(0, underlay.fd(), List.of(first, second));
            try (DatagramChannel peer = DatagramChannel.open()) {
                peer.send(
                        ByteBuffer.allocate(8),
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), underlay.port()));
            }
            Await.until("a datagram", () -> received.getCount() == 0);
            line.stop();
            assertEquals(0, left.get());
        }
    }

    private static EngineConfig config(Threading threading) {
        return new EngineConfig(threading, 1, 0);
    }

    private static Agent agent(Runnable work) {
        return counting(() -> {
            work.run();
            return 0;
        });
    }

    private static Agent counting(IntSupplier work) {
        return new Agent() {
            @Override
            public int doWork() {
                return work.getAsInt();
            }

            @Override
            public String roleName() {
                return "test";
            }
        };
    }
}
