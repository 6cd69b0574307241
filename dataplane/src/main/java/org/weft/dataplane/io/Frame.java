package org.weft.dataplane.io;

import org.agrona.concurrent.UnsafeBuffer;

/**
 * Flyweight over one slot of a {@link FrameSlab}: where the frame's bytes are, and what its reader learned of it.
 *
 * <p>The fields lie in the slot itself, so that a slot number is all that a ring has to carry. Every device that fills
 * a slot writes every field of its direction. Numbers are in host byte order; addresses are 128 bits, IPv4 as
 * {@code ::ffff:a.b.c.d}.
 */
public final class Frame {
    private static final int OFFSET_OFFSET = 0;
    private static final int LENGTH_OFFSET = OFFSET_OFFSET + Integer.BYTES;
    private static final int VNET_FLAGS_OFFSET = LENGTH_OFFSET + Integer.BYTES;
    private static final int GSO_TYPE_OFFSET = VNET_FLAGS_OFFSET + Integer.BYTES;
    private static final int GSO_SIZE_OFFSET = GSO_TYPE_OFFSET + Integer.BYTES;
    private static final int HEADERS_LENGTH_OFFSET = GSO_SIZE_OFFSET + Integer.BYTES;
    private static final int CHECKSUM_START_OFFSET = HEADERS_LENGTH_OFFSET + Integer.BYTES;
    private static final int CHECKSUM_OFFSET_OFFSET = CHECKSUM_START_OFFSET + Integer.BYTES;
    private static final int SOURCE_HIGH_OFFSET = CHECKSUM_OFFSET_OFFSET + Integer.BYTES;
    private static final int SOURCE_LOW_OFFSET = SOURCE_HIGH_OFFSET + Long.BYTES;
    private static final int SOURCE_PORT_OFFSET = SOURCE_LOW_OFFSET + Long.BYTES;
    private static final int OUTER_TOS_OFFSET = SOURCE_PORT_OFFSET + Integer.BYTES;
    private static final int SEGMENT_LENGTH_OFFSET = OUTER_TOS_OFFSET + Integer.BYTES;

    private UnsafeBuffer buffer;
    private int slot;
    private int base;

    /** Looks at a slot from now on. */
    public Frame wrap(FrameSlab slab, int slot) {
        this.buffer = slab.buffer();
        this.slot = slot;
        this.base = slab.offset(slot);
        return this;
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
        return buffer.getInt(base + OFFSET_OFFSET);
    }

    public Frame offset(int offset) {
        buffer.putInt(base + OFFSET_OFFSET, offset);
        return this;
    }

    /** Bytes from {@link #offset()} on. */
    public int length() {
        return buffer.getInt(base + LENGTH_OFFSET);
    }

    public Frame length(int length) {
        buffer.putInt(base + LENGTH_OFFSET, length);
        return this;
    }

    /** Memory address of the first byte. */
    public long address() {
        return buffer.addressOffset() + offset();
    }

    /** Flags of the virtio-net header; see {@link org.weft.encap.VirtioNetHeader}. */
    public int vnetFlags() {
        return buffer.getInt(base + VNET_FLAGS_OFFSET);
    }

    /** GSO type of the virtio-net header; 0 for a plain frame. */
    public int gsoType() {
        return buffer.getInt(base + GSO_TYPE_OFFSET);
    }

    /** Payload bytes of each segment of a super-frame; 0 for a plain frame. */
    public int gsoSize() {
        return buffer.getInt(base + GSO_SIZE_OFFSET);
    }

    /** Bytes of headers up to the payload, as the virtio-net header says; a hint only. */
    public int headersLength() {
        return buffer.getInt(base + HEADERS_LENGTH_OFFSET);
    }

    /** Where checksumming starts, from the first byte of the Ethernet header. */
    public int checksumStart() {
        return buffer.getInt(base + CHECKSUM_START_OFFSET);
    }

    /** Where the checksum goes, from {@link #checksumStart()}. */
    public int checksumOffset() {
        return buffer.getInt(base + CHECKSUM_OFFSET_OFFSET);
    }

    /** Sets the fields of the virtio-net header together. */
    public Frame vnet(int flags, int gsoType, int headersLength, int gsoSize, int checksumStart, int checksumOffset) {
        buffer.putInt(base + VNET_FLAGS_OFFSET, flags);
        buffer.putInt(base + GSO_TYPE_OFFSET, gsoType);
        buffer.putInt(base + GSO_SIZE_OFFSET, gsoSize);
        buffer.putInt(base + HEADERS_LENGTH_OFFSET, headersLength);
        buffer.putInt(base + CHECKSUM_START_OFFSET, checksumStart);
        buffer.putInt(base + CHECKSUM_OFFSET_OFFSET, checksumOffset);
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
