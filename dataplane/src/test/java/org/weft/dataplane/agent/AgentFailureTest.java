package org.weft.dataplane.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.weft.testing.Frames.DESTINATION_HOST;
import static org.weft.testing.Frames.DESTINATION_MAC;
import static org.weft.testing.Frames.INNER;
import static org.weft.testing.Frames.SOURCE_HOST;
import static org.weft.testing.Frames.SOURCE_MAC;
import static org.weft.testing.Frames.VXLAN;
import static org.weft.testing.Frames.bytes;
import static org.weft.testing.Frames.segment;

import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.agrona.collections.Int2ObjectHashMap;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counter.Kind;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.TapDevice;
import org.weft.dataplane.io.Underlay;
import org.weft.dataplane.io.UnderlaySender;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.FlowTable;
import org.weft.dataplane.policy.PolicyTable;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.IpAddress;
import org.weft.encap.VirtioNetHeader;
import org.weft.testing.Faulty;
import org.weft.testing.Frames;
import org.weft.testing.MemorySender;
import org.weft.testing.MemoryTap;
import org.weft.testing.MemoryUnderlay;

/**
 * Whatever is thrown on a packet's way costs that packet, which is counted, and nothing else: all slots come back, and the
 * agents work as before.
 */
class AgentFailureTest {
    private static final int SLOTS = 64;

    /** Many times what there are slots for. */
    private static final int FRAMES = 10 * SLOTS;

    private static final int ENOMEM = 12;
    private static final int EBADFD = 77;

    private static final Supplier<Throwable> EXCEPTION = () -> new IllegalStateException("thrown by a test");
    private static final Supplier<Throwable> ERROR = () -> new StackOverflowError("thrown by a test");

    private final MemoryTap memoryTap = new MemoryTap();
    private final MemoryUnderlay memoryUnderlay = new MemoryUnderlay();
    private final MemorySender memorySender = new MemorySender();
    private final MemorySender memoryRefusals = new MemorySender();
    private final Faulty<TapDevice> tap = new Faulty<>(TapDevice.class, memoryTap);
    private final Faulty<Underlay> underlay = new Faulty<>(Underlay.class, memoryUnderlay);
    private final Faulty<UnderlaySender> sender = new Faulty<>(UnderlaySender.class, memorySender);
    private final Faulty<UnderlaySender> refusals = new Faulty<>(UnderlaySender.class, memoryRefusals);
    private final Faulty<VerdictSink> verdicts = new Faulty<>(VerdictSink.class, VerdictSink.NONE);
    private final FrameSlab egressSlab = new FrameSlab(SLOTS);
    private final FrameSlab ingressSlab = new FrameSlab(SLOTS);
    private final FrameRing egressRing = new FrameRing(SLOTS, 1);
    private final FrameRing ingressRing = new FrameRing(SLOTS, 33);
    private final Counters port = new Counters();
    private final Vtep vtep = new Vtep(Frames.silkVtep(SOURCE_MAC, SOURCE_HOST));
    private final Counters counters = vtep.counters().lane(0);
    private final Counters refusalCounters = vtep.counters().lane(1);
    private final List<Agent> egress;
    private final List<Agent> ingress;

    AgentFailureTest() {
        Capture capture = new Capture();
        egress = List.of(
                new TapReader(tap.device(), egressSlab, egressRing, counters),
                new Encapsulator(
                        vtep,
                        tap.device(),
                        egressSlab,
                        egressRing,
                        sender.device(),
                        new AgentContext(counters, capture)));
        Decapsulator decapsulator =
                new Decapsulator("memory", underlay.device(), ingressSlab, new AgentContext(port, capture));
        RefusalSender refusalSender =
                new RefusalSender(vtep, refusals.device(), new AgentContext(refusalCounters, capture));
        Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
        routes.put(1, new Ingress(vtep, ingressRing, counters, refusalSender));
        decapsulator.routes(routes);
        ingress = List.of(
                decapsulator,
                new TapWriter(vtep, tap.device(), ingressSlab, ingressRing, new AgentContext(counters, capture)));
    }

