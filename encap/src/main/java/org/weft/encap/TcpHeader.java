package org.weft.encap;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static org.weft.encap.EthernetHeader.INVALID;

import org.agrona.concurrent.UnsafeBuffer;

/**
 * A TCP header (RFC 9293).
 *
 * <pre>
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |          Source port          |       Destination port        |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |                        Sequence number                        |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |                     Acknowledgment number                     |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  | Data  |     |N|C|E|U|A|P|R|S|F|                               |
 *  |offset | rsv |S|W|C|R|C|S|S|Y|I|            Window             |
 *  |       |     | |R|E|G|K|H|T|N|N|                               |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |           Checksum            |        Urgent pointer         |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |                     Options, 0 to 40 bytes                    |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class TcpHeader {
    /** Length without options. */
    public static final int LENGTH = 20;

    public static final int PROTOCOL = 6;
    public static final int CHECKSUM_OFFSET = 16;

    public static final int FIN = 0x001;
    public static final int SYN = 0x002;
    public static final int RST = 0x004;
    public static final int PSH = 0x008;
    public static final int ACK = 0x010;
    public static final int URG = 0x020;
    public static final int ECE = 0x040;
    public static final int CWR = 0x080;
    /** The nonce sum of RFC 3540; accurate ECN names it AE. */
    public static final int NS = 0x100;

    private static final int SOURCE_PORT_OFFSET = 0;
    private static final int DESTINATION_PORT_OFFSET = SOURCE_PORT_OFFSET + 2;
    private static final int SEQUENCE_OFFSET = DESTINATION_PORT_OFFSET + 2;
    private static final int ACKNOWLEDGMENT_OFFSET = SEQUENCE_OFFSET + 4;
    private static final int DATA_OFFSET_OFFSET = ACKNOWLEDGMENT_OFFSET + 4;
    private static final int WINDOW_OFFSET = DATA_OFFSET_OFFSET + 2;
    private static final int URGENT_OFFSET = CHECKSUM_OFFSET + 2;

    private UnsafeBuffer buffer;
    private int offset;

    /** The length with options, 20 to 60, or {@link EthernetHeader#INVALID} if it is cut or the data offset is wrong. */
    public static int check(UnsafeBuffer buffer, int offset, int length) {
        if (length < LENGTH) {
            return INVALID;
        }
        int headerLength = headerLength(buffer, offset);
        return headerLength >= LENGTH && headerLength <= length ? headerLength : INVALID;
    }

    /** In bytes, options included. */
    public static int headerLength(UnsafeBuffer buffer, int offset) {
        return (buffer.getByte(offset + DATA_OFFSET_OFFSET) & 0xf0) >> 2;
    }

    /** The nine flags, {@link #FIN} to {@link #NS}. */
    public static int flags(UnsafeBuffer buffer, int offset) {
        return buffer.getShort(offset + DATA_OFFSET_OFFSET, BIG_ENDIAN) & 0x1ff;
    }

    public TcpHeader wrap(UnsafeBuffer buffer, int offset) {
        this.buffer = buffer;
        this.offset = offset;
        return this;
    }

    public int sourcePort() {
        return buffer.getShort(offset + SOURCE_PORT_OFFSET, BIG_ENDIAN) & 0xffff;
    }

    public TcpHeader sourcePort(int port) {
        buffer.putShort(offset + SOURCE_PORT_OFFSET, (short) port, BIG_ENDIAN);
        return this;
    }

    public int destinationPort() {
        return buffer.getShort(offset + DESTINATION_PORT_OFFSET, BIG_ENDIAN) & 0xffff;
    }

    public TcpHeader destinationPort(int port) {
        buffer.putShort(offset + DESTINATION_PORT_OFFSET, (short) port, BIG_ENDIAN);
        return this;
    }

    /** All 32 bits; use unsigned comparison. */
    public int sequenceNumber() {
        return buffer.getInt(offset + SEQUENCE_OFFSET, BIG_ENDIAN);
    }

    public TcpHeader sequenceNumber(int sequenceNumber) {
        buffer.putInt(offset + SEQUENCE_OFFSET, sequenceNumber, BIG_ENDIAN);
        return this;
    }

    /** All 32 bits; use unsigned comparison. */
    public int acknowledgmentNumber() {
        return buffer.getInt(offset + ACKNOWLEDGMENT_OFFSET, BIG_ENDIAN);
    }

    public TcpHeader acknowledgmentNumber(int acknowledgmentNumber) {
        buffer.putInt(offset + ACKNOWLEDGMENT_OFFSET, acknowledgmentNumber, BIG_ENDIAN);
        return this;
    }

    /** In bytes, options included. */
    public int headerLength() {
        return headerLength(buffer, offset);
    }

    public int optionsLength() {
        return headerLength() - LENGTH;
    }

    /** The nine flags, {@link #FIN} to {@link #NS}. */
    public int flags() {
        return flags(buffer, offset);
    }

    /** Writes the length in bytes, a multiple of 4, reserved bits 0, and the nine flags. */
    public TcpHeader headerLengthAndFlags(int headerLength, int flags) {
        buffer.putShort(offset + DATA_OFFSET_OFFSET, (short) (headerLength << 10 | flags & 0x1ff), BIG_ENDIAN);
        return this;
    }

    /** Unscaled. */
    public int window() {
        return buffer.getShort(offset + WINDOW_OFFSET, BIG_ENDIAN) & 0xffff;
    }

    public TcpHeader window(int window) {
        buffer.putShort(offset + WINDOW_OFFSET, (short) window, BIG_ENDIAN);
        return this;
    }

    public int checksum() {
        return buffer.getShort(offset + CHECKSUM_OFFSET, BIG_ENDIAN) & 0xffff;
    }

    public TcpHeader checksum(int checksum) {
        buffer.putShort(offset + CHECKSUM_OFFSET, (short) checksum, BIG_ENDIAN);
        return this;
    }

    public int urgentPointer() {
        return buffer.getShort(offset + URGENT_OFFSET, BIG_ENDIAN) & 0xffff;
    }

    public TcpHeader urgentPointer(int urgentPointer) {
        buffer.putShort(offset + URGENT_OFFSET, (short) urgentPointer, BIG_ENDIAN);
        return this;
    }
}
