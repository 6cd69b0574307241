package org.weft.encap;

import static java.nio.ByteOrder.BIG_ENDIAN;

import org.agrona.concurrent.UnsafeBuffer;

/**
 * An Ethernet II header with up to seven VLAN tags (802.1Q, 802.1ad).
 *
 * <pre>
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |                         Destination                           |
 *  +                               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |                               |            Source             |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+                               +
 *  |                                                               |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |  EtherType, or TPID of a tag  |  tag only: PCP, DEI, VLAN id  |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class EthernetHeader {
    /** Length without tags. */
    public static final int LENGTH = 14;

    public static final int TAG_LENGTH = 4;

    /** As many tags as the kernel looks behind when it cuts a super-frame; it refuses VLAN_MAX_DEPTH, 8, of them. */
    public static final int MAX_TAGS = 7;

    /** What every {@code check} of this package answers for bytes that are not such a header. */
    public static final int INVALID = -1;

    public static final int ETHERTYPE_IPV4 = 0x0800;
    public static final int ETHERTYPE_ARP = 0x0806;
    public static final int ETHERTYPE_IPV6 = 0x86dd;
    public static final int ETHERTYPE_8021Q = 0x8100;
    public static final int ETHERTYPE_8021AD = 0x88a8;

    private static final int DESTINATION_OFFSET = 0;
    private static final int SOURCE_OFFSET = DESTINATION_OFFSET + MacAddress.LENGTH;
    private static final int ETHERTYPE_OFFSET = SOURCE_OFFSET + MacAddress.LENGTH;
    private static final int TCI_OFFSET = ETHERTYPE_OFFSET + 2;

    private UnsafeBuffer buffer;
    private int offset;
    private int headerLength;

    /**
     * The length of the header with its tags: 14, and 4 for each tag, or {@link #INVALID}. A tag that is cut off, or one
     * more than {@link #MAX_TAGS}, is payload.
     */
    public static int check(UnsafeBuffer buffer, int offset, int length) {
        if (length < LENGTH) {
            return INVALID;
        }
        int headerLength = LENGTH;
        while (headerLength < LENGTH + MAX_TAGS * TAG_LENGTH
                && headerLength + TAG_LENGTH <= length
                && isTag(payloadEtherType(buffer, offset, headerLength))) {
            headerLength += TAG_LENGTH;
        }
        return headerLength;
    }

    public static long destination(UnsafeBuffer buffer, int offset) {
        return mac(buffer, offset + DESTINATION_OFFSET);
    }

    public static long source(UnsafeBuffer buffer, int offset) {
        return mac(buffer, offset + SOURCE_OFFSET);
    }

    public static void destination(UnsafeBuffer buffer, int offset, long mac) {
        putMac(buffer, offset + DESTINATION_OFFSET, mac);
    }

    public static void source(UnsafeBuffer buffer, int offset, long mac) {
        putMac(buffer, offset + SOURCE_OFFSET, mac);
    }

    /** The field behind the addresses; of a tagged frame the first tag's protocol identifier. */
    public static int etherType(UnsafeBuffer buffer, int offset) {
        return buffer.getShort(offset + ETHERTYPE_OFFSET, BIG_ENDIAN) & 0xffff;
    }

    /** The field behind the tags; {@code headerLength} is what {@link #check} answered. */
    public static int payloadEtherType(UnsafeBuffer buffer, int offset, int headerLength) {
        return buffer.getShort(offset + headerLength - 2, BIG_ENDIAN) & 0xffff;
    }

    /** Writes an untagged header. */
    public static void put(UnsafeBuffer buffer, int offset, long destination, long source, int etherType) {
        putMac(buffer, offset + DESTINATION_OFFSET, destination);
        putMac(buffer, offset + SOURCE_OFFSET, source);
        buffer.putShort(offset + ETHERTYPE_OFFSET, (short) etherType, BIG_ENDIAN);
    }

    /** Reads six bytes. */
    static long mac(UnsafeBuffer buffer, int index) {
        return (buffer.getInt(index, BIG_ENDIAN) & 0xffff_ffffL) << 16
                | buffer.getShort(index + 4, BIG_ENDIAN) & 0xffffL;
    }

    /** Writes six bytes. */
    static void putMac(UnsafeBuffer buffer, int index, long mac) {
        buffer.putInt(index, (int) (mac >>> 16), BIG_ENDIAN);
        buffer.putShort(index + 4, (short) mac, BIG_ENDIAN);
    }

    /** Whether a VLAN tag follows, and behind it another EtherType. */
    static boolean isTag(int etherType) {
        return etherType == ETHERTYPE_8021Q || etherType == ETHERTYPE_8021AD;
    }

    /** An untagged header, or one whose tags do not matter. */
    public EthernetHeader wrap(UnsafeBuffer buffer, int offset) {
        return wrap(buffer, offset, LENGTH);
    }

    /** A header with as many tags as {@code headerLength}, which {@link #check} answered, says. */
    public EthernetHeader wrap(UnsafeBuffer buffer, int offset, int headerLength) {
        this.buffer = buffer;
        this.offset = offset;
        this.headerLength = headerLength;
        return this;
    }

    public long destination() {
        return destination(buffer, offset);
    }

    public EthernetHeader destination(long mac) {
        putMac(buffer, offset + DESTINATION_OFFSET, mac);
        return this;
    }

    public long source() {
        return source(buffer, offset);
    }

    public EthernetHeader source(long mac) {
        putMac(buffer, offset + SOURCE_OFFSET, mac);
        return this;
    }

    public int tagCount() {
        return (headerLength - LENGTH) / TAG_LENGTH;
    }

    /** Protocol identifier of a tag; {@code index} counts from the outermost, below {@link #tagCount()}. */
    public int tagProtocol(int index) {
        return buffer.getShort(offset + ETHERTYPE_OFFSET + index * TAG_LENGTH, BIG_ENDIAN) & 0xffff;
    }

    /** Tag control information: 3 bits priority, drop eligible, 12 bits VLAN id. */
    public int tagControl(int index) {
        return buffer.getShort(offset + TCI_OFFSET + index * TAG_LENGTH, BIG_ENDIAN) & 0xffff;
    }

    /** Writes one of the tags that {@code wrap} made room for. */
    public EthernetHeader tag(int index, int protocol, int control) {
        buffer.putShort(offset + ETHERTYPE_OFFSET + index * TAG_LENGTH, (short) protocol, BIG_ENDIAN);
        buffer.putShort(offset + TCI_OFFSET + index * TAG_LENGTH, (short) control, BIG_ENDIAN);
        return this;
    }

    /** What the payload is: the field behind the tags. */
    public int etherType() {
        return payloadEtherType(buffer, offset, headerLength);
    }

    public EthernetHeader etherType(int etherType) {
        buffer.putShort(offset + headerLength - 2, (short) etherType, BIG_ENDIAN);
        return this;
    }

    /** Where the payload begins in the buffer. */
    public int payloadOffset() {
        return offset + headerLength;
    }
}
