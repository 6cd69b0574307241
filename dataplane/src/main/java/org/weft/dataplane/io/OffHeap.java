package org.weft.dataplane.io;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.agrona.BitUtil;
import org.agrona.UnsafeApi;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Memory off the heap with one owner, such as an agent's buffers. The collector would find it too late: the packets' way
 * makes no garbage, so the collector rarely runs, and the memory of VTEPs that come and go would add up.
 *
 * <p>Closed, it serves for the next of the same length, and is never unmapped; the lengths are constants of a few
 * classes. The owner closes it when no thread uses it any more. {@link #buffer()} is empty from then on, so that a later
 * access throws, and changes nothing that belongs to another owner. What is not closed is lost. Take and close are thread-safe.
 */
public final class OffHeap implements AutoCloseable {
    private static final int PAGE_LENGTH = 4096;
    private static final byte[] NOTHING = {};

    /** Addresses by length. */
    private static final Map<Integer, Deque<Long>> IDLE = new HashMap<>();

    private static final long CLOSED = 0;

    private final UnsafeBuffer buffer;
    private final int length;
    private long address;

    private OffHeap(long address, int length) {
        this.address = address;
        this.length = length;
        this.buffer = new UnsafeBuffer(address, length);
    }

    /**
     * Takes zeroed memory, aligned to a page, or to a cache line if it is shorter than one.
     *
     * @throws OutOfMemoryError if there is none
     */
    public static OffHeap take(int length) {
        OffHeap memory = takeUnwritten(length);
        memory.buffer.setMemory(0, length, (byte) 0);
        return memory;
    }

    /**
     * Takes memory that may contain anything, aligned as that of {@link #take}. New memory is resident from page to page as
     * it is written, so that what is made for the worst case costs no more than what is used.
     *
     * @throws OutOfMemoryError if there is none
     */
    public static OffHeap takeUnwritten(int length) {
        synchronized (IDLE) {
            Deque<Long> blocks = IDLE.get(length);
            if (blocks != null && !blocks.isEmpty()) {
                return new OffHeap(blocks.removeLast(), length);
            }
        }
        int alignment = length < PAGE_LENGTH ? BitUtil.CACHE_LINE_LENGTH : PAGE_LENGTH;
        return new OffHeap(BitUtil.align(UnsafeApi.allocateMemory((long) length + alignment), alignment), length);
    }

    /** The memory; the same object each time. Keep this object as long as its address is in use. */
    public UnsafeBuffer buffer() {
        return buffer;
    }

    /** Gives the memory back; again, it does nothing. */
    @Override
    public synchronized void close() {
        if (address == CLOSED) {
            return;
        }
        buffer.wrap(NOTHING);
        synchronized (IDLE) {
            IDLE.computeIfAbsent(length, same -> new ArrayDeque<>()).addLast(address);
        }
        address = CLOSED;
    }
}
