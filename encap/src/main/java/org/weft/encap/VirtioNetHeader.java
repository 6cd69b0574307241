package org.weft.encap;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.weft.encap.EthernetHeader.INVALID;

import org.agrona.concurrent.UnsafeBuffer;

/**
 * The {@code struct virtio_net_hdr} in front of every frame of a TAP with {@code IFF_VNET_HDR} (linux/virtio_net.h). Its
 * integers are little-endian on every host, because Weft sets {@code TUNSETVNETLE} on its devices.
 *
 * <pre>
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |     Flags     |   GSO type    |         Header length         |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |           GSO size            |        Checksum start         |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  |        Checksum offset        |
 *  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * </pre>
 */
public final class VirtioNetHeader {
    public static final int LENGTH = 10;

    /** With the offsets of a tunnel's headers ({@code struct virtio_net_hdr_v1_hash_tunnel}, Linux 6.17). */
    public static final int TUNNEL_LENGTH = 24;

    /** The checksum holds only the pseudo-header's sum: {@link #checksumStart()} and {@link #checksumOffset()} say where. */
    public static final int FLAG_NEEDS_CHECKSUM = 1;

    /** The checksum was verified. */
    public static final int FLAG_DATA_VALID = 2;

    /** The outer UDP header of a tunnel has a checksum, of which only the pseudo-header's sum is there. */
    public static final int FLAG_UDP_TUNNEL_CHECKSUM = 8;

    public static final int GSO_NONE = 0;
    public static final int GSO_TCPV4 = 1;
    /** UDP fragmentation offload: the receiver is to send IP fragments. */
    public static final int GSO_UDP = 3;

    public static final int GSO_TCPV6 = 4;
    /** UDP segmentation: datagrams of equal size. */
    public static final int GSO_UDP_L4 = 5;

    /** Or-ed to a type: the super-frame has the headers of a UDP tunnel over IPv4 in front. */
    public static final int GSO_UDP_TUNNEL_IPV4 = 0x20;

    /** Or-ed to a type: the super-frame has the headers of a UDP tunnel over IPv6 in front. */
    public static final int GSO_UDP_TUNNEL_IPV6 = 0x40;

    /** Or-ed to a TCP type: the first segment alone has CWR. */
    public static final int GSO_ECN = 0x80;

    private static final int FLAGS_OFFSET = 0;
    private static final int GSO_TYPE_OFFSET = FLAGS_OFFSET + 1;
    private static final int HEADER_LENGTH_OFFSET = GSO_TYPE_OFFSET + 1;
    private static final int GSO_SIZE_OFFSET = HEADER_LENGTH_OFFSET + 2;
    private static final int CHECKSUM_START_OFFSET = GSO_SIZE_OFFSET + 2;
    private static final int CHECKSUM_OFFSET_OFFSET = CHECKSUM_START_OFFSET + 2;

    private static final int OUTER_TRANSPORT_OFFSET = 20;
    private static final int INNER_NETWORK_OFFSET = 22;

    private UnsafeBuffer buffer;
    private int offset;

    /** {@link #LENGTH}, or {@link EthernetHeader#INVALID} if it is cut. */
    public static int check(UnsafeBuffer buffer, int offset, int length) {
        return length >= LENGTH ? LENGTH : INVALID;
    }

    /** Writes the header of a frame that asks for nothing: all zeros. */
    public static void clear(UnsafeBuffer buffer, int offset) {
        buffer.putLong(offset, 0, LITTLE_ENDIAN);
        buffer.putShort(offset + CHECKSUM_OFFSET_OFFSET, (short) 0, LITTLE_ENDIAN);
    }

    public VirtioNetHeader wrap(UnsafeBuffer buffer, int offset) {
        this.buffer = buffer;
        this.offset = offset;
        return this;
    }

    public int flags() {
        return buffer.getByte(offset + FLAGS_OFFSET) & 0xff;
    }

    public VirtioNetHeader flags(int flags) {
        buffer.putByte(offset + FLAGS_OFFSET, (byte) flags);
        return this;
    }

    public boolean needsChecksum() {
        return (flags() & FLAG_NEEDS_CHECKSUM) != 0;
    }

    public int gsoType() {
        return buffer.getByte(offset + GSO_TYPE_OFFSET) & 0xff;
    }

    public VirtioNetHeader gsoType(int gsoType) {
        buffer.putByte(offset + GSO_TYPE_OFFSET, (byte) gsoType);
        return this;
    }

    /**
     * Bytes of headers in front of the payload. A hint only: for a forwarded frame it can be that of the whole linear part, so
     * parse the headers instead.
     */
    public int headerLength() {
        return buffer.getShort(offset + HEADER_LENGTH_OFFSET, LITTLE_ENDIAN) & 0xffff;
    }

    public VirtioNetHeader headerLength(int headerLength) {
        buffer.putShort(offset + HEADER_LENGTH_OFFSET, (short) headerLength, LITTLE_ENDIAN);
        return this;
    }

    /** Payload bytes of each segment. */
    public int gsoSize() {
        return buffer.getShort(offset + GSO_SIZE_OFFSET, LITTLE_ENDIAN) & 0xffff;
    }

    public VirtioNetHeader gsoSize(int gsoSize) {
        buffer.putShort(offset + GSO_SIZE_OFFSET, (short) gsoSize, LITTLE_ENDIAN);
        return this;
    }

    /** Where summing starts, counted from the frame's first byte. */
    public int checksumStart() {
        return buffer.getShort(offset + CHECKSUM_START_OFFSET, LITTLE_ENDIAN) & 0xffff;
    }

    public VirtioNetHeader checksumStart(int checksumStart) {
        buffer.putShort(offset + CHECKSUM_START_OFFSET, (short) checksumStart, LITTLE_ENDIAN);
        return this;
    }

    /** Where the checksum is, counted from {@link #checksumStart()}. */
    public int checksumOffset() {
        return buffer.getShort(offset + CHECKSUM_OFFSET_OFFSET, LITTLE_ENDIAN) & 0xffff;
    }

    public VirtioNetHeader checksumOffset(int checksumOffset) {
        buffer.putShort(offset + CHECKSUM_OFFSET_OFFSET, (short) checksumOffset, LITTLE_ENDIAN);
        return this;
    }

    /**
     * Writes what stands behind the first {@link #LENGTH} bytes of a tunnel's header. Both offsets count from the frame's first
     * byte.
     *
     * @param outerTransport where the outer UDP header is
     * @param innerNetwork where the inner IP header is
     */
    public VirtioNetHeader tunnel(int outerTransport, int innerNetwork) {
        buffer.setMemory(offset + LENGTH, OUTER_TRANSPORT_OFFSET - LENGTH, (byte) 0);
        buffer.putShort(offset + OUTER_TRANSPORT_OFFSET, (short) outerTransport, LITTLE_ENDIAN);
        buffer.putShort(offset + INNER_NETWORK_OFFSET, (short) innerNetwork, LITTLE_ENDIAN);
        return this;
    }
}
