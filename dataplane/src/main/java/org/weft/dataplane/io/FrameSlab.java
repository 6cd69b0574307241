package org.weft.dataplane.io;

import java.util.Arrays;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Off-heap slots that frames live in from the read to the write, without being copied in between.
 *
 * <pre>
 *   slot:  | metadata 128 | headroom 64 | frame, up to 65,664 bytes ... |
 * </pre>
 *
 * A slot has one owner at a time: the agent that claimed it, then whoever holds its number (a ring descriptor).
 * {@link #claim()} and {@link #release(int)} belong to the one thread that owns the slab; slots come back to that
 * thread through a ring when another one finished with them. Free slots are recycled last in, first out, so that the
 * memory in flight stays in the cache.
 */
public final class FrameSlab implements AutoCloseable {
    /** Bytes in front of the frame that {@link Frame} keeps its fields in. */
    public static final int METADATA_LENGTH = 128;

    /** Bytes in front of a frame as read that headers may be written into. */
    public static final int HEADROOM = 64;

    /** Offset of a frame from the start of its slot, as read. */
    public static final int FRAME_OFFSET = METADATA_LENGTH + HEADROOM;

    /** The longest frame: a 64 KB IP packet, its Ethernet header with seven VLAN tags, and some slack. */
    public static final int MAX_FRAME_LENGTH = 65_664;

    /** No slot is free. */
    public static final int NONE = -1;

    /** An odd number of cache lines, so that the same byte of neighbouring slots falls into different cache sets. */
    private static final int SLOT_LENGTH = FRAME_OFFSET + MAX_FRAME_LENGTH;

    private final OffHeap memory;
    private final UnsafeBuffer buffer;
    private final int[] free;
    private int freeCount;

    /** @param slots how many frames can be under way at once. */
    public FrameSlab(int slots) {
        memory = OffHeap.takeUnwritten(Math.multiplyExact(slots, SLOT_LENGTH));
        buffer = memory.buffer();
        free = new int[slots];
        Arrays.setAll(free, i -> slots - 1 - i);
        freeCount = slots;
    }

    /** All slots; offsets from {@link #offset(int)}. */
    public UnsafeBuffer buffer() {
        return buffer;
    }

    public int slots() {
        return free.length;
    }

    public int freeSlots() {
        return freeCount;
    }

    /** Offset of a slot's first byte in {@link #buffer()}. */
    public int offset(int slot) {
        return slot * SLOT_LENGTH;
    }

    /** Takes a free slot, or returns {@link #NONE}. Its contents are those of the frame before. */
    public int claim() {
        return freeCount == 0 ? NONE : free[--freeCount];
    }

    /** Gives a slot back; it must have been claimed, and by nobody released since. */
    public void release(int slot) {
        free[freeCount++] = slot;
    }

    /** Gives the memory back, once no agent uses a slot any more. */
    @Override
    public void close() {
        memory.close();
    }
}
