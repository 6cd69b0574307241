package org.weft.dataplane.table;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.agrona.BitUtil;
import org.agrona.BufferUtil;

/**
 * Off-heap memory for {@link Slots}: blocks that tables take and give back. All methods are thread-safe.
 *
 * <p>The memory of a block is never unmapped while anything may still read it, and it holds nothing but slots for ever.
 * So a reader that is late, in a table that has given its block back, reads the slots of another table at worst, and
 * {@link Slots} tells it so. That is all that memory reclamation needs here: no reader registers anywhere, marks turns,
 * or pins what it reads, and a forgotten reader cannot crash the process. The price is that memory stays with the
 * process for the next table. It cannot grow under churn, because every block is used again before a new one is made,
 * and the blocks come in a few sizes.
 *
 * <p>The version of a slot survives in a block from one table to the next, so it only ever grows.
 */
final class SlotMemory {
    /**
     * How long Weft asks for no new block after the JVM had no memory for one. A question makes the
     * JVM collect garbage and wait for half a second.
     */
    private static final long RESPITE_NANOS = TimeUnit.SECONDS.toNanos(60);

    private static final Map<Integer, Deque<ByteBuffer>> IDLE = new HashMap<>();

    private static boolean exhausted;
    private static long exhaustedNanos;
    private static long idleBytes;
    private static boolean poisoned;
    private static boolean refusing;

    private SlotMemory() {}

    /**
     * A block of unused slots, or null if there is no memory for it. May wait for half a second, so
     * packet threads must not call it.
     */
    static ByteBuffer take(int capacity) {
        ByteBuffer idle = takeIdle(capacity);
        if (idle != null) {
            Slots.wipe(idle, capacity);
            return idle;
        }
        return allocate(capacity);
    }

    private static synchronized ByteBuffer takeIdle(int capacity) {
        Deque<ByteBuffer> blocks = IDLE.get(capacity);
        ByteBuffer block = refusing || blocks == null ? null : blocks.pollLast();
        if (block != null) {
            idleBytes -= block.capacity();
        }
        return block;
    }

    private static ByteBuffer allocate(int capacity) {
        synchronized (SlotMemory.class) {
            if (refusing || exhausted && System.nanoTime() - exhaustedNanos < RESPITE_NANOS) {
                return null;
            }
            exhausted = false;
        }
        try {
            return BufferUtil.allocateDirectAligned(capacity * Slots.LENGTH, BitUtil.CACHE_LINE_LENGTH);
        } catch (OutOfMemoryError noRoom) {
            synchronized (SlotMemory.class) {
                exhausted = true;
                exhaustedNanos = System.nanoTime();
            }
            return null;
        }
    }

    /** Takes a block back. Nothing may write to it any more; late readers may still read. */
    static void giveBack(ByteBuffer block) {
        int capacity = block.capacity() / Slots.LENGTH;
        if (poisoned) {
            Slots.poison(block, capacity);
        }
        synchronized (SlotMemory.class) {
            IDLE.computeIfAbsent(capacity, same -> new ArrayDeque<>()).addLast(block);
            idleBytes += block.capacity();
        }
    }

    /** Memory that no table uses now. */
    static synchronized long idleBytes() {
        return idleBytes;
    }

    /** For tests: whether there is no memory for new blocks, and no block that was given back. */
    static synchronized void refuse(boolean refuse) {
        refusing = refuse;
    }

    /** For tests: whether blocks that come back are filled with entries of no table, so that a late read shows. */
    static void poison(boolean fill) {
        poisoned = fill;
    }
}
