package org.weft.dataplane.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.weft.testing.Frames.DESTINATION_HOST;
import static org.weft.testing.Frames.DESTINATION_MAC;
import static org.weft.testing.Frames.SOURCE_HOST;
import static org.weft.testing.Frames.SOURCE_MAC;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.agrona.collections.Int2ObjectHashMap;
import org.agrona.concurrent.CachedEpochClock;
import org.agrona.concurrent.CachedNanoClock;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.policy.FlowTable;
import org.weft.dataplane.policy.PolicyTable;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.VxlanHeader;
import org.weft.testing.Frames;
import org.weft.testing.IpPackets;
import org.weft.testing.MemorySender;
import org.weft.testing.MemoryTap;
import org.weft.testing.MemoryUnderlay;

/** Time-outs, rates and times of drops follow the clocks that the agents were given. */
class AgentClockTest {
    private static final String NEAR = "10.255.132.2";
    private static final String FAR = "10.255.99.3";

    private final CachedNanoClock nanos = new CachedNanoClock();
    private final CachedEpochClock epoch = new CachedEpochClock();
    private final Vtep vtep = new Vtep(Frames.silkVtep(DESTINATION_MAC, DESTINATION_HOST));
    private final Counters counters = vtep.counters();
    private final Capture capture = new Capture();
    private final AgentContext context = new AgentContext(counters, capture, nanos, epoch);
    private final MemoryTap tap = new MemoryTap();
    private final MemoryUnderlay underlay = new MemoryUnderlay();
    private final FrameSlab ingressSlab = new FrameSlab(64);
    private final FrameRing ingressRing = new FrameRing(64, 130);
    private final FrameSlab egressSlab = new FrameSlab(64);
    private final FrameRing egressRing = new FrameRing(64, 1);
    private final Decapsulator decapsulator =
            new Decapsulator("memory", underlay, ingressSlab, new AgentContext(new Counters(), capture, nanos, epoch));
    private final TapWriter writer = new TapWriter(vtep, tap, ingressSlab, ingressRing, context);
    private final TapReader reader = new TapReader(tap, egressSlab, egressRing, counters);
    private final Encapsulator encapsulator =
            new Encapsulator(vtep, tap, egressSlab, egressRing, new MemorySender(), context);
    private final IpPackets arriving = new IpPackets(DESTINATION_MAC, SOURCE_MAC);
    private final IpPackets leaving = new IpPackets(SOURCE_MAC, DESTINATION_MAC);

    @BeforeEach
    void enforceNoPolicy() {
        nanos.update(System.nanoTime());
        vtep.fdb().add(SOURCE_MAC, new Remote(SOURCE_HOST), true, 0);
        vtep.enforcement(new Enforcement(
                Mode.ENFORCE,
                Refusal.REJECT,
                Spoofing.OFF,
                24,
                new PolicyTable(List.of()),
                new FlowTable(1024, FlowTable.Timeouts.DEFAULT),
                VerdictSink.NONE));
        Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
        RefusalSender refusals = new RefusalSender(vtep, new MemorySender(), context);
        routes.put(1, new Ingress(vtep, ingressRing, counters, refusals));
        decapsulator.routes(routes);
    }

    private void pass(long time, TimeUnit unit) {
        nanos.advance(unit.toNanos(time));
        epoch.advance(unit.toMillis(time));
    }

    private void leaves(byte[] frame) {
        tap.hostSends(frame);
        while (reader.doWork() + encapsulator.doWork() > 0) {
            Thread.onSpinWait();
        }
    }

    private void arrives(byte[] frame) {
        byte[] datagram = new byte[VxlanHeader.LENGTH + frame.length];
        VxlanHeader.put(new UnsafeBuffer(datagram), 0, 1, 0);
        System.arraycopy(frame, 0, datagram, VxlanHeader.LENGTH, frame.length);
        underlay.peerSends(datagram, SOURCE_HOST, 0);
        while (decapsulator.doWork() + writer.doWork() > 0) {
            Thread.onSpinWait();
        }
    }

    @ParameterizedTest
    @CsvSource({"10, 1", "1000, 0"})
    void aReplyIsDeliveredUntilItsFlowTimesOut(int seconds, int delivered) {
        leaves(leaving.udp(NEAR, 50_000, FAR, 53));
        pass(seconds, TimeUnit.SECONDS);
        arrives(arriving.udp(FAR, 53, NEAR, 50_000));
        assertEquals(delivered, counters.get(Counter.RX_DELIVERED));
    }

    @Test
    void refusalsAreLimitedToABurstAndThenOnePerMillisecond() {
        for (int i = 0; i < 60; i++) {
            arrives(arriving.udp(FAR, 40_000, NEAR, 53));
        }
        assertEquals(50, counters.get(Counter.TX_REFUSALS));
        pass(1, TimeUnit.MILLISECONDS);
        arrives(arriving.udp(FAR, 40_000, NEAR, 53));
        arrives(arriving.udp(FAR, 40_000, NEAR, 53));
        assertEquals(51, counters.get(Counter.TX_REFUSALS));
    }

    @Test
    void aDropHasTheTimeOfItsTurn() {
        pass(1234, TimeUnit.MILLISECONDS);
        arrives(arriving.udp(FAR, 40_000, NEAR, 53));
        assertEquals(1234, counters.lastDrop(Counter.POLICY_DENIED).epochMillis());
        pass(1, TimeUnit.MILLISECONDS);
        arrives(arriving.udp(FAR, 40_000, NEAR, 53));
        assertEquals(1235, counters.lastDrop(Counter.POLICY_DENIED).epochMillis());
    }
}
