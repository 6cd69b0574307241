package org.weft.encap;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static org.weft.encap.EthernetHeader.INVALID;

import org.agrona.concurrent.UnsafeBuffer;

/**
 * A UDP header (RFC 768).
 *
 * <pre>
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |          Source port          |       Destination port        |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |            Length             |     Checksum, 0: none         |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class UdpHeader {
    public static final int LENGTH = 8;
    public static final int PROTOCOL = 17;
    public static final int CHECKSUM_OFFSET = 6;

    private static final int SOURCE_PORT_OFFSET = 0;
    private static final int DESTINATION_PORT_OFFSET = SOURCE_PORT_OFFSET + 2;
    private static final int LENGTH_OFFSET = DESTINATION_PORT_OFFSET + 2;

    private UnsafeBuffer buffer;
    private int offset;

    /** {@link #LENGTH}, or {@link EthernetHeader#INVALID} if it is cut or the length field does not cover the header. */
    public static int check(UnsafeBuffer buffer, int offset, int length) {
        return length >= LENGTH && length(buffer, offset) >= LENGTH ? LENGTH : INVALID;
    }

    public static int sourcePort(UnsafeBuffer buffer, int offset) {
        return buffer.getShort(offset + SOURCE_PORT_OFFSET, BIG_ENDIAN) & 0xffff;
    }

    public static int destinationPort(UnsafeBuffer buffer, int offset) {
        return buffer.getShort(offset + DESTINATION_PORT_OFFSET, BIG_ENDIAN) & 0xffff;
    }

    public static int length(UnsafeBuffer buffer, int offset) {
        return buffer.getShort(offset + LENGTH_OFFSET, BIG_ENDIAN) & 0xffff;
    }

    public UdpHeader wrap(UnsafeBuffer buffer, int offset) {
        this.buffer = buffer;
        this.offset = offset;
        return this;
    }

    public int sourcePort() {
        return sourcePort(buffer, offset);
    }

    public UdpHeader sourcePort(int port) {
        buffer.putShort(offset + SOURCE_PORT_OFFSET, (short) port, BIG_ENDIAN);
        return this;
    }

    public int destinationPort() {
        return destinationPort(buffer, offset);
    }

    public UdpHeader destinationPort(int port) {
        buffer.putShort(offset + DESTINATION_PORT_OFFSET, (short) port, BIG_ENDIAN);
        return this;
    }

    /** Of header and payload, in bytes; the sender's claim, not checked against what was received. */
    public int length() {
        return length(buffer, offset);
    }

    public UdpHeader length(int length) {
        buffer.putShort(offset + LENGTH_OFFSET, (short) length, BIG_ENDIAN);
        return this;
    }

    public int checksum() {
        return buffer.getShort(offset + CHECKSUM_OFFSET, BIG_ENDIAN) & 0xffff;
    }

    public UdpHeader checksum(int checksum) {
        buffer.putShort(offset + CHECKSUM_OFFSET, (short) checksum, BIG_ENDIAN);
        return this;
    }
}
