package org.weft.encap.offload;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.encap.FrameLayout;
import org.weft.encap.TcpHeader;
import org.weft.encap.VirtioNetHeader;

class SegmenterTest {
    private static final int SHIFT = 74;
    private static final int TCP4 = VirtioNetHeader.GSO_TCPV4;
    private static final int TCP6 = VirtioNetHeader.GSO_TCPV6;
    private static final int UDP = VirtioNetHeader.GSO_UDP_L4;

    private final Segmenter segmenter = new Segmenter();
    private final FrameLayout layout = new FrameLayout();

    private boolean begin(byte[] frame, int gsoType, int gsoSize) {
        UnsafeBuffer buffer = new UnsafeBuffer(new byte[SHIFT + frame.length]);
        buffer.putBytes(SHIFT, frame);
        layout.parse(buffer, SHIFT, frame.length);
        return segmenter.begin(buffer, SHIFT, frame.length, layout, gsoType, gsoSize);
    }

    private static int type(TestFrame frame) {
        return frame.tcp ? frame.ipv4 ? TCP4 : TCP6 : UDP;
    }

    /** A super-frame cut, and every segment put together. */
    private List<byte[]> cut(byte[] frame, int gsoType, int gsoSize) {
        assertTrue(begin(frame, gsoType, gsoSize));
        return Segments.of(segmenter, frame, SHIFT);
    }

