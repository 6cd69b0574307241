package org.weft.dataplane.io;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.agrona.BitUtil;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Memory off the heap with one owner, such as an agent's buffers. The collector would find it too late: the packets' way
 * makes no garbage, so the collector rarely runs, and the memory of VTEPs that come and go would add up.
 *
 * <p>Closed, it serves for the next of the same length, and is never unmapped; the lengths are constants of a few
 * classes. The owner closes it when no thread uses it any more. {@link #buffer()} is empty from then on, so that a later
 * access throws, and changes nothing that belongs to another owner. Take and close are thread-safe.
 */
public final class OffHeap implements AutoCloseable {
    private static final int PAGE_LENGTH = 4096;
    private static final byte[] NOTHING = {};
    private static final Map<Integer, Deque<ByteBuffer>> IDLE = new HashMap<>();

    private final UnsafeBuffer buffer;
    private ByteBuffer memory;

    private OffHeap(ByteBuffer memory) {
        this.memory = memory;
        this.buffer = new UnsafeBuffer(memory);
    }

    /**
     * Takes zeroed memory, aligned to a page, or to a cache line if it is shorter than one.
     *
     * @throws OutOfMemoryError if there is none
     */
    public static OffHeap take(int length) {
        ByteBuffer idle;
        synchronized (IDLE) {
            Deque<ByteBuffer> blocks = IDLE.get(length);
            idle = blocks == null ? null : blocks.pollLast();
        }
        if (idle == null) {
            int alignment = length < PAGE_LENGTH ? BitUtil.CACHE_LINE_LENGTH : PAGE_LENGTH;
            return new OffHeap(BufferUtil.allocateDirectAligned(length, alignment));
        }
        OffHeap again = new OffHeap(idle);
        again.buffer.setMemory(0, length, (byte) 0);
        return again;
    }

    /** The memory; the same object each time. Keep this object as long as its address is in use. */
    public UnsafeBuffer buffer() {
        return buffer;
    }

    /** Gives the memory back; again, it does nothing. */
    @Override
    public synchronized void close() {
        if (memory == null) {
            return;
        }
        buffer.wrap(NOTHING);
        synchronized (IDLE) {
            IDLE.computeIfAbsent(memory.capacity(), same -> new ArrayDeque<>()).addLast(memory);
        }
        memory = null;
    }
}
