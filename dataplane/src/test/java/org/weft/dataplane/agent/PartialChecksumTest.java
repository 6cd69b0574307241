package org.weft.dataplane.agent;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.encap.FrameLayout;
import org.weft.encap.InternetChecksum;
import org.weft.encap.TcpHeader;
import org.weft.encap.VirtioNetHeader;
import org.weft.testing.Frames;
import org.weft.testing.IpPackets;

class PartialChecksumTest {
    private static final int MTU = 1410;
    private static final int TRANSPORT = 34;
    private static final int TCP_CHECKSUM = TRANSPORT + 16;
    private static final int UDP_CHECKSUM = TRANSPORT + 6;

    private final FrameSlab slab = new FrameSlab(1);
    private final Frame frame = new Frame();
    private final FrameLayout layout = new FrameLayout();

    private boolean restore(byte[] bytes) {
        return restore(bytes, MTU);
    }

    private boolean restore(byte[] bytes, int mtu) {
        frame.wrap(slab, 0).move(slab.offset(0) + FrameSlab.FRAME_OFFSET, bytes.length);
        frame.buffer().putBytes(frame.offset(), bytes);
        layout.parse(frame.buffer(), frame.offset(), frame.length());
        return new PartialChecksum().restore(frame, layout, mtu);
    }

    /** As the kernel fills it in (skb_checksum_help). */
    private byte[] filledIn() {
        byte[] bytes = new byte[frame.length()];
        frame.buffer().getBytes(frame.offset(), bytes);
        UnsafeBuffer buffer = new UnsafeBuffer(bytes);
        int start = frame.checksumStart();
        long sum = InternetChecksum.sum(buffer, start, bytes.length - start, 0);
        int checksum = InternetChecksum.finishNonZero(sum);
        buffer.putShort(start + frame.checksumOffset(), (short) checksum, BIG_ENDIAN);
        return bytes;
    }

    private static byte[] udp(int payload) {
        byte[] bytes = Arrays.copyOf(Frames.segment(0, payload + 8 - 32, 0), TRANSPORT + 8 + payload);
        UnsafeBuffer buffer = new UnsafeBuffer(bytes);
        buffer.putByte(23, (byte) 17);
        buffer.putShort(24, (short) 0);
        buffer.putShort(24, (short) InternetChecksum.of(buffer, 14, 20), BIG_ENDIAN);
        buffer.putShort(TRANSPORT + 4, (short) (8 + payload), BIG_ENDIAN);
        return bytes;
    }

    private static int pseudoHeader(byte[] bytes, int protocol) {
        UnsafeBuffer buffer = new UnsafeBuffer(bytes);
        int length = (buffer.getShort(16, BIG_ENDIAN) & 0xffff) - 20;
        return InternetChecksum.fold(InternetChecksum.pseudoHeaderIpv4(buffer, 14, protocol, length));
    }

    /** Makes the sum of the pseudo-header the complete and right checksum, with another payload. */
    private static byte[] ambiguous(byte[] bytes, int protocol, int checksumAt) {
        UnsafeBuffer buffer = new UnsafeBuffer(bytes);
        int length = (buffer.getShort(16, BIG_ENDIAN) & 0xffff) - 20;
        int pseudo = pseudoHeader(bytes, protocol);
        buffer.putShort(checksumAt, (short) pseudo, BIG_ENDIAN);
        buffer.putShort(TRANSPORT + length - 2, (short) 0);
        int missing = InternetChecksum.finish(InternetChecksum.sum(buffer, TRANSPORT, length, pseudo));
        buffer.putShort(TRANSPORT + length - 2, (short) missing, BIG_ENDIAN);
        assertEquals(0, InternetChecksum.finish(InternetChecksum.sum(buffer, TRANSPORT, length, pseudo)));
        return bytes;
    }

    private static byte[] partial(byte[] bytes, int protocol, int checksumAt) {
        new UnsafeBuffer(bytes).putShort(checksumAt, (short) pseudoHeader(bytes, protocol), BIG_ENDIAN);
        return bytes;
    }

    private void assertPassedOnAsItCame() {
        assertEquals(0, frame.vnetFlags());
        assertEquals(VirtioNetHeader.GSO_NONE, frame.gsoType());
    }

