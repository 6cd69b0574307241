package org.weft.dataplane.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.weft.encap.TcpHeader.ACK;
import static org.weft.encap.TcpHeader.CWR;
import static org.weft.encap.TcpHeader.FIN;
import static org.weft.encap.TcpHeader.PSH;
import static org.weft.encap.TcpHeader.RST;
import static org.weft.encap.TcpHeader.SYN;
import static org.weft.encap.TcpHeader.URG;
import static org.weft.testing.Frames.DESTINATION_HOST;
import static org.weft.testing.Frames.DESTINATION_MAC;
import static org.weft.testing.Frames.SEGMENT_HEADER_LENGTH;
import static org.weft.testing.Frames.SOURCE_HOST;
import static org.weft.testing.Frames.SOURCE_MAC;
import static org.weft.testing.Frames.VXLAN;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.agrona.collections.Int2ObjectHashMap;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.capture.CaptureFilter;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.policy.FlowTable;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.policy.PolicyTable;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.FlowKey;
import org.weft.encap.FrameLayout;
import org.weft.encap.IpAddress;
import org.weft.testing.Frames;
import org.weft.testing.IpPackets;
import org.weft.testing.MemoryTap;
import org.weft.testing.MemoryUnderlay;

/**
 * What the flow table knows of a connection does not depend on whether the kernel merged its
 * segments into one message.
 */
class FollowedSegmentsTest {
    private static final String NEAR = "10.255.132.2";
    private static final String FAR = "10.255.99.3";
    private static final int NEAR_PORT = 7777;
    private static final int FAR_PORT = 0xddbe;
    private static final int TAG = 1;

    private static final int PAYLOAD = 1000;
    private static final int SEGMENT = 8 + SEGMENT_HEADER_LENGTH + PAYLOAD;

    /**
     * Seconds between the timeouts of connection tracking, far enough from each for a clock that
     * ticks meanwhile.
     */
    private static final int[] BETWEEN_TIMEOUTS = {5, 20, 45, 90, 200, 1000};

    private static final int DATA = ACK;

    /** A cell that lets the connection in. */
    private static final class Host {
        final MemoryUnderlay underlay = new MemoryUnderlay();
        final MemoryTap tap = new MemoryTap();
        final Vtep vtep = new Vtep(Frames.silkVtep(DESTINATION_MAC, DESTINATION_HOST));
        final FlowTable flows = new FlowTable(64, FlowTable.Timeouts.DEFAULT);
        private final FrameSlab slab = new FrameSlab(64);
        private final FrameRing ring = new FrameRing(64, 130);
        private final Decapsulator decapsulator;
        private final TapWriter writer;

        Host(Capture capture) {
            decapsulator =
                    new Decapsulator("10.0.32.14:4789", underlay, slab, new AgentContext(new Counters(), capture));
            writer = new TapWriter(vtep, tap, slab, ring, new AgentContext(vtep.counters(), capture));
            Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
            routes.put(1, new Ingress(vtep, ring, vtep.counters(), null));
            decapsulator.routes(routes);
            enforce(List.of(new Policy(TAG, IpAddress.parse(NEAR), Protocol.TCP, NEAR_PORT, NEAR_PORT)));
        }

        void enforce(List<Policy> policies) {
            vtep.enforcement(new Enforcement(
                    Mode.ENFORCE, Refusal.DROP, Spoofing.OFF, 24, new PolicyTable(policies), flows, VerdictSink.NONE));
        }

        /** Receives segments with these flags, one behind the other, in one message. */
        void receive(int... flags) throws Exception {
            byte[][] segments = new byte[flags.length][];
            Arrays.setAll(segments, i -> Frames.segment(i, PAYLOAD, flags[i]));
            underlay.peerSendsMerged(Frames.merged(VXLAN, segments), SEGMENT, SOURCE_HOST);
            while (decapsulator.doWork() + writer.doWork() > 0) {
                Thread.onSpinWait();
            }
        }

