package org.weft.encap.offload;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.weft.encap.FrameLayout;
import org.weft.encap.TcpHeader;
import org.weft.encap.VirtioNetHeader;

class CoalescerTest {
    private static final int SHIFT = 82;
    private static final int ROOM = 70_000;
    private static final byte DIRT = (byte) 0xa5;

    private final Coalescer coalescer = new Coalescer();
    private final FrameLayout layout = new FrameLayout();
    private final UnsafeBuffer slot = new UnsafeBuffer(new byte[SHIFT + ROOM]);

    private boolean open(byte[] frame) {
        return open(frame, ROOM);
    }

    private boolean open(byte[] frame, int capacity) {
        slot.setMemory(0, slot.capacity(), DIRT);
        slot.putBytes(SHIFT, frame);
        layout.parse(slot, SHIFT, frame.length);
        return coalescer.open(slot, SHIFT, frame.length, capacity, layout);
    }

    private boolean append(byte[] frame) {
        UnsafeBuffer buffer = new UnsafeBuffer(new byte[frame.length + 5]);
        buffer.putBytes(5, frame);
        return coalescer.append(buffer, 5, frame.length);
    }

    private byte[] result() {
        byte[] frame = new byte[coalescer.length()];
        slot.getBytes(SHIFT, frame);
        return frame;
    }

    /** The one after a frame, with as much payload. */
    private static TestFrame next(TestFrame frame) {
        TestFrame next = frame.copy();
        next.id = frame.id + 1;
        next.sequence = frame.sequence + frame.payload.length;
        next.payload = TestFrame.bytes(frame.payload.length);
        next.payload[0] ^= (byte) next.id;
        return next;
    }

    private static List<TestFrame> row(TestFrame first, int count) {
        List<TestFrame> row = new ArrayList<>(List.of(first));
        while (row.size() < count) {
            row.add(next(row.get(row.size() - 1)));
        }
        return row;
    }

    private void assertMerges(List<TestFrame> row) {
        assertTrue(open(row.get(0).build()));
        for (int i = 1; i < row.size(); i++) {
            assertTrue(append(row.get(i).build()), "frame " + i);
        }
        assertEquals(row.size(), coalescer.close());
        byte[] superFrame = result();
        Oracle.assertNetworkRight(superFrame);
        List<byte[]> again = Reference.segment(superFrame, coalescer.gsoSize());
        assertEquals(row.size(), again.size());
        for (int i = 0; i < row.size(); i++) {
            assertArrayEquals(row.get(i).build(), again.get(i), "frame " + i);
        }
    }

    private void assertGoesAlone(TestFrame frame) {
        assertFalse(open(frame.build()));
        assertFalse(coalescer.isOpen());
        assertEquals(0, coalescer.close());
    }

    /** Changes the second of two frames that would merge, says that it is refused, and that the first comes out untouched. */
    private void assertEndsIt(TestFrame first, Consumer<TestFrame> change) {
        assertMerges(row(first, 2));
        TestFrame second = next(first);
        change.accept(second);
        assertRefused(first.build(), second.build());
    }

    private void assertRefused(byte[] first, byte[] second) {
        assertTrue(open(first));
        assertFalse(append(second));
        assertTrue(coalescer.isOpen());
        assertEquals(1, coalescer.close());
        assertArrayEquals(first, result());
        assertEquals(DIRT, slot.getByte(SHIFT + first.length));
        assertEquals(VirtioNetHeader.GSO_NONE, coalescer.gsoType());
        assertEquals(0, coalescer.gsoSize());
    }

    @Test
    void mergesConsecutiveTcpSegments() {
        assertMerges(row(TestFrame.tcp4(1358), 40));
        assertEquals(VirtioNetHeader.GSO_TCPV4, coalescer.gsoType());
        assertEquals(1358, coalescer.gsoSize());
        assertEquals(54, coalescer.headerLength());
        assertEquals(34, coalescer.checksumStart());
        assertEquals(16, coalescer.checksumOffset());
        assertMerges(row(TestFrame.tcp6(1338), 40));
        assertEquals(VirtioNetHeader.GSO_TCPV6, coalescer.gsoType());
        assertEquals(54, coalescer.checksumStart());
    }

