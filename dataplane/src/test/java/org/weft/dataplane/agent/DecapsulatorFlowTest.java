package org.weft.dataplane.agent;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.weft.testing.Frames.DESTINATION_HOST;
import static org.weft.testing.Frames.DESTINATION_MAC;
import static org.weft.testing.Frames.SEGMENT_HEADER_LENGTH;
import static org.weft.testing.Frames.SOURCE_HOST;
import static org.weft.testing.Frames.SOURCE_MAC;
import static org.weft.testing.Frames.VXLAN;
import static org.weft.testing.Frames.hex;
import static org.weft.testing.Frames.merged;
import static org.weft.testing.Frames.segment;
import static org.weft.testing.Frames.withChecksums;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.agrona.collections.Int2ObjectHashMap;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.capture.CaptureFilter;
import org.weft.dataplane.capture.CaptureSession;
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
import org.weft.dataplane.table.FdbLookup;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.EcnTunnel;
import org.weft.encap.InternetChecksum;
import org.weft.encap.IpAddress;
import org.weft.encap.VirtioNetHeader;
import org.weft.testing.Frames;
import org.weft.testing.MemoryTap;
import org.weft.testing.MemoryTap.Delivered;
import org.weft.testing.MemoryUnderlay;

/**
 * Segments of a connection that came in one message, where most take the short way behind the first. While somebody captures
 * they all take the long way, datagram by datagram: whatever is received here is received by two hosts, one of each kind, and
 * what they deliver and count must be the same.
 */
class DecapsulatorFlowTest {
    private static final int ACK = 0x10;
    private static final int ACK_PSH = 0x18;
    private static final int PAYLOAD = 1000;
    private static final int SEGMENT = 8 + SEGMENT_HEADER_LENGTH + PAYLOAD;
    private static final String OTHER_VXLAN = "8800000100000200";
    private static final IpAddress ELSEWHERE = IpAddress.parse("10.0.16.99");

    /** A destination host with two VTEPs, of VNI 1 and 2. */
    private static final class Host {
        final MemoryUnderlay underlay = new MemoryUnderlay();
        final Counters port = new Counters();
        final Vtep[] vteps = new Vtep[2];
        final MemoryTap[] taps = new MemoryTap[2];
        private final TapWriter[] writers = new TapWriter[2];
        private final FrameRing[] rings = new FrameRing[2];
        private final FrameSlab slab = new FrameSlab(64);
        private final Decapsulator decapsulator;

        Host(boolean learning, int maxAddresses, Capture capture) {
            decapsulator = new Decapsulator("10.0.32.14:4789", underlay, slab, new AgentContext(port, capture));
            Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
            for (int i = 0; i < 2; i++) {
                vteps[i] = new Vtep(config(learning, maxAddresses));
                taps[i] = new MemoryTap();
                rings[i] = new FrameRing(64, 130);
                writers[i] = new TapWriter(
                        vteps[i], taps[i], slab, rings[i], new AgentContext(vteps[i].counters(), capture));
                routes.put(1 + i, new Ingress(vteps[i], rings[i], vteps[i].counters(), null));
            }
            decapsulator.routes(routes);
        }

        private static VtepConfig config(boolean learning, int maxAddresses) {
            VtepConfig c = Frames.silkVtep(DESTINATION_MAC, DESTINATION_HOST);
            return c.withForwarding(c.forwarding().withLearning(learning).withMaxAddresses(maxAddresses));
        }

        void run() throws Exception {
            while (decapsulator.doWork() + writers[0].doWork() + writers[1].doWork() > 0) {
                Thread.onSpinWait();
            }
            rings[0].reclaim(slab);
            rings[1].reclaim(slab);
            assertEquals(slab.slots(), slab.freeSlots());
        }

        long get(Counter counter) {
            return vteps[0].counters().get(counter);
        }

        private Map<Counter, List<Long>> counted() {
            Map<Counter, List<Long>> all = new EnumMap<>(Counter.class);
            for (Counter counter : Counter.values()) {
                all.put(
                        counter,
                        List.of(
                                port.get(counter),
                                vteps[0].counters().get(counter),
                                vteps[1].counters().get(counter)));
            }
            return all;
        }
    }

    private final Capture capture = new Capture();
    private final CaptureSession session = capture.open(new CaptureFilter(null, Capture.Point.WIRE, null));
    private Host host;
    private Host captured;