        void answer(int flags) {
            UnsafeBuffer frame = new UnsafeBuffer(
                    new IpPackets(SOURCE_MAC, DESTINATION_MAC).tcp(NEAR, NEAR_PORT, FAR, FAR_PORT, flags));
            FrameLayout layout = new FrameLayout();
            layout.parse(frame, 0, frame.capacity());
            FlowKey key = new FlowKey();
            key.read(frame, layout);
            flows.depart(key, (int) Vtep.clockSeconds());
        }

        boolean remembersAfter(int seconds) {
            return flows.size((int) Vtep.clockSeconds() + seconds) > 0;
        }

        long get(Counter counter) {
            return vtep.counters().get(counter);
        }

        /** The verdicts on packets, and how long Weft remembers the connection. */
        List<Object> seen() {
            List<Object> seen = new ArrayList<>();
            seen.add(get(Counter.RX_DELIVERED) + get(Counter.RX_COALESCED));
            seen.add(get(Counter.POLICY_DENIED));
            for (int seconds : BETWEEN_TIMEOUTS) {
                seen.add(remembersAfter(seconds));
            }
            return seen;
        }
    }

    private final Capture capture = new Capture();
    private Host host = new Host(capture);

    @ParameterizedTest
    @ValueSource(ints = {FIN | ACK, FIN | PSH | ACK})
    void aFinBehindDataIsSeenAndMergedStill(int fin) throws Exception {
        host.receive(SYN);
        host.answer(SYN | ACK);
        host.tap.delivered();
        host.receive(DATA, DATA, DATA, fin);
        host.answer(ACK);
        assertEquals(1, host.tap.delivered().size(), "one super-frame");
        assertEquals(3, host.get(Counter.RX_COALESCED));
        assertTrue(host.remembersAfter(50), "nf_conntrack_tcp_timeout_close_wait is 60 seconds");
        assertTrue(!host.remembersAfter(70), "nf_conntrack_tcp_timeout_close_wait is 60 seconds");
    }

    @Test
    void aConnectionOfTheSamePortsIsJudgedAfterAFinBehindData() throws Exception {
        host.receive(SYN);
        host.answer(SYN | ACK);
        host.receive(DATA, DATA, FIN | ACK);
        host.answer(FIN | ACK);
        host.receive(ACK);
        host.enforce(List.of());
        host.receive(SYN);
        assertEquals(1, host.get(Counter.POLICY_DENIED));
    }

    /** During a capture every segment goes the long way, and the gate judges it by itself. */
    @Test
    void anyFlagsAreSeenAsIfEachSegmentCameAlone() throws Exception {
        int[] flags = {
            DATA, DATA, DATA, DATA | PSH, FIN | ACK, FIN | PSH | ACK, CWR | ACK, URG | ACK, RST | ACK, SYN, FIN
        };
        SplittableRandom random = new SplittableRandom(5);
        Capture capturing = new Capture();
        capturing.open(new CaptureFilter(null, Capture.Point.WIRE, null));
        for (int round = 0; round < 500; round++) {
            host = new Host(capture);
            Host judgingEach = new Host(capturing);
            for (Host each : List.of(host, judgingEach)) {
                each.receive(SYN);
                each.answer(SYN | ACK);
            }
            int[] message = new int[2 + random.nextInt(6)];
            Arrays.setAll(message, i -> flags[random.nextInt(i == 0 ? 4 : flags.length)]);
            host.receive(message);
            judgingEach.receive(message);
            assertEquals(judgingEach.seen(), host.seen(), () -> "behind " + Arrays.toString(message));
            int answer = random.nextBoolean() ? ACK : FIN | ACK;
            host.answer(answer);
            judgingEach.answer(answer);
            assertEquals(judgingEach.seen(), host.seen(), () -> answer + " behind " + Arrays.toString(message));
        }
    }
}