    @Test
    void mergesEqualUdpDatagrams() {
        assertMerges(row(TestFrame.udp4(1200), 30));
        assertEquals(VirtioNetHeader.GSO_UDP_L4, coalescer.gsoType());
        assertEquals(42, coalescer.headerLength());
        assertEquals(6, coalescer.checksumOffset());
        TestFrame ipv6 = TestFrame.tcp6(999);
        ipv6.tcp = false;
        assertMerges(row(ipv6, 30));
        assertEquals(VirtioNetHeader.GSO_UDP_L4, coalescer.gsoType());
    }

    @Test
    void leavesTheSumOfThePseudoHeaderInTheChecksum() {
        TestFrame first = TestFrame.tcp4(1000);
        assertMerges(row(first, 3));
        first.payload = new byte[3000];
        int partial = Reference.getShort(first.superFrame(), 50);
        assertEquals(partial, Reference.getShort(result(), 50));
    }

    @Test
    void carriesTagsOptionsAndExtensionHeaders() {
        TestFrame tagged = TestFrame.tcp4(500);
        tagged.vlanTags = new int[] {0x2005, 7};
        tagged.tcpOptions = new byte[] {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
        assertMerges(row(tagged, 10));
        tagged.vlanTags = new int[7];
        assertMerges(row(tagged, 10));
        TestFrame extended = TestFrame.tcp6(501).extended();
        assertMerges(row(extended, 10));
        TestFrame segmentRouted = TestFrame.tcp6(501);
        segmentRouted.firstExtension = 43;
        segmentRouted.extensions = new byte[] {6, 0, 4, 0, 0, 0, 0, 0};
        assertMerges(row(segmentRouted, 10));
    }

    @Test
    void aFrameThatIsNotFollowedIsNotTouched() {
        byte[] frame = TestFrame.tcp4(1000).build();
        assertTrue(open(frame));
        assertEquals(1, coalescer.close());
        assertArrayEquals(frame, result());
        assertFalse(coalescer.isOpen());
    }

    @Test
    void pushEndsTheSuperFrameAndIsKept() {
        List<TestFrame> row = row(TestFrame.tcp4(100), 3);
        row.get(2).flags |= TcpHeader.PSH;
        assertMerges(row);
        assertEquals(TcpHeader.ACK | TcpHeader.PSH, result()[47]);
        assertTrue(open(row.get(0).build()));
        assertTrue(append(row.get(1).build()));
        assertFalse(coalescer.full());
        assertTrue(append(row.get(2).build()));
        assertTrue(coalescer.full());
        TestFrame fourth = next(row.get(2));
        assertFalse(append(fourth.build()));
        assertEquals(3, coalescer.close());
        assertFalse(coalescer.full());
    }

    @Test
    void finEndsTheSuperFrameAndIsKept() {
        List<TestFrame> row = row(TestFrame.tcp6(100), 2);
        row.get(1).flags |= TcpHeader.FIN;
        assertMerges(row);
        assertEquals(TcpHeader.ACK | TcpHeader.FIN, result()[67]);
    }

    @Test
    void aShorterSegmentEndsTheSuperFrame() {
        for (TestFrame first : List.of(TestFrame.tcp4(101), TestFrame.udp4(101))) {
            List<TestFrame> row = row(first, 3);
            row.get(2).payload = TestFrame.bytes(100);
            assertMerges(row);
            assertTrue(open(row.get(0).build()));
            assertTrue(append(row.get(1).build()));
            assertTrue(append(row.get(2).build()));
            assertTrue(coalescer.full());
        }
    }

    @Test
    void aLongerSegmentIsRefused() {
        assertEndsIt(TestFrame.tcp4(100), second -> second.payload = TestFrame.bytes(101));
        assertEndsIt(TestFrame.udp4(100), second -> second.payload = TestFrame.bytes(101));
    }

    @Test
    void aSegmentWithoutPayloadIsRefused() {
        assertEndsIt(TestFrame.tcp4(100), second -> second.payload = new byte[0]);
        assertEndsIt(TestFrame.udp4(100), second -> second.payload = new byte[0]);
        assertGoesAlone(TestFrame.tcp4(0));
        assertGoesAlone(TestFrame.udp4(0));
    }

    @Test
    void onlyTheNextSequenceNumberIsTaken() {
        assertEndsIt(TestFrame.tcp4(100), second -> second.sequence++);
        assertEndsIt(TestFrame.tcp4(100), second -> second.sequence -= 100);
        assertEndsIt(TestFrame.tcp4(100), second -> second.sequence += 100);
        TestFrame wrapping = TestFrame.tcp4(100);
        wrapping.sequence = -150;
        assertMerges(row(wrapping, 5));
    }

    @Test
    void everyOtherHeaderFieldMustBeEqual() {
        List<Consumer<TestFrame>> tcp = List.of(
                f -> f.acknowledgment++,
                f -> f.window++,
                f -> f.urgent++,
                f -> f.reserved = 1,
                f -> f.tcpOptions[11]++,
                f -> f.tcpOptions = new byte[] {1, 1, 1, 0});
        List<Consumer<TestFrame>> any = List.of(
                f -> f.destinationMac ^= 1,
                f -> f.sourceMac ^= 1L << 47,
                f -> f.vlanTags = new int[] {6},
                f -> f.vlanTags = new int[] {},
                f -> f.vlanTags = new int[] {5, 5},
                f -> f.tos ^= 1,
                f -> f.ttl--,
                f -> f.sourcePort ^= 1,
                f -> f.destinationPort ^= 0x100,
                f -> f.tcp = !f.tcp);
        for (TestFrame first : List.of(TestFrame.tcp4(300), TestFrame.tcp6(300), TestFrame.udp4(300))) {
            first.vlanTags = new int[] {5};
            first.tcpOptions = new byte[] {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
            Consumer<TestFrame> copy = f -> {
                f.tcpOptions = f.tcpOptions.clone();
                f.source = f.source.clone();
                f.destination = f.destination.clone();
            };
            any.forEach(change -> assertEndsIt(first, copy.andThen(change)));
            if (first.tcp) {
                tcp.forEach(change -> assertEndsIt(first, copy.andThen(change)));
            }
            for (int i = 0; i < first.source.length; i++) {
                int at = i;
                assertEndsIt(first, copy.andThen(f -> f.source[at]++));
                assertEndsIt(first, copy.andThen(f -> f.destination[at]++));
            }
        }
        assertEndsIt(TestFrame.tcp6(300), f -> f.flowLabel ^= 1);
        assertEndsIt(TestFrame.tcp6(300).extended(), f -> {
            f.extensions = f.extensions.clone();
            f.extensions[5] = 1;
        });
        assertEndsIt(
                TestFrame.tcp6(300).extended(),
                f -> f.extensions = new byte[] {6, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    }

    @Test
    void noOtherFlagMayAppearOrGo() {
        for (int flag : new int[] {TcpHeader.SYN, TcpHeader.RST, TcpHeader.ACK, TcpHeader.URG, TcpHeader.ECE}) {
            assertEndsIt(TestFrame.tcp4(100), second -> second.flags ^= flag);
        }
        assertEndsIt(TestFrame.tcp4(100), second -> second.flags |= TcpHeader.CWR);
    }

    @Test
    void urgentResetSynPushAndFinDoNotLead() {
        for (int flag : new int[] {TcpHeader.URG, TcpHeader.RST, TcpHeader.SYN, TcpHeader.PSH, TcpHeader.FIN}) {
            TestFrame frame = TestFrame.tcp4(100);
            frame.flags |= flag;
            assertGoesAlone(frame);
        }
    }

    @Test
    void cwrMayBeOnTheFirstAndIsToldToTheKernel() {
        List<TestFrame> row = row(TestFrame.tcp4(100), 3);
        row.get(0).flags |= TcpHeader.CWR;
        assertMerges(row);
        assertEquals(VirtioNetHeader.GSO_TCPV4 | VirtioNetHeader.GSO_ECN, coalescer.gsoType());
        assertMerges(row(TestFrame.tcp4(100), 3));
        assertEquals(VirtioNetHeader.GSO_TCPV4, coalescer.gsoType());
    }

    @Test
    void identificationCountsUp() {
        TestFrame first = TestFrame.tcp4(100);
        first.fragmentField = 0;
        first.id = 0xfffe;
        assertMerges(row(first, 5));
        assertEndsIt(first, second -> second.id++);
        assertEndsIt(first, second -> second.id--);
        assertEndsIt(first, second -> second.fragmentField = 0x4000);
        first.fragmentField = 0x4000;
        assertEndsIt(first, second -> second.id++);
        assertEndsIt(first, second -> second.fragmentField = 0);
        assertEndsIt(first, second -> second.fragmentField = 0xc000);
    }

    @Test
    void identificationMayStayTheSameWithDontFragment() {
        List<TestFrame> row = row(TestFrame.tcp4(100), 3);
        row.forEach(frame -> frame.id = 0);
        assertTrue(open(row.get(0).build()));
        assertTrue(append(row.get(1).build()));
        assertTrue(append(row.get(2).build()));
        assertEquals(3, coalescer.close());
    }

    @Test
    void identificationMayNotChangeItsMind() {
        List<TestFrame> row = row(TestFrame.tcp4(100), 3);
        row.get(1).id = row.get(0).id;
        assertTrue(open(row.get(0).build()));
        assertTrue(append(row.get(1).build()));
        assertFalse(append(row.get(2).build()));
        row.get(1).id = row.get(0).id + 1;
        row.get(2).id = row.get(1).id;
        assertTrue(open(row.get(0).build()));
        assertTrue(append(row.get(1).build()));
        assertFalse(append(row.get(2).build()));
    }

    @Test
    void wrongChecksumsAreNeverMerged() {
        byte[] first = TestFrame.tcp4(200).build();
        byte[] second = next(TestFrame.tcp4(200)).build();
        for (int i = 0; i < second.length; i++) {
            boolean inMac = i < 12;
            byte[] bad = second.clone();
            bad[i] ^= 0x10;
            if (!inMac) {
                assertFalse(open(bad), "byte " + i);
                assertRefused(first, bad);
            }
        }
    }

    @Test
    void udpWithoutChecksumGoesAlone() {
        byte[] frame = TestFrame.udp4(100).build();
        Reference.putShort(frame, 40, 0);
        assertFalse(open(frame));
        byte[] second = next(TestFrame.udp4(100)).build();
        Reference.putShort(second, 40, 0);
        assertRefused(TestFrame.udp4(100).build(), second);
    }

    /** A field of 0 would verify here; cut again, it would be 0xffff. */
    @Test
    void udpWithoutChecksumGoesAloneEvenIfItsSumIsZero() {
        TestFrame frame = TestFrame.udp4(100);
        int sum = Reference.getShort(frame.payload, 0) + Reference.getShort(frame.build(), 40);
        Reference.putShort(frame.payload, 0, sum + (sum >>> 16));
        byte[] bytes = frame.build();
        assertEquals(0xffff, Reference.getShort(bytes, 40));
        assertTrue(open(bytes));
        Reference.putShort(bytes, 40, 0);
        assertFalse(open(bytes));
    }

    @Test
    void partialChecksumsGoAlone() {
        assertFalse(open(TestFrame.tcp4(1000).superFrame()));
        assertRefused(TestFrame.tcp4(1000).build(), next(TestFrame.tcp4(1000)).superFrame());
    }

    @Test
    void fragmentsOptionsAndOtherExtensionHeadersGoAlone() {
        TestFrame fragment = TestFrame.tcp4(100);
        fragment.fragmentField = 0x2000;
        assertGoesAlone(fragment);
        fragment.fragmentField = 7;
        assertGoesAlone(fragment);
        TestFrame options = TestFrame.tcp4(100);
        options.ipOptions = new byte[] {1, 1, 1, 0};
        assertGoesAlone(options);
        TestFrame authenticated = TestFrame.tcp6(100);
        authenticated.firstExtension = 51;
        authenticated.extensions = new byte[] {6, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1};
        assertGoesAlone(authenticated);
        TestFrame fragmented = TestFrame.tcp6(100);
        fragmented.firstExtension = 44;
        fragmented.extensions = new byte[] {6, 0, 0, 0, 0, 0, 0, 1};
        assertGoesAlone(fragmented);
    }

    @Test
    void paddingIsNotPayload() {
        byte[] padded = Arrays.copyOf(TestFrame.tcp4(1).build(), 60);
        assertFalse(open(padded));
        assertRefused(
                TestFrame.tcp4(10).build(),
                Arrays.copyOf(next(TestFrame.tcp4(10)).build(), 63));
        byte[] shortDatagram = TestFrame.udp4(20).build();
        Reference.putShort(shortDatagram, 38, 27);
        assertFalse(open(shortDatagram));
    }

    @Test
    void thereAreAtMost64Datagrams() {
        List<TestFrame> row = row(TestFrame.udp4(10), 65);
        assertMerges(row.subList(0, 64));
        assertTrue(open(row.get(0).build()));
        for (int i = 1; i < 64; i++) {
            assertFalse(coalescer.full());
            assertTrue(append(row.get(i).build()));
        }
        assertTrue(coalescer.full());
        assertFalse(append(row.get(64).build()));
        assertMerges(row(TestFrame.tcp4(10), 500));
    }

    @Test
    void aPacketHasAtMost65535Bytes() {
        int payload = (65535 - 40) / 5;
        assertEquals(65535, 40 + 5 * payload);
        List<TestFrame> row = row(TestFrame.tcp4(payload), 6);
        row.get(5).payload = new byte[1];
        assertMerges(row.subList(0, 5));
        assertEquals(65535 + 14, coalescer.length());
        assertTrue(open(row.get(0).build()));
        for (int i = 1; i < 5; i++) {
            assertTrue(append(row.get(i).build()));
        }
        assertFalse(append(row.get(5).build()));
        assertEquals(5, coalescer.close());
        TestFrame ipv6 = TestFrame.tcp6((65535 - 60) / 5 + 1);
        List<TestFrame> tooLong = row(ipv6, 5);
        assertTrue(open(tooLong.get(0).build()));
        for (int i = 1; i < 4; i++) {
            assertTrue(append(tooLong.get(i).build()));
        }
        assertFalse(append(tooLong.get(4).build()));
    }

    @Test
    void nothingIsWrittenBehindTheCapacity() {
        List<TestFrame> row = row(TestFrame.tcp4(100), 4);
        assertTrue(open(row.get(0).build(), 54 + 399));
        assertTrue(append(row.get(1).build()));
        assertTrue(append(row.get(2).build()));
        assertFalse(append(row.get(3).build()));
        assertEquals(3, coalescer.close());
        for (int i = 54 + 300; i < ROOM; i++) {
            assertEquals(DIRT, slot.getByte(SHIFT + i));
        }
        assertTrue(open(row.get(0).build(), 154));
        assertFalse(append(row.get(1).build()));
        assertTrue(open(row.get(0).build(), Integer.MAX_VALUE));
    }

    /** As the datagrams of one receive lie in one slot, each behind a VXLAN header. */
    @Test
    void segmentsThatLieBehindTheFirstAreMovedUp() {
        for (int payload : new int[] {1, 7, 50, 66, 100, 1358}) {
            List<TestFrame> row = row(TestFrame.tcp4(payload), 40);
            int stride = 54 + payload + 8;
            for (int i = 0; i < row.size(); i++) {
                slot.putBytes(SHIFT + i * stride, row.get(i).build());
            }
            layout.parse(slot, SHIFT, stride - 8);
            assertTrue(coalescer.open(slot, SHIFT, stride - 8, ROOM, layout));
            for (int i = 1; i < row.size(); i++) {
                assertTrue(coalescer.append(slot, SHIFT + i * stride, stride - 8), payload + " bytes, frame " + i);
            }
            assertEquals(40, coalescer.close());
            List<byte[]> again = Reference.segment(result(), coalescer.gsoSize());
            for (int i = 0; i < row.size(); i++) {
                assertArrayEquals(row.get(i).build(), again.get(i));
            }
        }
    }

    @Test
    void nothingIsAppendedToNothing() {
        assertFalse(append(TestFrame.tcp4(10).build()));
        assertEquals(0, coalescer.close());
        assertTrue(open(TestFrame.tcp4(10).build()));
        assertEquals(1, coalescer.close());
        assertFalse(append(next(TestFrame.tcp4(10)).build()));
        assertEquals(0, coalescer.close());
    }
}