    private static void assertSame(List<byte[]> expected, List<byte[]> actual) {
        assertEquals(expected.size(), actual.size());
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), actual.get(i), "segment " + i);
        }
    }

    @RepeatedTest(300)
    void cutsWhatTheKernelWouldCut(RepetitionInfo round) {
        SplittableRandom random = new SplittableRandom(round.getCurrentRepetition());
        TestFrame frame = TestFrame.random(random);
        frame.flags = random.nextInt(256);
        frame.urgent = random.nextInt(0x10000);
        if (frame.ipv4) {
            frame.ipOptions = TestFrame.random(random, 4 * random.nextInt(11));
        }
        int most = 0xffff - (frame.headerLength() - frame.networkOffset());
        boolean small = random.nextInt(4) == 0;
        frame.payload = TestFrame.random(random, random.nextInt(1, small ? 300 : most + 1));
        int gsoSize = small ? random.nextInt(1, 20) : random.nextInt(200, 9000);
        int ecn = frame.tcp && random.nextBoolean() ? VirtioNetHeader.GSO_ECN : 0;
        byte[] superFrame = frame.superFrame();
        List<byte[]> segments = cut(superFrame, type(frame) | ecn, gsoSize);
        assertSame(Reference.segment(superFrame, gsoSize), segments);
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 7})
    void repeatsAsManyTagsAsTheKernel(int tags) {
        for (TestFrame frame : List.of(TestFrame.tcp4(5000), TestFrame.tcp6(5000), TestFrame.udp4(5000))) {
            frame.vlanTags = new int[tags];
            byte[] superFrame = frame.superFrame();
            assertSame(Reference.segment(superFrame, 1000), cut(superFrame, type(frame), 1000));
            frame.vlanTags = new int[8];
            assertFalse(begin(frame.superFrame(), type(frame), 1000));
        }
    }

    @RepeatedTest(60)
    void pcap4jFindsEverySegmentRight(RepetitionInfo round) {
        SplittableRandom random = new SplittableRandom(-round.getCurrentRepetition());
        TestFrame frame = TestFrame.random(random);
        frame.tcpOptions = new byte[] {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
        if (frame.ipv4) {
            frame.ipOptions = new byte[] {1, 1, 1, 0};
        }
        frame.payload = TestFrame.random(random, random.nextInt(1, 20_000));
        int gsoSize = random.nextInt(1 + frame.payload.length / 40, 3000);
        cut(frame.superFrame(), type(frame), gsoSize).forEach(Oracle::assertRight);
    }

    @Test
    void pushAndFinAreOnTheLastSegmentOnly() {
        TestFrame frame = TestFrame.tcp4(3000);
        frame.flags = TcpHeader.ACK | TcpHeader.PSH | TcpHeader.FIN | TcpHeader.ECE;
        List<byte[]> segments = cut(frame.superFrame(), TCP4, 1000);
        int flags = frame.transportOffset() + 13;
        assertEquals(TcpHeader.ACK | TcpHeader.ECE, segments.get(0)[flags]);
        assertEquals(TcpHeader.ACK | TcpHeader.ECE, segments.get(1)[flags]);
        assertEquals(frame.flags, segments.get(2)[flags]);
    }

    @Test
    void cwrIsOnTheFirstSegmentOnly() {
        TestFrame frame = TestFrame.tcp6(2500);
        frame.flags = TcpHeader.ACK | TcpHeader.CWR;
        List<byte[]> segments = cut(frame.superFrame(), TCP6 | VirtioNetHeader.GSO_ECN, 1000);
        int flags = frame.transportOffset() + 13;
        assertEquals((byte) frame.flags, segments.get(0)[flags]);
        assertEquals(TcpHeader.ACK, segments.get(1)[flags]);
        assertEquals(TcpHeader.ACK, segments.get(2)[flags]);
    }

    @Test
    void identificationAndSequenceNumberWrap() {
        TestFrame frame = TestFrame.tcp4(30);
        frame.id = 0xffff;
        frame.sequence = -10;
        List<byte[]> segments = cut(frame.superFrame(), TCP4, 10);
        assertEquals(0xffff, Reference.getShort(segments.get(0), 18));
        assertEquals(0, Reference.getShort(segments.get(1), 18));
        assertEquals(1, Reference.getShort(segments.get(2), 18));
        assertEquals(0, Reference.getShort(segments.get(1), 38));
        assertEquals(10, Reference.getShort(segments.get(2), 40));
        segments.forEach(Oracle::assertRight);
    }

    @Test
    void udpChecksumOfZeroIsWrittenAsAllOnes() {
        TestFrame frame = TestFrame.udp4(4);
        byte[] first = Reference.segment(frame.superFrame(), 2).get(0);
        int sum = Reference.getShort(frame.payload, 0) + Reference.getShort(first, 40);
        Reference.putShort(frame.payload, 0, sum + (sum >>> 16));
        byte[] segment = cut(frame.superFrame(), UDP, 2).get(0);
        assertEquals(0xffff, Reference.getShort(segment, 40));
        Oracle.assertRight(segment);
    }

    @Test
    void aSuperFrameOf64KBIsCut() {
        TestFrame frame = TestFrame.tcp4(0xffff - 40);
        List<byte[]> segments = cut(frame.superFrame(), TCP4, 1370);
        assertEquals((0xffff - 40 + 1369) / 1370, segments.size());
        assertEquals(14 + 40 + 1370, segments.get(0).length);
        assertSame(Reference.segment(frame.superFrame(), 1370), segments);
    }

    @Test
    void aSegmentMayHoldOneByte() {
        TestFrame frame = TestFrame.udp4(0xffff - 28);
        assertEquals(0xffff - 28, cut(frame.superFrame(), UDP, 1).size());
    }

    @Test
    void whatFitsOneSegmentStaysOne() {
        TestFrame frame = TestFrame.tcp4(100);
        frame.flags = TcpHeader.ACK | TcpHeader.PSH | TcpHeader.CWR;
        assertArrayEquals(frame.build(), cut(frame.superFrame(), TCP4, 100).get(0));
        assertArrayEquals(frame.build(), cut(frame.superFrame(), TCP4, 0xffff).get(0));
    }

    /** With a routing header the pseudo-header has the final destination, which only the sender's partial sum knows. */
    @Test
    void keepsTheSumOfAReroutedDestination() {
        TestFrame frame = TestFrame.tcp6(200);
        frame.firstExtension = 43;
        frame.extensions = new byte[24];
        frame.extensions[0] = TcpHeader.PROTOCOL;
        frame.extensions[1] = 2;
        frame.extensions[2] = 4;
        frame.extensions[3] = 1;
        byte[] toFinal = frame.superFrame();
        byte[] rerouted = toFinal.clone();
        rerouted[14 + 24 + 7] ^= 0x55;
        List<byte[]> expected = Reference.segment(toFinal, 100);
        List<byte[]> segments = cut(rerouted, TCP6, 100);
        int checksum = frame.transportOffset() + 16;
        for (int i = 0; i < 2; i++) {
            assertEquals(Reference.getShort(expected.get(i), checksum), Reference.getShort(segments.get(i), checksum));
        }
    }

    @Test
    void refusesWhatIsNotOfTheType() {
        byte[] tcp4 = TestFrame.tcp4(100).superFrame();
        byte[] tcp6 = TestFrame.tcp6(100).superFrame();
        byte[] udp4 = TestFrame.udp4(100).superFrame();
        assertTrue(begin(tcp4, TCP4, 10));
        assertFalse(begin(tcp4, TCP6, 10));
        assertFalse(begin(tcp4, UDP, 10));
        assertFalse(begin(tcp6, TCP4, 10));
        assertFalse(begin(udp4, TCP4, 10));
        assertFalse(begin(tcp4, VirtioNetHeader.GSO_NONE, 10));
        assertFalse(begin(udp4, VirtioNetHeader.GSO_UDP, 10));
        assertFalse(begin(tcp4, 2, 10));
        assertEquals(0, segmenter.segments());
    }

    @Test
    void refusesASizeOfZeroAndAFrameWithoutPayload() {
        assertFalse(begin(TestFrame.tcp4(100).superFrame(), TCP4, 0));
        assertFalse(begin(TestFrame.tcp4(0).superFrame(), TCP4, 10));
        assertFalse(begin(TestFrame.udp4(0).superFrame(), UDP, 10));
    }

    @Test
    void refusesFragments() {
        TestFrame frame = TestFrame.tcp4(100);
        frame.fragmentField = 0x2000;
        assertFalse(begin(frame.superFrame(), TCP4, 10));
        frame.fragmentField = 1;
        assertFalse(begin(frame.superFrame(), TCP4, 10));
        TestFrame ipv6 = TestFrame.tcp6(100);
        ipv6.firstExtension = 44;
        ipv6.extensions = new byte[] {TcpHeader.PROTOCOL, 0, 0, 1, 0, 0, 0, 0};
        assertFalse(begin(ipv6.superFrame(), TCP6, 10));
    }

    @Test
    void refusesLengthsThatDisagree() {
        for (int field : new int[] {16, 38}) {
            for (int change : new int[] {-1, 1}) {
                byte[] frame = TestFrame.udp4(100).superFrame();
                Reference.putShort(frame, field, Reference.getShort(frame, field) + change);
                assertFalse(begin(frame, UDP, 10));
            }
        }
        byte[] ipv6 = TestFrame.tcp6(100).superFrame();
        assertFalse(begin(Arrays.copyOf(ipv6, ipv6.length - 1), TCP6, 10));
        assertFalse(begin(Arrays.copyOf(ipv6, ipv6.length + 1), TCP6, 10));
    }

    @Test
    void refusesHeadersThatAreCut() {
        byte[] frame = TestFrame.tcp4(100).superFrame();
        for (int length = 0; length < frame.length; length++) {
            assertFalse(begin(Arrays.copyOf(frame, length), TCP4, 10), length + " bytes");
        }
    }

    @Test
    void refusesAnAuthenticationHeader() {
        TestFrame frame = TestFrame.tcp6(100);
        frame.firstExtension = 51;
        frame.extensions = new byte[16];
        frame.extensions[0] = TcpHeader.PROTOCOL;
        frame.extensions[1] = 2;
        assertFalse(begin(frame.superFrame(), TCP6, 10));
    }

    @Test
    void refusesHeadersLongerThanItPromises() {
        TestFrame frame = TestFrame.tcp6(100);
        frame.firstExtension = 60;
        frame.extensions = new byte[Segmenter.MAX_HEADER_LENGTH - 74 + 8 & -8];
        frame.extensions[0] = TcpHeader.PROTOCOL;
        frame.extensions[1] = (byte) (frame.extensions.length / 8 - 1);
        assertFalse(begin(frame.superFrame(), TCP6, 10));
    }

    @Test
    void writesTheHeadersOfARunWithWhatIsInFrontOfTheFrame() {
        int gsoSize = 100;
        byte[] frame = TestFrame.tcp4(10 * gsoSize).superFrame();
        List<byte[]> expected = cut(frame, TCP4, gsoSize);
        UnsafeBuffer buffer = new UnsafeBuffer(new byte[SHIFT + frame.length]);
        buffer.putBytes(SHIFT, frame);
        buffer.putLong(SHIFT - Long.BYTES, 0x0102_0304_0506_0708L);
        layout.parse(buffer, SHIFT, frame.length);
        assertTrue(segmenter.begin(buffer, SHIFT, frame.length, layout, TCP4, gsoSize));
        int header = segmenter.headerLength();
        int stride = Long.BYTES + header + 5;
        UnsafeBuffer arena = new UnsafeBuffer(new byte[3 + 6 * stride]);
        segmenter.writeHeaders(4, 6, Long.BYTES, arena, 3, stride);
        for (int i = 0; i < 6; i++) {
            int at = 3 + i * stride;
            assertEquals(0x0102_0304_0506_0708L, arena.getLong(at));
            byte[] written = new byte[header];
            arena.getBytes(at + Long.BYTES, written);
            assertArrayEquals(Arrays.copyOf(expected.get(4 + i), header), written);
            assertEquals(0, arena.getByte(at + Long.BYTES + header));
        }
        assertEquals(4 * gsoSize, segmenter.payloadLength(4, 4));
        assertThrows(
                IndexOutOfBoundsException.class, () -> segmenter.writeHeaders(4, 6, Long.BYTES, arena, 3 + 6, stride));
    }
}