    private void use(boolean learning, int maxAddresses) {
        host = new Host(learning, maxAddresses, new Capture());
        captured = new Host(learning, maxAddresses, capture);
    }

    private void both(Consumer<Host> step) {
        step.accept(host);
        step.accept(captured);
    }

    private List<Delivered> receive(byte[]... messages) throws Exception {
        return receive(0, messages);
    }

    /** Lets both hosts receive messages with segments of {@link #SEGMENT} bytes; the first VTEP's frames. */
    private List<Delivered> receive(int tos, byte[]... messages) throws Exception {
        if (host == null) {
            use(false, 0);
        }
        for (byte[] message : messages) {
            both(h -> h.underlay.peerSendsMerged(message, SEGMENT, SOURCE_HOST, tos));
        }
        host.run();
        captured.run();
        List<Delivered> frames = host.taps[0].delivered();
        assertEquals(text(captured.taps[0].delivered()), text(frames));
        assertEquals(text(captured.taps[1].delivered()), text(host.taps[1].delivered()));
        assertEquals(captured.counted(), host.counted());
        return frames;
    }

    private static List<String> text(List<Delivered> frames) {
        return frames.stream()
                .map(f -> "flags %d type %d headers %d size %d checksum %d+%d %s"
                        .formatted(
                                f.vnetFlags(),
                                f.gsoType(),
                                f.headersLength(),
                                f.gsoSize(),
                                f.checksumStart(),
                                f.checksumOffset(),
                                hex(f.bytes())))
                .toList();
    }

    /** A message of full segments of the first VNI. */
    private static byte[] message(int first, int count) {
        return message(first, count, index -> segment(index, PAYLOAD, ACK));
    }

    private static byte[] message(int first, int count, IntFunction<byte[]> segments) {
        byte[][] frames = new byte[count][];
        Arrays.setAll(frames, i -> segments.apply(first + i));
        return merged(VXLAN, frames);
    }

    private static byte[] with(byte[] segment, int position, int value) {
        segment[position] = (byte) value;
        return withChecksums(segment);
    }

    private static byte[] fromMac(byte[] segment, long mac) {
        new UnsafeBuffer(segment).putInt(8, (int) mac, BIG_ENDIAN);
        return segment;
    }

    private static List<Integer> payloads(List<Delivered> frames) {
        return frames.stream()
                .map(frame -> frame.bytes().length - SEGMENT_HEADER_LENGTH)
                .toList();
    }

    @Test
    void countsEveryDatagramOfASuperFrame() throws Exception {
        List<Delivered> frames = receive(message(0, 50));
        assertEquals(List.of(50 * PAYLOAD), payloads(frames));
        assertEquals(50, host.port.get(Counter.RX_DATAGRAMS));
        assertEquals(50, host.get(Counter.RX_FRAMES));
        assertEquals(50 * (SEGMENT_HEADER_LENGTH + PAYLOAD), host.get(Counter.RX_BYTES));
        assertEquals(49, host.get(Counter.RX_COALESCED));
        assertEquals(1, host.get(Counter.RX_DELIVERED));
    }

    @Test
    void countsEveryDatagramOfASuperFrameThatPassesOnlyBecauseNothingIsRefused() throws Exception {
        use(false, 0);
        Enforcement lenient = new Enforcement(
                Mode.LOG,
                Refusal.DROP,
                Spoofing.COUNT,
                24,
                PolicyTable.EMPTY,
                new FlowTable(64, FlowTable.Timeouts.DEFAULT),
                VerdictSink.NONE);
        both(h -> h.vteps[0].enforcement(lenient));
        assertEquals(List.of(50 * PAYLOAD), payloads(receive(message(0, 50))));
        assertEquals(50, host.get(Counter.SPOOFED_MAC_PASSED));
        assertEquals(50, host.get(Counter.POLICY_WOULD_DENY));
    }

    @Test
    void capturesEveryDatagramOfASuperFrame() throws Exception {
        receive(message(0, 50));
        ByteArrayOutputStream seen = new ByteArrayOutputStream();
        session.drain(seen, 1 << 20);
        assertTrue(seen.size() > 50 * SEGMENT, seen.size() + " bytes");
    }

    @Test
    void takesASecondSuperFrameOutOfAMessage() throws Exception {
        byte[] message = message(0, 50, i -> segment(i, PAYLOAD, i == 20 ? ACK_PSH : ACK));
        assertEquals(List.of(21 * PAYLOAD, 29 * PAYLOAD), payloads(receive(message)));
    }

