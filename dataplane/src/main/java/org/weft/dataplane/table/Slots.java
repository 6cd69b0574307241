package org.weft.dataplane.table;

import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;
import org.agrona.BitUtil;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Off-heap slots of a hash table with linear probing: one writer at a time, any number of readers that take no lock.
 *
 * <pre>
 *   0        8        16       24       32
 *   +--------+--------+--------+--------+
 *   | header | first  | second | third  |
 *   +--------+--------+--------+--------+
 *
 *   header   63..32 time | 31..5 version, 4 being written | 3..2 flags | 1 present | 0 used
 * </pre>
 *
 * <p>A slot that was used once stays used, as a tombstone when its entry is removed, and an entry never moves: a probe
 * that starts at an entry's home reaches it whatever happens to the slots between.
 *
 * <p>Memory order (a seqlock per slot). The writer stores the header as being written, a store fence, the words, and
 * with release the header with the next version. A reader loads the header with acquire, then the words, a load fence,
 * and the header again; if its lower half is the same, the words belong together. The upper half, the time, is not part
 * of that: it may be refreshed at any moment without disturbing readers.
 */
final class Slots {
    /** What {@link #find} and {@link #at} return when there is no entry. */
    static final long NONE = -1;

    static final int LENGTH = 32;
    static final int MAX_FLAGS = 3;
    static final int MAX_CAPACITY = (Integer.MAX_VALUE - BitUtil.CACHE_LINE_LENGTH) / LENGTH;

    private static final int FIRST_OFFSET = 8;
    private static final int SECOND_OFFSET = 16;
    private static final int THIRD_OFFSET = 24;

    private static final int USED = 1;
    private static final int PRESENT = 1 << 1;
    private static final int FLAGS_SHIFT = 2;
    private static final int WRITING = 1 << 4;
    private static final int VERSION_MASK = -WRITING;

    private final UnsafeBuffer buffer;
    private final int capacity;
    private final long secondMask;
    private final long seed;

    /**
     * Slots that were never used.
     *
     * @param secondMask which bits of the second word belong to the key; the first word always does
     * @param seed makes the slot of a key unpredictable to whoever sends packets
     * @throws OutOfMemoryError if there is no room off the heap
     */
    Slots(int capacity, long secondMask, long seed) {
        this.buffer = new UnsafeBuffer(BufferUtil.allocateDirectAligned(capacity * LENGTH, BitUtil.CACHE_LINE_LENGTH));
        this.capacity = capacity;
        this.secondMask = secondMask;
        this.seed = seed;
    }

    int capacity() {
        return capacity;
    }

    /**
     * Finds the entry of a key.
     *
     * @return what the readers below take; the entry may be gone by then, as {@link #unchanged} tells; or {@link #NONE}
     */
    long find(long first, long second) {
        int slot = home(first, second);
        while (true) {
            int offset = slot * LENGTH;
            int header = (int) buffer.getLongVolatile(offset);
            if ((header & USED) == 0) {
                Reference.reachabilityFence(this);
                return NONE;
            }
            if ((header & WRITING) != 0) {
                Thread.onSpinWait();
                continue;
            }
            if ((header & PRESENT) != 0 && holds(offset, first, second)) {
                return entry(header, slot);
            }
            slot = next(slot);
        }
    }

    /** The entry in a slot as {@link #find} returns it, or {@link #NONE}. */
    long at(int slot) {
        while (true) {
            int header = (int) buffer.getLongVolatile(slot * LENGTH);
            if ((header & WRITING) == 0) {
                Reference.reachabilityFence(this);
                return (header & PRESENT) == 0 ? NONE : entry(header, slot);
            }
            Thread.onSpinWait();
        }
    }

    private static long entry(int header, int slot) {
        return (long) header << 32 | slot;
    }

    private static int offset(long entry) {
        return (int) entry * LENGTH;
    }

    static int flags(long entry) {
        return (int) (entry >>> 32 + FLAGS_SHIFT) & MAX_FLAGS;
    }

    long first(long entry) {
        return buffer.getLong(offset(entry) + FIRST_OFFSET);
    }

