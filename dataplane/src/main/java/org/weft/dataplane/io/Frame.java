package org.weft.dataplane.io;

import org.agrona.concurrent.UnsafeBuffer;
import org.weft.encap.VirtioNetHeader;

/**
 * Flyweight over one frame in a slot of a {@link FrameSlab}: the place of its bytes, and its
 * reader's findings.
 *
 * <p>A slot holds one frame, or the several datagrams that the kernel merged into one (UDP_GRO), so a ring carries
 * {@linkplain #descriptor descriptors}: slot, place and length in one number. What belongs to the whole slot lies in the
 * slot's metadata; the virtio-net fields lie in the 8 bytes in front of the frame, where its VXLAN header was or will
 * be. They are packed into 8 bytes because in a slot of merged datagrams these 8 bytes are all the
 * room that a frame has in front of it. Numbers are in host byte order; addresses are 128 bits, IPv4 as {@code ::ffff:a.b.c.d}.
 *
 * <p>One thread uses a flyweight; several threads may look at different frames of a slab, each
 * through its own.
 */
public final class Frame {
    private static final int SOURCE_HIGH_OFFSET = 0;
    private static final int SOURCE_LOW_OFFSET = SOURCE_HIGH_OFFSET + Long.BYTES;
    private static final int SOURCE_PORT_OFFSET = SOURCE_LOW_OFFSET + Long.BYTES;
    private static final int OUTER_TOS_OFFSET = SOURCE_PORT_OFFSET + Integer.BYTES;
    private static final int SEGMENT_LENGTH_OFFSET = OUTER_TOS_OFFSET + Integer.BYTES;
    private static final int FIRST_OFFSET_OFFSET = SEGMENT_LENGTH_OFFSET + Integer.BYTES;
    private static final int FIRST_LENGTH_OFFSET = FIRST_OFFSET_OFFSET + Integer.BYTES;

    /** One byte; together with the largest start it lies beyond the longest frame. */
    static final int MAX_CHECKSUM_OFFSET = 0xff;

    private static final int FLAGS_SHIFT = 56;
    private static final int GSO_TYPE_SHIFT = 48;
    private static final int GSO_SIZE_SHIFT = 32;
    private static final int CHECKSUM_START_SHIFT = 16;
    private static final int HEADERS_LENGTH_SHIFT = 8;

    private static final long LAST = 1L << 62;
    private static final int SLOT_SHIFT = 40;
    private static final int OFFSET_SHIFT = 20;
    private static final int OFFSET_MASK = 0xf_ffff;
    private static final int LENGTH_MASK = 0xf_ffff;

    private final VirtioNetHeader header = new VirtioNetHeader();
    private UnsafeBuffer buffer;
    private int slot;
    private int base;
    private int offset;
    private int length;

    /** Looks at a slot from now on, and at what its device put there. */
    public Frame wrap(FrameSlab slab, int slot) {
        this.buffer = slab.buffer();
        this.slot = slot;
        this.base = slab.offset(slot);
        this.offset = buffer.getInt(base + FIRST_OFFSET_OFFSET);
        this.length = buffer.getInt(base + FIRST_LENGTH_OFFSET);
        return this;
    }

    /** Looks at the frame of a descriptor from now on. */
    public Frame wrap(FrameSlab slab, long descriptor) {
        this.buffer = slab.buffer();
        this.slot = slot(descriptor);
        this.base = slab.offset(slot);
        this.offset = base + ((int) (descriptor >>> OFFSET_SHIFT) & OFFSET_MASK);
        this.length = length(descriptor);
        return this;
    }

    /**
     * This frame as one number.
     *
     * @param last whether whoever gets it may give the slot back afterwards
     */
    public long descriptor(boolean last) {
        return (last ? LAST : 0) | (long) slot << SLOT_SHIFT | (long) (offset - base) << OFFSET_SHIFT | length;
    }

    /** Says that the slot is to be given back, and nothing else. */
    public static long release(int slot) {
        return LAST | (long) slot << SLOT_SHIFT;
    }

    public static int slot(long descriptor) {
        return (int) (descriptor >>> SLOT_SHIFT) & 0xffff;
    }

    /** 0 for {@link #release}. */
    public static int length(long descriptor) {
        return (int) descriptor & LENGTH_MASK;
    }

    /** Whether the slot is to be given back after this frame. */
    public static boolean isLast(long descriptor) {
        return (descriptor & LAST) != 0;
    }

    public int slot() {
        return slot;
    }

    /** The slab's memory, which {@link #offset()} counts in. */
    public UnsafeBuffer buffer() {
        return buffer;
    }

    /** Offset in {@link #buffer()} of where a device puts the first byte of a frame. */
    public int start() {
        return base + FrameSlab.FRAME_OFFSET;
    }

    /** Offset in {@link #buffer()} of the first byte. */
    public int offset() {
        return offset;
    }

    public Frame offset(int offset) {
        this.offset = offset;
        buffer.putInt(base + FIRST_OFFSET_OFFSET, offset);
        return this;
    }

    /** Bytes from {@link #offset()} on. */
    public int length() {
        return length;
    }

    public Frame length(int length) {
        this.length = length;
        buffer.putInt(base + FIRST_LENGTH_OFFSET, length);
        return this;
    }