    @Test
    void continuesASuperFrameInTheNextMessage() throws Exception {
        assertEquals(List.of(40 * PAYLOAD), payloads(receive(message(0, 20), message(20, 20))));
    }

    @Test
    void aShorterLastSegmentEndsASuperFrame() throws Exception {
        byte[] message = message(0, 10, i -> segment(i, i == 9 ? 1 : PAYLOAD, ACK));
        assertEquals(List.of(9 * PAYLOAD + 1, PAYLOAD), payloads(receive(message, message(10, 1))));
    }

    @Test
    void dropsWhatIsForNobodyInTheMiddle() throws Exception {
        byte[] message = message(0, 10);
        message[4 * SEGMENT + 6] = 9;
        assertEquals(List.of(4 * PAYLOAD, 5 * PAYLOAD), payloads(receive(message)));
        assertEquals(1, host.port.get(Counter.VXLAN_VNI_NOT_FOUND));
        assertEquals(9, host.get(Counter.RX_FRAMES));
    }

    @Test
    void dropsReservedBitsInTheMiddle() throws Exception {
        byte[] message = message(0, 10);
        message[4 * SEGMENT + 7] = 1;
        assertEquals(List.of(4 * PAYLOAD, 5 * PAYLOAD), payloads(receive(message)));
        assertEquals(1, host.get(Counter.VXLAN_INVALID_HDR));
    }

    @Test
    void givesAnotherVtepItsFramesFromTheMiddle() throws Exception {
        byte[] message = message(0, 10);
        for (int i = 3; i < 6; i++) {
            message[i * SEGMENT + 6] = 2;
        }
        assertEquals(List.of(3 * PAYLOAD, 4 * PAYLOAD), payloads(receive(message)));
        assertEquals(7, host.get(Counter.RX_FRAMES));
        assertEquals(3, host.vteps[1].counters().get(Counter.RX_FRAMES));
        assertEquals(3, host.vteps[1].counters().get(Counter.RX_DELIVERED));
    }

    @Test
    void givesAnotherVtepTheNextMessage() throws Exception {
        byte[] other = message(10, 10);
        for (int i = 0; i < 10; i++) {
            other[i * SEGMENT + 6] = 2;
        }
        assertEquals(List.of(10 * PAYLOAD, 10 * PAYLOAD), payloads(receive(message(0, 10), other, message(20, 10))));
        assertEquals(10, host.vteps[1].counters().get(Counter.RX_FRAMES));
        assertEquals(9, host.vteps[1].counters().get(Counter.RX_COALESCED));
    }

    @Test
    void mergesAcrossGroupPolicyIds() throws Exception {
        byte[] message = message(0, 10);
        message[4 * SEGMENT + 3] = 77;
        assertEquals(List.of(10 * PAYLOAD), payloads(receive(message)));
    }

    @Test
    void dropsItsOwnMacInTheMiddle() throws Exception {
        byte[] message = message(0, 10, i -> {
            byte[] segment = segment(i > 4 ? i - 1 : i, PAYLOAD, ACK);
            return i == 4 ? fromMac(segment, DESTINATION_MAC) : segment;
        });
        assertEquals(List.of(9 * PAYLOAD), payloads(receive(message)));
        assertEquals(1, host.get(Counter.LOCAL_MAC));
        assertEquals(10, host.get(Counter.RX_FRAMES));
    }

    @Test
    void learnsAMacThatMovesHereInTheMiddle() throws Exception {
        use(true, 0);
        long other = SOURCE_MAC + 1;
        both(h -> h.vteps[0].fdb().add(other, new Remote(ELSEWHERE), false, 0));
        byte[] message =
                message(0, 10, i -> i < 4 ? segment(i, PAYLOAD, ACK) : fromMac(segment(i, PAYLOAD, ACK), other));
        assertEquals(List.of(4 * PAYLOAD, 6 * PAYLOAD), payloads(receive(message)));
        assertEquals(2, host.get(Counter.LEARNED));
        FdbLookup found = new FdbLookup();
        host.vteps[0].fdb().lookup(other, found);
        assertEquals(SOURCE_HOST, new IpAddress(found.high(0), found.low(0)));
    }

    @Test
    void learnsAgainFromTheNextMessage() throws Exception {
        use(true, 0);
        receive(message(0, 10));
        both(h -> h.underlay.peerSendsMerged(message(10, 10), SEGMENT, ELSEWHERE));
        receive(message(20, 10));
        assertEquals(3, host.get(Counter.LEARNED));
    }