    long second(long entry) {
        return buffer.getLong(offset(entry) + SECOND_OFFSET);
    }

    long third(long entry) {
        return buffer.getLong(offset(entry) + THIRD_OFFSET);
    }

    int time(long entry) {
        return (int) (buffer.getLong(offset(entry)) >>> 32);
    }

    /** Whether all that was read of an entry since it was found belongs together. Every read ends with this. */
    boolean unchanged(long entry) {
        VarHandle.loadLoadFence();
        boolean unchanged = (int) buffer.getLong(offset(entry)) == (int) (entry >>> 32);
        Reference.reachabilityFence(this);
        return unchanged;
    }

    /**
     * Sets a later time on an entry that is still as it was found. Any thread may: the compare-and-set fails when the
     * writer has touched the slot since, and what the writer stores at this very moment goes over it. Then a refresh is
     * lost, and nothing else.
     */
    void refresh(long entry, int time) {
        int offset = offset(entry);
        long header = buffer.getLong(offset);
        if ((int) header == (int) (entry >>> 32) && time - (int) (header >>> 32) > 0) {
            buffer.compareAndSetLong(offset, header, withTime((int) header, time));
        }
        Reference.reachabilityFence(this);
    }

    /** Writer only: the slot that holds a key, else the one to put it in. There must be a slot never used. */
    int slotFor(long first, long second) {
        int free = -1;
        for (int slot = home(first, second); ; slot = next(slot)) {
            int offset = slot * LENGTH;
            int header = (int) buffer.getLong(offset);
            if ((header & PRESENT) == 0) {
                free = free < 0 ? slot : free;
            } else if (holds(offset, first, second)) {
                return slot;
            }
            if ((header & USED) == 0) {
                return free;
            }
        }
    }

    /** Writer only. */
    boolean isPresent(int slot) {
        return (buffer.getLong(slot * LENGTH) & PRESENT) != 0;
    }

    /** Writer only: whether there was ever an entry in this slot. */
    boolean isUsed(int slot) {
        return (buffer.getLong(slot * LENGTH) & USED) != 0;
    }

    /** Writer only: a new entry, or other words for the key that the slot holds. */
    void write(int slot, long first, long second, long third, int flags, int time) {
        int offset = slot * LENGTH;
        int version = ((int) buffer.getLong(offset) & VERSION_MASK) + WRITING;
        buffer.putLongRelease(offset, withTime(version | USED, time));
        VarHandle.storeStoreFence();
        buffer.putLong(offset + FIRST_OFFSET, first);
        buffer.putLong(offset + SECOND_OFFSET, second);
        buffer.putLong(offset + THIRD_OFFSET, third);
        buffer.putLongRelease(offset, withTime(version + WRITING | flags << FLAGS_SHIFT | PRESENT | USED, time));
    }

    /** Writer only: leaves a tombstone. */
    void remove(int slot) {
        int offset = slot * LENGTH;
        int version = (int) buffer.getLong(offset) & VERSION_MASK;
        buffer.putLongRelease(offset, withTime(version + 2 * WRITING | USED, 0));
    }

    private static long withTime(int header, int time) {
        return (long) time << 32 | header & 0xffff_ffffL;
    }

    private boolean holds(int offset, long first, long second) {
        return buffer.getLong(offset + FIRST_OFFSET) == first
                && ((buffer.getLong(offset + SECOND_OFFSET) ^ second) & secondMask) == 0;
    }

    /** Any capacity will do: the upper half of the hash, taken as a fraction of it. */
    private int home(long first, long second) {
        long hash = (first ^ seed) * 0x9e37_79b9_7f4a_7c15L;
        hash = ((hash ^ hash >>> 32) + (second & secondMask)) * 0xd6e8_feb8_6659_fd93L;
        hash = (hash ^ hash >>> 32) * 0xd6e8_feb8_6659_fd93L;
        return (int) ((hash >>> 32) * capacity >>> 32);
    }

    private int next(int slot) {
        return slot + 1 == capacity ? 0 : slot + 1;
    }
}