    @BeforeEach
    void knowTheOtherHost() {
        vtep.fdb().add(DESTINATION_MAC, new Remote(DESTINATION_HOST), true, 0);
    }

    private void judge() {
        FlowTable flows = new FlowTable(1024, FlowTable.Timeouts.DEFAULT);
        Enforcement none = Enforcement.NONE;
        vtep.enforcement(new Enforcement(
                Mode.ENFORCE,
                Enforcement.Refusal.REJECT,
                none.spoofing(),
                none.subnetLength(),
                PolicyTable.EMPTY,
                flows,
                verdicts.device()));
    }

    /** As a worker does it: each agent in its turn, whatever the others do. Returns how often something was thrown. */
    private static int run(List<Agent> line, int turns) {
        int thrown = 0;
        for (int i = 0; i < turns; i++) {
            for (Agent agent : line) {
                try {
                    agent.doWork();
                } catch (Throwable t) {
                    assertEquals("thrown by a test", t.getMessage());
                    thrown++;
                }
            }
        }
        return thrown;
    }

    private void hostSends(int frames) {
        for (int i = 0; i < frames; i++) {
            memoryTap.hostSends(bytes(INNER));
        }
    }

    private void peerSends(int datagrams) {
        for (int i = 0; i < datagrams; i++) {
            memoryUnderlay.peerSends(arriving(), DESTINATION_HOST, 0);
        }
    }

    /** The specified packet as if the other host had sent it. */
    private static byte[] arriving() {
        return Frames.merged(VXLAN, fromOtherHost(bytes(INNER)));
    }

    private static byte[] fromOtherHost(byte[] frame) {
        new UnsafeBuffer(frame).putBytes(6, bytes("eeee0aff8400"));
        return frame;
    }

    private static byte[] merged(int count, byte[] frame) {
        byte[][] frames = new byte[count][];
        Arrays.fill(frames, frame);
        return Frames.merged(VXLAN, frames);
    }

    @AfterEach
    void everyPacketEndedInOneCounterEverySlotCameBackAndAllWorkAgain() {
        tap.recover();
        underlay.recover();
        sender.recover();
        refusals.recover();
        verdicts.recover();
        run(egress, FRAMES);
        run(ingress, FRAMES);
        assertBalanced();
        memorySender.sent();
        memoryTap.delivered();
        vtep.enforcement(Enforcement.NONE);
        hostSends(FRAMES);
        peerSends(FRAMES);
        assertEquals(0, run(egress, FRAMES) + run(ingress, FRAMES));
        assertEquals(FRAMES, memorySender.sent().size());
        assertEquals(FRAMES, memoryTap.delivered().size());
        assertBalanced();
        assertEquals(SLOTS, egressSlab.freeSlots());
        assertEquals(SLOTS, ingressSlab.freeSlots());
    }