    @Test
    void fillingInARightChecksumThatLooksPartialChangesNothing() {
        for (int payload = 2; payload < 200; payload += 2) {
            byte[] tcp = ambiguous(Frames.segment(payload, payload, 0x10), 6, TCP_CHECKSUM);
            assertTrue(restore(tcp));
            assertArrayEquals(tcp, filledIn());
            byte[] udp = ambiguous(udp(payload + 24), 17, UDP_CHECKSUM);
            assertTrue(restore(udp));
            assertArrayEquals(udp, filledIn());
        }
    }

    /** Where 0 and 0xffff mean the same number, the kernel writes 0xffff as well. */
    @Test
    void fillingInAllOnesChangesNothing() {
        byte[] tcp = Frames.segment(0, 100, 0x10);
        UnsafeBuffer buffer = new UnsafeBuffer(tcp);
        int source = (buffer.getShort(28, BIG_ENDIAN) & 0xffff) + 0xffff - pseudoHeader(tcp, 6);
        buffer.putShort(28, (short) ((source & 0xffff) + (source >> 16)), BIG_ENDIAN);
        assertEquals(0xffff, pseudoHeader(tcp, 6));
        ambiguous(tcp, 6, TCP_CHECKSUM);
        assertTrue(restore(tcp));
        assertArrayEquals(tcp, filledIn());
    }

    @Test
    void aRightChecksumIsNotPartial() {
        assertFalse(restore(Frames.segment(0, 1000, 0x10)));
        assertPassedOnAsItCame();
    }

    @Test
    void aMissingUdpChecksumIsNotPartial() {
        assertFalse(restore(udp(1000)));
        assertPassedOnAsItCame();
    }

    @Test
    void aDatagramLongerThanTheMtuIsCutOnlyIfItsChecksumIsPartial() {
        assertFalse(restore(ambiguous(udp(2000), 17, UDP_CHECKSUM)));
        assertPassedOnAsItCame();
        assertTrue(restore(partial(udp(2000), 17, UDP_CHECKSUM)));
        assertEquals(VirtioNetHeader.GSO_UDP_L4, frame.gsoType());
    }

    @Test
    void aSegmentLongerThanTheMtuIsASuperFrameIfItsChecksumLooksPartial() {
        assertTrue(restore(partial(Frames.segment(0, 4000, 0x10), 6, TCP_CHECKSUM)));
        assertEquals(VirtioNetHeader.GSO_TCPV4, frame.gsoType());
        byte[] complete = ambiguous(Frames.segment(0, 4000, 0x10), 6, TCP_CHECKSUM);
        assertTrue(restore(complete));
        assertArrayEquals(complete, filledIn());
    }

    /** Whoever fills it in may sum up the padding as well. */
    @Test
    void aRightChecksumInFrontOfPaddingIsNotPartial() {
        byte[] padded = ambiguous(Frames.segment(0, 10, 0x10), 6, TCP_CHECKSUM);
        padded = Arrays.copyOf(padded, padded.length + 6);
        padded[padded.length - 1] = 1;
        assertFalse(restore(padded));
        assertPassedOnAsItCame();
    }

    /** Headers alone that exceed the MTU leave no room for a segment. */
    @Test
    void aPacketWhoseHeadersExceedTheMtuIsNotCut() {
        byte[] tcp = partial(Frames.segment(0, 100, 0x10), 6, TCP_CHECKSUM);
        for (int mtu : new int[] {51, 52}) {
            assertTrue(restore(tcp, mtu));
            assertEquals(VirtioNetHeader.GSO_NONE, frame.gsoType());
        }
        assertTrue(restore(tcp, 53));
        assertEquals(VirtioNetHeader.GSO_TCPV4, frame.gsoType());
        assertEquals(1, frame.gsoSize());
    }

    @Test
    void aLongPacketOverIpv6IsASuperFrame() {
        byte[] tcp = new IpPackets(Frames.DESTINATION_MAC, Frames.SOURCE_MAC)
                .tcp("fd00:99::3", 40_000, "fd00:132::2", 7777, TcpHeader.ACK);
        UnsafeBuffer buffer = new UnsafeBuffer(tcp);
        int pseudo = InternetChecksum.fold(
                InternetChecksum.pseudoHeaderIpv6(buffer, 14, TcpHeader.PROTOCOL, tcp.length - 54));
        buffer.putShort(54 + TcpHeader.CHECKSUM_OFFSET, (short) pseudo, BIG_ENDIAN);
        assertTrue(restore(tcp, 70));
        assertEquals(VirtioNetHeader.GSO_TCPV6, frame.gsoType());
        assertEquals(10, frame.gsoSize());
        assertEquals(54, frame.checksumStart());
    }
}
