package org.weft.encap;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static org.weft.encap.EthernetHeader.INVALID;

import org.agrona.concurrent.UnsafeBuffer;

/**
 * An IPv4 header (RFC 791).
 *
 * <pre>
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |Version|  IHL  |      TOS      |         Total length          |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |        Identification         |0|D|M|     Fragment offset     |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |      TTL      |   Protocol    |           Checksum            |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |                        Source address                         |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |                      Destination address                      |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |                      Options, 0 to 40 bytes                   |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class Ipv4Header {
    /** Length without options. */
    public static final int LENGTH = 20;

    public static final int MAX_LENGTH = 60;

    public static final int DONT_FRAGMENT = 0x4000;
    public static final int MORE_FRAGMENTS = 0x2000;

    private static final int FRAGMENT_OFFSET_MASK = 0x1fff;

    private static final int VERSION_OFFSET = 0;
    private static final int TOS_OFFSET = VERSION_OFFSET + 1;
    private static final int TOTAL_LENGTH_OFFSET = TOS_OFFSET + 1;
    private static final int IDENTIFICATION_OFFSET = TOTAL_LENGTH_OFFSET + 2;
    private static final int FRAGMENT_OFFSET = IDENTIFICATION_OFFSET + 2;
    private static final int TTL_OFFSET = FRAGMENT_OFFSET + 2;
    private static final int PROTOCOL_OFFSET = TTL_OFFSET + 1;
    private static final int CHECKSUM_OFFSET = PROTOCOL_OFFSET + 1;
    private static final int SOURCE_OFFSET = CHECKSUM_OFFSET + 2;
    private static final int DESTINATION_OFFSET = SOURCE_OFFSET + 4;

    private UnsafeBuffer buffer;
    private int offset;

    /**
     * The length of the header with options, 20 to 60, or {@link EthernetHeader#INVALID} if it is cut or its version or IHL
     * is wrong. The checksum and the total length are left to the caller.
     */
    public static int check(UnsafeBuffer buffer, int offset, int length) {
        if (length < LENGTH) {
            return INVALID;
        }
        int headerLength = headerLength(buffer, offset);
        boolean valid = buffer.getByte(offset) >> 4 == 4 && headerLength >= LENGTH && headerLength <= length;
        return valid ? headerLength : INVALID;
    }

    /** In bytes, options included. */
    public static int headerLength(UnsafeBuffer buffer, int offset) {
        return (buffer.getByte(offset + VERSION_OFFSET) & 0xf) << 2;
    }

    public static int tos(UnsafeBuffer buffer, int offset) {
        return buffer.getByte(offset + TOS_OFFSET) & 0xff;
    }

    public static int totalLength(UnsafeBuffer buffer, int offset) {
        return buffer.getShort(offset + TOTAL_LENGTH_OFFSET, BIG_ENDIAN) & 0xffff;
    }

    /** {@link #DONT_FRAGMENT}, {@link #MORE_FRAGMENTS} and the offset in units of 8 bytes. */
    public static int fragmentField(UnsafeBuffer buffer, int offset) {
        return buffer.getShort(offset + FRAGMENT_OFFSET, BIG_ENDIAN) & 0xffff;
    }

    public static int identification(UnsafeBuffer buffer, int offset) {
        return buffer.getShort(offset + IDENTIFICATION_OFFSET, BIG_ENDIAN) & 0xffff;
    }

    public static int ttl(UnsafeBuffer buffer, int offset) {
        return buffer.getByte(offset + TTL_OFFSET) & 0xff;
    }

    public static int protocol(UnsafeBuffer buffer, int offset) {
        return buffer.getByte(offset + PROTOCOL_OFFSET) & 0xff;
    }

    public static int sourceAddress(UnsafeBuffer buffer, int offset) {
        return buffer.getInt(offset + SOURCE_OFFSET, BIG_ENDIAN);
    }

    public static int destinationAddress(UnsafeBuffer buffer, int offset) {
        return buffer.getInt(offset + DESTINATION_OFFSET, BIG_ENDIAN);
    }

    /** Changes the TOS and keeps the checksum right, or wrong if it was (RFC 1624). */
    public static void changeTos(UnsafeBuffer buffer, int offset, int tos) {
        int oldWord = buffer.getShort(offset, BIG_ENDIAN) & 0xffff;
        int newWord = oldWord & 0xff00 | tos & 0xff;
        int checksum = buffer.getShort(offset + CHECKSUM_OFFSET, BIG_ENDIAN) & 0xffff;
        buffer.putByte(offset + TOS_OFFSET, (byte) tos);
        buffer.putShort(
                offset + CHECKSUM_OFFSET, (short) InternetChecksum.update(checksum, oldWord, newWord), BIG_ENDIAN);
    }

    public Ipv4Header wrap(UnsafeBuffer buffer, int offset) {
        this.buffer = buffer;
        this.offset = offset;
        return this;
    }

    public int version() {
        return (buffer.getByte(offset + VERSION_OFFSET) & 0xff) >> 4;
    }

    /** In bytes, options included. */
    public int headerLength() {
        return headerLength(buffer, offset);
    }

    /** Writes version 4 and the length in bytes, a multiple of 4. */
    public Ipv4Header headerLength(int headerLength) {
        buffer.putByte(offset + VERSION_OFFSET, (byte) (0x40 | headerLength >> 2));
        return this;
    }

    /** DSCP in the high six bits, ECN in the low two. */
    public int tos() {
        return tos(buffer, offset);
    }

    public Ipv4Header tos(int tos) {
        buffer.putByte(offset + TOS_OFFSET, (byte) tos);
        return this;
    }

    public int totalLength() {
        return totalLength(buffer, offset);
    }

    public Ipv4Header totalLength(int totalLength) {
        buffer.putShort(offset + TOTAL_LENGTH_OFFSET, (short) totalLength, BIG_ENDIAN);
        return this;
    }

    public int identification() {
        return identification(buffer, offset);
    }

    public Ipv4Header identification(int identification) {
        buffer.putShort(offset + IDENTIFICATION_OFFSET, (short) identification, BIG_ENDIAN);
        return this;
    }

    public boolean dontFragment() {
        return (fragmentField(buffer, offset) & DONT_FRAGMENT) != 0;
    }

    public boolean moreFragments() {
        return (fragmentField(buffer, offset) & MORE_FRAGMENTS) != 0;
    }

    /** In bytes. */
    public int fragmentOffset() {
        return (fragmentField(buffer, offset) & FRAGMENT_OFFSET_MASK) << 3;
    }

    /** Whether this is a part of a packet, the first included. */
    public boolean isFragment() {
        return isFragment(fragmentField(buffer, offset));
    }

    static boolean isFragment(int fragmentField) {
        return (fragmentField & (MORE_FRAGMENTS | FRAGMENT_OFFSET_MASK)) != 0;
    }

    static boolean isLaterFragment(int fragmentField) {
        return (fragmentField & FRAGMENT_OFFSET_MASK) != 0;
    }

    /** Writes flags ({@link #DONT_FRAGMENT}, {@link #MORE_FRAGMENTS}) and offset in bytes, a multiple of 8. */
    public Ipv4Header fragment(int flags, int fragmentOffset) {
        buffer.putShort(offset + FRAGMENT_OFFSET, (short) (flags | fragmentOffset >> 3), BIG_ENDIAN);
        return this;
    }

    public int ttl() {
        return ttl(buffer, offset);
    }

    public Ipv4Header ttl(int ttl) {
        buffer.putByte(offset + TTL_OFFSET, (byte) ttl);
        return this;
    }

    public int protocol() {
        return protocol(buffer, offset);
    }

    public Ipv4Header protocol(int protocol) {
        buffer.putByte(offset + PROTOCOL_OFFSET, (byte) protocol);
        return this;
    }

    public int checksum() {
        return buffer.getShort(offset + CHECKSUM_OFFSET, BIG_ENDIAN) & 0xffff;
    }

    public Ipv4Header checksum(int checksum) {
        buffer.putShort(offset + CHECKSUM_OFFSET, (short) checksum, BIG_ENDIAN);
        return this;
    }

    /** Computes the checksum over the header with its options; write every other field first. */
    public Ipv4Header updateChecksum() {
        checksum(0);
        return checksum(InternetChecksum.of(buffer, offset, headerLength()));
    }

    public boolean isChecksumValid() {
        return InternetChecksum.of(buffer, offset, headerLength()) == 0;
    }

    public int sourceAddress() {
        return sourceAddress(buffer, offset);
    }

    public Ipv4Header sourceAddress(int address) {
        buffer.putInt(offset + SOURCE_OFFSET, address, BIG_ENDIAN);
        return this;
    }

    public int destinationAddress() {
        return destinationAddress(buffer, offset);
    }

    public Ipv4Header destinationAddress(int address) {
        buffer.putInt(offset + DESTINATION_OFFSET, address, BIG_ENDIAN);
        return this;
    }
}
