package org.weft.encap;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static org.weft.encap.EthernetHeader.INVALID;

import org.agrona.concurrent.UnsafeBuffer;

/**
 * An IPv6 header (RFC 8200). {@link Ipv6ExtensionHeaders} walks what follows it.
 *
 * <pre>
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |Version| Traffic class |              Flow label               |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |        Payload length         |  Next header  |   Hop limit   |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |                   Source address, 16 bytes                    |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |                 Destination address, 16 bytes                 |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class Ipv6Header {
    public static final int LENGTH = 40;

    private static final int VERSION_OFFSET = 0;
    private static final int PAYLOAD_LENGTH_OFFSET = VERSION_OFFSET + 4;
    private static final int NEXT_HEADER_OFFSET = PAYLOAD_LENGTH_OFFSET + 2;
    private static final int HOP_LIMIT_OFFSET = NEXT_HEADER_OFFSET + 1;
    private static final int SOURCE_OFFSET = HOP_LIMIT_OFFSET + 1;
    private static final int DESTINATION_OFFSET = SOURCE_OFFSET + 16;

    private UnsafeBuffer buffer;
    private int offset;

    /** {@link #LENGTH}, or {@link EthernetHeader#INVALID} if it is cut or the version is not 6. */
    public static int check(UnsafeBuffer buffer, int offset, int length) {
        return length >= LENGTH && (buffer.getByte(offset) & 0xf0) == 0x60 ? LENGTH : INVALID;
    }

    public static int trafficClass(UnsafeBuffer buffer, int offset) {
        return buffer.getShort(offset + VERSION_OFFSET, BIG_ENDIAN) >> 4 & 0xff;
    }

    /** Changes the traffic class; no checksum covers it. */
    public static void trafficClass(UnsafeBuffer buffer, int offset, int trafficClass) {
        int rest = buffer.getShort(offset + VERSION_OFFSET, BIG_ENDIAN) & 0xf00f;
        buffer.putShort(offset + VERSION_OFFSET, (short) (rest | (trafficClass & 0xff) << 4), BIG_ENDIAN);
    }

    public static int flowLabel(UnsafeBuffer buffer, int offset) {
        return buffer.getInt(offset + VERSION_OFFSET, BIG_ENDIAN) & 0xf_ffff;
    }

    public static int payloadLength(UnsafeBuffer buffer, int offset) {
        return buffer.getShort(offset + PAYLOAD_LENGTH_OFFSET, BIG_ENDIAN) & 0xffff;
    }

    public static int nextHeader(UnsafeBuffer buffer, int offset) {
        return buffer.getByte(offset + NEXT_HEADER_OFFSET) & 0xff;
    }

    public static int hopLimit(UnsafeBuffer buffer, int offset) {
        return buffer.getByte(offset + HOP_LIMIT_OFFSET) & 0xff;
    }

    public static long sourceHigh(UnsafeBuffer buffer, int offset) {
        return buffer.getLong(offset + SOURCE_OFFSET, BIG_ENDIAN);
    }

    public static long sourceLow(UnsafeBuffer buffer, int offset) {
        return buffer.getLong(offset + SOURCE_OFFSET + 8, BIG_ENDIAN);
    }

    public static long destinationHigh(UnsafeBuffer buffer, int offset) {
        return buffer.getLong(offset + DESTINATION_OFFSET, BIG_ENDIAN);
    }

    public static long destinationLow(UnsafeBuffer buffer, int offset) {
        return buffer.getLong(offset + DESTINATION_OFFSET + 8, BIG_ENDIAN);
    }

    public Ipv6Header wrap(UnsafeBuffer buffer, int offset) {
        this.buffer = buffer;
        this.offset = offset;
        return this;
    }

    public int version() {
        return (buffer.getByte(offset + VERSION_OFFSET) & 0xff) >> 4;
    }

    /** DSCP in the high six bits, ECN in the low two. */
    public int trafficClass() {
        return trafficClass(buffer, offset);
    }

    /** 20 bits. */
    public int flowLabel() {
        return flowLabel(buffer, offset);
    }

    /** Writes version 6, traffic class and flow label, which share a word. */
    public Ipv6Header trafficClassAndFlowLabel(int trafficClass, int flowLabel) {
        int word = 6 << 28 | (trafficClass & 0xff) << 20 | flowLabel & 0xf_ffff;
        buffer.putInt(offset + VERSION_OFFSET, word, BIG_ENDIAN);
        return this;
    }

    public int payloadLength() {
        return payloadLength(buffer, offset);
    }

    public Ipv6Header payloadLength(int payloadLength) {
        buffer.putShort(offset + PAYLOAD_LENGTH_OFFSET, (short) payloadLength, BIG_ENDIAN);
        return this;
    }

    public int nextHeader() {
        return nextHeader(buffer, offset);
    }

    public Ipv6Header nextHeader(int nextHeader) {
        buffer.putByte(offset + NEXT_HEADER_OFFSET, (byte) nextHeader);
        return this;
    }

    public int hopLimit() {
        return hopLimit(buffer, offset);
    }

    public Ipv6Header hopLimit(int hopLimit) {
        buffer.putByte(offset + HOP_LIMIT_OFFSET, (byte) hopLimit);
        return this;
    }

    public long sourceHigh() {
        return sourceHigh(buffer, offset);
    }

    public long sourceLow() {
        return sourceLow(buffer, offset);
    }

    public Ipv6Header source(long high, long low) {
        buffer.putLong(offset + SOURCE_OFFSET, high, BIG_ENDIAN);
        buffer.putLong(offset + SOURCE_OFFSET + 8, low, BIG_ENDIAN);
        return this;
    }

    public long destinationHigh() {
        return destinationHigh(buffer, offset);
    }

    public long destinationLow() {
        return destinationLow(buffer, offset);
    }

    public Ipv6Header destination(long high, long low) {
        buffer.putLong(offset + DESTINATION_OFFSET, high, BIG_ENDIAN);
        buffer.putLong(offset + DESTINATION_OFFSET + 8, low, BIG_ENDIAN);
        return this;
    }
}