    private void assertBalanced() {
        Counters all = vtep.counters();
        assertEquals(
                all.get(Counter.TX_FRAMES)
                        + all.get(Counter.TX_REPLICATED)
                        + all.get(Counter.TX_SEGMENTED)
                        + all.get(Counter.TX_REFUSALS),
                all.get(Counter.TX_SENT) + all.get(Counter.NEIGHBOUR_ANSWERED) + all.sum(Kind.TX_DROP));
        assertEquals(
                all.get(Counter.RX_FRAMES),
                all.get(Counter.RX_DELIVERED) + all.get(Counter.RX_COALESCED) + all.sum(Kind.RX_DROP));
        assertEquals(port.get(Counter.RX_DATAGRAMS), all.get(Counter.RX_FRAMES) + port.sum(Kind.RX_DROP));
        egressRing.reclaim(egressSlab);
        ingressRing.reclaim(ingressSlab);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7})
    void readingTheTapThrows(int period) {
        hostSends(FRAMES);
        tap.throwFrom("read", period, EXCEPTION);
        assertTrue(run(egress, 2 * FRAMES) > SLOTS);
        assertEquals(0, counters.sum(Kind.TX_DROP));
    }

    @ParameterizedTest
    @CsvSource({"to, 1", "to, 3", "add, 1", "add, 3", "room, 1", "room, 5", "flush, 1", "flush, 2"})
    void sendingThrows(String method, int period) {
        hostSends(FRAMES);
        sender.throwFrom(method, period, EXCEPTION);
        assertTrue(run(egress, 2 * FRAMES) > 0);
        assertTrue(counters.get(Counter.TX_AGENT_FAILED) >= sender.thrown());
        assertEquals(FRAMES, counters.get(Counter.TX_FRAMES));
    }

    @ParameterizedTest
    @CsvSource({"to, 1", "to, 3", "add, 1", "add, 3", "room, 5", "flush, 1", "flush, 2"})
    void sendingToManyRemotesThrows(String method, int period) {
        for (int i = 1; i < 8; i++) {
            vtep.fdb().append(0, new Remote(IpAddress.parse("10.0.32." + i)), true, 0);
        }
        vtep.fdb().remove(DESTINATION_MAC, null);
        hostSends(FRAMES);
        sender.throwFrom(method, period, ERROR);
        assertTrue(run(egress, 2 * FRAMES) > 0);
        assertTrue(counters.get(Counter.TX_AGENT_FAILED) >= sender.thrown());
        assertEquals(FRAMES, counters.get(Counter.TX_FRAMES));
        vtep.fdb().add(DESTINATION_MAC, new Remote(DESTINATION_HOST), true, 0);
    }

    @ParameterizedTest
    @CsvSource({
        "to, 1",
        "to, 3",
        "add, 1",
        "add, 3",
        "room, 1",
        "room, 5",
        "flush, 1",
        "flush, 2",
        "sendUncut, 1",
        "sendUncut, 3"
    })
    void sendingSuperFramesThrows(String method, int period) {
        memorySender.sendUncut(method.equals("sendUncut"));
        byte[] superFrame = segment(0, 40 * 1000, 0x10);
        for (int i = 0; i < FRAMES / 10; i++) {
            memoryTap.hostSendsSuperFrame(superFrame, VirtioNetHeader.GSO_TCPV4, 1000, 34, 16);
        }
        sender.throwFrom(method, period, EXCEPTION);
        assertTrue(run(egress, 2 * FRAMES) > 0);
        assertTrue(counters.get(Counter.TX_AGENT_FAILED) >= sender.thrown());
        assertEquals(FRAMES / 10, counters.get(Counter.TX_FRAMES));
        memorySender.sendUncut(false);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7})
    void receivingThrows(int period) {
        peerSends(FRAMES);
        underlay.throwFrom("receive", period, ERROR);
        assertTrue(run(ingress, FRAMES) > SLOTS);
        assertEquals(0, port.sum(Kind.RX_DROP) + counters.sum(Kind.RX_DROP));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7})
    void writingToTheTapThrows(int period) {
        peerSends(FRAMES);
        tap.throwFrom("write", period, EXCEPTION);
        assertTrue(run(ingress, FRAMES) > 0);
        assertEquals(tap.thrown(), counters.get(Counter.TAP_REFUSED));
        assertEquals(FRAMES - tap.thrown(), memoryTap.delivered().size());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7})
    void judgingThrows(int period) {
        judge();
        peerSends(FRAMES);
        verdicts.throwFrom("verdict", period, ERROR);
        assertTrue(run(ingress, FRAMES) > 0);
        assertEquals(FRAMES, counters.get(Counter.RX_FRAMES));
        assertEquals(verdicts.thrown(), counters.get(Counter.RX_AGENT_FAILED));
        assertEquals(FRAMES - verdicts.thrown(), counters.get(Counter.POLICY_DENIED));
    }

    @ParameterizedTest
    @ValueSource(strings = {"to", "add", "flush"})
    void tellingOfARefusalThrows(String method) {
        judge();
        peerSends(FRAMES);
        refusals.throwFrom(method, 1, EXCEPTION);
        assertTrue(run(ingress, FRAMES) > 0);
        assertEquals(FRAMES, counters.get(Counter.RX_FRAMES));
        assertTrue(refusals.thrown() > 0);
        assertEquals(refusals.thrown(), refusalCounters.get(Counter.TX_AGENT_FAILED));
        assertEquals(refusals.thrown(), counters.get(Counter.RX_AGENT_FAILED));
    }

    @Test
    void oneOfManyDatagramsInOnePieceIsLost() {
        judge();
        byte[] frame = fromOtherHost(bytes(INNER));
        verdicts.throwFrom("verdict", 3, EXCEPTION);
        for (int i = 0; i < FRAMES; i++) {
            memoryUnderlay.peerSendsMerged(merged(20, frame), 8 + frame.length, DESTINATION_HOST);
        }
        run(ingress, FRAMES);
        assertEquals(20L * FRAMES, counters.get(Counter.RX_FRAMES));
        assertEquals(verdicts.thrown(), counters.get(Counter.RX_AGENT_FAILED));
        assertEquals(20 * FRAMES / 3, verdicts.thrown());
    }

    /** The ring of this test has room for 32 frames of a slot and its release. */
    @Test
    void moreFramesInOnePieceThanThereIsRoomForAreDropped() {
        byte[] frame = fromOtherHost(bytes(INNER));
        for (int i = 0; i < FRAMES; i++) {
            memoryUnderlay.peerSendsMerged(merged(100, frame), 8 + frame.length, DESTINATION_HOST);
        }
        assertEquals(0, run(ingress, 4 * FRAMES));
        assertEquals(100L * FRAMES, counters.get(Counter.RX_FRAMES));
        assertEquals(68L * FRAMES, counters.get(Counter.NOMEM));
        assertEquals(32 * FRAMES, memoryTap.delivered().size());
    }

    @Test
    void aFailureWithSuperFramesUnderWayLosesNoSegmentUncounted() {
        byte[][] segments = new byte[3][];
        Arrays.setAll(segments, i -> fromOtherHost(segment(i, 1000, 0x10)));
        byte[] piece = Frames.merged(VXLAN, segments);
        for (int i = 0; i < FRAMES; i++) {
            memoryUnderlay.peerSendsMerged(piece, piece.length / 3, DESTINATION_HOST);
        }
        tap.throwFrom("write", 3, ERROR);
        run(ingress, 2 * FRAMES);
        assertEquals(3L * FRAMES, counters.get(Counter.RX_FRAMES));
        assertEquals(2L * FRAMES, counters.get(Counter.RX_COALESCED));
        assertEquals(tap.thrown(), counters.get(Counter.TAP_REFUSED));
    }

    @Test
    void aTapThatCannotBeReadIsCountedAndSaysWhy() {
        hostSends(FRAMES);
        memoryTap.failReads(EBADFD);
        assertEquals(0, run(egress, FRAMES));
        assertEquals(FRAMES, counters.get(Counter.TX_READ_ERRORS));
        assertEquals(EBADFD, ((TapReader) egress.get(0)).lastErrno());
        assertEquals(0, counters.get(Counter.TX_FRAMES));
        memoryTap.failReads(0);
        run(egress, FRAMES);
        assertEquals(FRAMES, memorySender.sent().size());
    }

    @Test
    void aSocketThatCannotBeReadIsCountedAndSaysWhy() {
        peerSends(FRAMES);
        memoryUnderlay.failReceives(ENOMEM);
        assertEquals(0, run(ingress, FRAMES));
        assertEquals(FRAMES, port.get(Counter.RX_READ_ERRORS));
        assertEquals(ENOMEM, ((Decapsulator) ingress.get(0)).lastErrno());
        assertEquals(0, port.get(Counter.RX_DATAGRAMS));
        memoryUnderlay.failReceives(0);
        run(ingress, FRAMES);
        assertEquals(FRAMES, memoryTap.delivered().size());
    }

    @Test
    void whatIsThrownIsWhatTheDeviceThrew() {
        hostSends(1);
        sender.throwFrom("flush", 1, EXCEPTION);
        egressTurn();
        assertEquals(1, counters.get(Counter.TX_AGENT_FAILED));
    }

    private void egressTurn() {
        assertThrows(IllegalStateException.class, () -> {
            for (Agent agent : egress) {
                agent.doWork();
            }
        });
    }
}