    @Test
    void dropsAMacThatIsStaticElsewhereInTheMiddle() throws Exception {
        use(true, 0);
        long other = SOURCE_MAC + 1;
        both(h -> h.vteps[0].fdb().add(other, new Remote(ELSEWHERE), true, 0));
        byte[] message =
                message(0, 10, i -> i < 4 ? segment(i, PAYLOAD, ACK) : fromMac(segment(i, PAYLOAD, ACK), other));
        assertEquals(List.of(4 * PAYLOAD), payloads(receive(message)));
        assertEquals(6, host.get(Counter.VXLAN_ENTRY_EXISTS));
    }

    @Test
    void countsEveryFrameWhoseMacWasNotLearned() throws Exception {
        use(true, 1);
        both(h -> h.vteps[0].fdb().add(SOURCE_MAC + 1, new Remote(ELSEWHERE), true, 0));
        assertEquals(List.of(10 * PAYLOAD), payloads(receive(message(0, 10))));
        assertEquals(10, host.get(Counter.LEARNED_LIMIT));
    }

    @Test
    void anotherTosInTheMiddleEndsASuperFrame() throws Exception {
        byte[] message = message(0, 10, i -> with(segment(i, PAYLOAD, ACK), 15, i < 4 ? 0 : 0x20));
        assertEquals(List.of(4 * PAYLOAD, 6 * PAYLOAD), payloads(receive(message)));
    }

    @Test
    void marksEverySegmentThatCanBeMarked() throws Exception {
        byte[] message = message(0, 10, i -> with(segment(i, PAYLOAD, ACK), 15, EcnTunnel.ECT_0));
        List<Delivered> frames = receive(EcnTunnel.CE, message);
        assertEquals(List.of(10 * PAYLOAD), payloads(frames));
        assertEquals(EcnTunnel.CE, frames.get(0).bytes()[15]);
    }

    @Test
    void marksFromTheMessageOnThatIsMarked() throws Exception {
        IntFunction<byte[]> capable = i -> with(segment(i, PAYLOAD, ACK), 15, EcnTunnel.ECT_0);
        use(false, 0);
        both(h -> h.underlay.peerSendsMerged(message(0, 10, capable), SEGMENT, SOURCE_HOST, EcnTunnel.ECT_0));
        List<Delivered> frames = receive(EcnTunnel.CE, message(10, 10, capable));
        assertEquals(List.of(10 * PAYLOAD, 10 * PAYLOAD), payloads(frames));
        assertEquals(EcnTunnel.ECT_0, frames.get(0).bytes()[15]);
        assertEquals(EcnTunnel.CE, frames.get(1).bytes()[15]);
    }

    @Test
    void marksWhatIsNotMarkedYetAmongMarkedSegments() throws Exception {
        byte[] message =
                message(0, 10, i -> with(segment(i, PAYLOAD, ACK), 15, i % 3 == 0 ? EcnTunnel.ECT_0 : EcnTunnel.CE));
        assertEquals(List.of(10 * PAYLOAD), payloads(receive(EcnTunnel.CE, message)));
    }

    @Test
    void dropsWhatCannotBeMarkedAmongMarkedSegments() throws Exception {
        byte[] message =
                message(0, 10, i -> with(segment(i, PAYLOAD, ACK), 15, i == 4 ? EcnTunnel.NOT_ECT : EcnTunnel.CE));
        assertEquals(List.of(4 * PAYLOAD, 5 * PAYLOAD), payloads(receive(EcnTunnel.CE, message)));
        assertEquals(1, host.get(Counter.IP_TUNNEL_ECN));
    }

    @Test
    void passesABadChecksumInTheMiddleOnUnchanged() throws Exception {
        byte[] bad = segment(4, PAYLOAD, ACK);
        bad[500]++;
        List<Delivered> frames = receive(message(0, 10, i -> i == 4 ? bad : segment(i, PAYLOAD, ACK)));
        assertEquals(List.of(4 * PAYLOAD, PAYLOAD, 5 * PAYLOAD), payloads(frames));
        assertEquals(hex(bad), hex(frames.get(1).bytes()));
        assertEquals(0, frames.get(1).vnetFlags());
    }

    @Test
    void passesABadIpChecksumInTheMiddleOnUnchanged() throws Exception {
        byte[] bad = segment(4, PAYLOAD, ACK);
        bad[24]++;
        List<Delivered> frames = receive(message(0, 10, i -> i == 4 ? bad : segment(i, PAYLOAD, ACK)));
        assertEquals(hex(bad), hex(frames.get(1).bytes()));
    }