    /** Looks at another frame of the same slot; what the slot says of its first one stays. */
    public Frame move(int offset, int length) {
        this.offset = offset;
        this.length = length;
        return this;
    }

    /** Flags of the virtio-net header; see {@link org.weft.encap.VirtioNetHeader}. */
    public int vnetFlags() {
        return (int) (vnet() >>> FLAGS_SHIFT) & 0xff;
    }

    /** GSO type of the virtio-net header; 0 for a plain frame. */
    public int gsoType() {
        return (int) (vnet() >>> GSO_TYPE_SHIFT) & 0xff;
    }

    /** Payload bytes of each segment of a super-frame; 0 for a plain frame. */
    public int gsoSize() {
        return (int) (vnet() >>> GSO_SIZE_SHIFT) & 0xffff;
    }

    /** Bytes of headers up to the payload; a hint only, at most 255. */
    public int headersLength() {
        return (int) (vnet() >>> HEADERS_LENGTH_SHIFT) & 0xff;
    }

    /** Where checksumming starts, from the first byte of the Ethernet header. */
    public int checksumStart() {
        return (int) (vnet() >>> CHECKSUM_START_SHIFT) & 0xffff;
    }

    /** Where the checksum goes, from {@link #checksumStart()}. */
    public int checksumOffset() {
        return (int) vnet() & 0xff;
    }

    private long vnet() {
        return buffer.getLong(offset - Long.BYTES);
    }

    /**
     * Sets the fields of the virtio-net header together; the 8 bytes in front of the frame are theirs. A checksum offset
     * beyond {@link #MAX_CHECKSUM_OFFSET}, which no protocol has, becomes a place beyond the end of every frame.
     */
    public Frame vnet(int flags, int gsoType, int headersLength, int gsoSize, int checksumStart, int checksumOffset) {
        boolean fits = checksumOffset <= MAX_CHECKSUM_OFFSET;
        buffer.putLong(
                offset - Long.BYTES,
                (long) flags << FLAGS_SHIFT
                        | (long) gsoType << GSO_TYPE_SHIFT
                        | (long) gsoSize << GSO_SIZE_SHIFT
                        | (long) Math.min(headersLength, 0xff) << HEADERS_LENGTH_SHIFT
                        | (long) (fits ? checksumStart : 0xffff) << CHECKSUM_START_SHIFT
                        | (fits ? checksumOffset : MAX_CHECKSUM_OFFSET));
        return this;
    }

    /** Clears the fields of the virtio-net header: no super-frame, and no checksum to complete. */
    public Frame plain() {
        buffer.putLong(offset - Long.BYTES, 0);
        return this;
    }

    /**
     * Offset in {@link #buffer()} of the virtio-net header that a TAP reads and writes in front of
     * the frame.
     */
    public int headerOffset() {
        return offset - VirtioNetHeader.LENGTH;
    }

    /**
     * Sets the fields from the header at {@link #headerOffset()}, whose bytes they take the place
     * of.
     */
    public Frame takeHeader() {
        header.wrap(buffer, headerOffset());
        return vnet(
                header.flags(),
                header.gsoType(),
                header.headerLength(),
                header.gsoSize(),
                header.checksumStart(),
                header.checksumOffset());
    }

    /**
     * Writes the header at {@link #headerOffset()} from the fields, whose bytes it takes the place
     * of.
     */
    public Frame putHeader() {
        int flags = vnetFlags();
        int gsoType = gsoType();
        int headersLength = headersLength();
        int gsoSize = gsoSize();
        int checksumStart = checksumStart();
        int checksumOffset = checksumOffset();
        header.wrap(buffer, headerOffset())
                .flags(flags)
                .gsoType(gsoType)
                .headerLength(headersLength)
                .gsoSize(gsoSize)
                .checksumStart(checksumStart)
                .checksumOffset(checksumOffset);
        return this;
    }

    /** High 64 bits of the outer source address of a received datagram. */
    public long sourceHigh() {
        return buffer.getLong(base + SOURCE_HIGH_OFFSET);
    }

    /** Low 64 bits of the outer source address of a received datagram. */
    public long sourceLow() {
        return buffer.getLong(base + SOURCE_LOW_OFFSET);
    }

    /** Outer UDP source port of a received datagram. */
    public int sourcePort() {
        return buffer.getInt(base + SOURCE_PORT_OFFSET);
    }

    /** Sets where a received datagram came from. */
    public Frame source(long high, long low, int port) {
        buffer.putLong(base + SOURCE_HIGH_OFFSET, high);
        buffer.putLong(base + SOURCE_LOW_OFFSET, low);
        buffer.putInt(base + SOURCE_PORT_OFFSET, port);
        return this;
    }

    /** TOS or traffic class byte of the outer IP header of a received datagram. */
    public int outerTos() {
        return buffer.getInt(base + OUTER_TOS_OFFSET);
    }

    public Frame outerTos(int tos) {
        buffer.putInt(base + OUTER_TOS_OFFSET, tos);
        return this;
    }

    /** Length of each datagram that the kernel merged into this slot (UDP_GRO); the whole length when it did not. */
    public int segmentLength() {
        return buffer.getInt(base + SEGMENT_LENGTH_OFFSET);
    }

    public Frame segmentLength(int length) {
        buffer.putInt(base + SEGMENT_LENGTH_OFFSET, length);
        return this;
    }
}