    /** Such a packet is as long as it says, and its checksum right; what follows it in the frame is padding. */
    @Test
    void doesNotMergeWhatSaysItIsShorterThanItsFrame() throws Exception {
        byte[] liar = Arrays.copyOf(segment(4, PAYLOAD - 100, ACK), SEGMENT_HEADER_LENGTH + PAYLOAD);
        List<Delivered> frames = receive(message(0, 10, i -> i == 4 ? liar : segment(i, PAYLOAD, ACK)));
        assertEquals(List.of(4 * PAYLOAD, PAYLOAD, 5 * PAYLOAD), payloads(frames));
        assertEquals(hex(liar), hex(frames.get(1).bytes()));
    }

    /** Its TCP checksum is right if the frame is believed, not if the IP header is. */
    @Test
    void doesNotMergeWhatItsIpHeaderSaysIsShorter() throws Exception {
        byte[] liar = segment(4, PAYLOAD, ACK);
        UnsafeBuffer buffer = new UnsafeBuffer(liar);
        buffer.putShort(16, (short) (liar.length - 14 - 1), BIG_ENDIAN);
        buffer.putShort(24, (short) 0);
        buffer.putShort(24, (short) InternetChecksum.of(buffer, 14, 20), BIG_ENDIAN);
        List<Delivered> frames = receive(message(0, 10, i -> i == 4 ? liar : segment(i, PAYLOAD, ACK)));
        assertEquals(List.of(4 * PAYLOAD, PAYLOAD, 5 * PAYLOAD), payloads(frames));
        assertEquals(hex(liar), hex(frames.get(1).bytes()));
        assertEquals(0, frames.get(1).vnetFlags());
    }

    @Test
    void passesAPartialChecksumInTheMiddleOnAsPartial() throws Exception {
        byte[] partial = withPartialChecksum(segment(4, PAYLOAD, ACK));
        List<Delivered> frames = receive(message(0, 10, i -> i == 4 ? partial : segment(i, PAYLOAD, ACK)));
        assertEquals(List.of(4 * PAYLOAD, PAYLOAD, 5 * PAYLOAD), payloads(frames));
        assertEquals(hex(partial), hex(frames.get(1).bytes()));
        assertEquals(VirtioNetHeader.FLAG_NEEDS_CHECKSUM, frames.get(1).vnetFlags());
    }

    private static byte[] withPartialChecksum(byte[] segment) {
        UnsafeBuffer buffer = new UnsafeBuffer(segment);
        long pseudo = InternetChecksum.pseudoHeaderIpv4(buffer, 14, 6, segment.length - 34);
        buffer.putShort(50, (short) InternetChecksum.fold(pseudo), BIG_ENDIAN);
        return segment;
    }

    @Test
    void anythingThatChangesInTheMiddleIsTreatedAlikeOnBothWays() throws Exception {
        SplittableRandom random = new SplittableRandom(48);
        for (int round = 0; round < 200; round++) {
            use(random.nextBoolean(), random.nextInt(3));
            int inner = random.nextInt(4);
            for (int first = 0; first < 60; ) {
                int count = 1 + random.nextInt(20);
                byte[] message = message(first, count, i -> with(segment(i, PAYLOAD, ACK), 15, inner));
                for (int k = random.nextInt(4); k > 0; k--) {
                    change(message, random.nextInt(count) * SEGMENT, random);
                }
                IpAddress source = random.nextInt(4) == 0 ? ELSEWHERE : SOURCE_HOST;
                int tos = random.nextInt(3) == 0 ? random.nextInt(4) : inner;
                both(h -> h.underlay.peerSendsMerged(message, SEGMENT, source, tos));
                first += count;
            }
            receive();
        }
    }

    /** Changes a byte of a VXLAN header, or one of the frame behind it, after which half have right checksums again. */
    private static void change(byte[] message, int at, SplittableRandom random) {
        int position = random.nextInt(8 + SEGMENT_HEADER_LENGTH + 2);
        message[at + position] = (byte) random.nextInt(random.nextBoolean() ? 4 : 256);
        if (random.nextBoolean()) {
            byte[] frame = withChecksums(Arrays.copyOfRange(message, at + 8, at + SEGMENT));
            System.arraycopy(frame, 0, message, at + 8, frame.length);
        }
    }
}
