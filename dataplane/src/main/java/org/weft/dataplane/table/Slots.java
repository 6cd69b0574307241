package org.weft.dataplane.table;

import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.agrona.BufferUtil;
import org.agrona.UnsafeApi;

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
 *
 * <p>Slots that a table needs no more are {@linkplain #retire() retired}, and their memory soon holds slots of another
 * table. The table first publishes what takes their place, then marks them as retired, then gives the memory back. A
 * reader looks at the mark behind its last load, so it finds out if any load came too late: {@link #find} and {@link #at}
 * return {@link #GONE}, and {@link #unchanged} returns false. The memory itself stays readable, see {@link SlotMemory}.
 */
final class Slots {
    /** What {@link #find} and {@link #at} return when there is no entry. */
    static final long NONE = -1;

    /** What {@link #find} and {@link #at} return when the slots are retired: look in those that took their place. */
    static final long GONE = -2;

    static final int LENGTH = 32;
    static final int MAX_FLAGS = 3;

    private static final int FIRST_OFFSET = 8;
    private static final int SECOND_OFFSET = 16;
    private static final int THIRD_OFFSET = 24;

    private static final int USED = 1;
    private static final int PRESENT = 1 << 1;
    private static final int FLAGS_SHIFT = 2;
    private static final int WRITING = 1 << 4;
    private static final int VERSION_MASK = -WRITING;

    private static final long POISON = 0x0bad_0bad_0bad_0badL;

    private final ByteBuffer memory;
    /** Of the memory; slots are within the capacity, so no access needs a check. */
    private final long address;

    private final int capacity;
    private final long secondMask;
    private final long seed;
    private volatile boolean retired;

    /** The writer's: slots that are, or were, used; and those with an entry. */
    private int used;

    private int live;

    /**
     * Slots that were never used.
     *
     * @param secondMask which bits of the second word belong to the key; the first word always does
     * @param seed makes the slot of a key unpredictable to senders of packets
     * @throws OutOfMemoryError if there is no room off the heap
     */
    Slots(int capacity, long secondMask, long seed) {
        this(memory(capacity), secondMask, seed);
    }

    /** @param memory from {@link SlotMemory}; belongs to these slots until they retire */
    Slots(ByteBuffer memory, long secondMask, long seed) {
        this.memory = memory;
        this.address = BufferUtil.address(memory);
        this.capacity = memory.capacity() / LENGTH;
        this.secondMask = secondMask;
        this.seed = seed;
    }

    private static ByteBuffer memory(int capacity) {
        ByteBuffer memory = SlotMemory.take(capacity);
        if (memory == null) {
            throw new OutOfMemoryError("no memory off the heap for " + capacity + " slots");
        }
        return memory;
    }

    /** Makes the slots of a block unused. Their versions go on, so that no late reader takes a new entry for an old one. */
    static void wipe(ByteBuffer memory, int capacity) {
        long address = BufferUtil.address(memory);
        for (int slot = 0; slot < capacity; slot++) {
            long header = address + (long) slot * LENGTH;
            int version = (int) UnsafeApi.getLong(null, header) & VERSION_MASK;
            UnsafeApi.putLongRelease(null, header, withTime(version + 2 * WRITING, 0));
        }
        Reference.reachabilityFence(memory);
    }

    /** For tests: fills the slots of a block with entries that no table has. */
    static void poison(ByteBuffer memory, int capacity) {
        long address = BufferUtil.address(memory);
        for (int slot = 0; slot < capacity; slot++) {
            long header = address + (long) slot * LENGTH;
            int version = (int) UnsafeApi.getLong(null, header) & VERSION_MASK;
            UnsafeApi.putLong(null, header + FIRST_OFFSET, POISON);
            UnsafeApi.putLong(null, header + SECOND_OFFSET, POISON);
            UnsafeApi.putLong(null, header + THIRD_OFFSET, POISON);
            UnsafeApi.putLongRelease(null, header, withTime(version + 2 * WRITING | PRESENT | USED, (int) POISON));
        }
        Reference.reachabilityFence(memory);
    }

    int capacity() {
        return capacity;
    }

    /** Writer only: slots that are, or were, used. */
    int used() {
        return used;
    }

    /** Writer only: slots with an entry. */
    int live() {
        return live;
    }

    /**
     * Whether a new key certainly finds no slot; a hint on any thread, because the writer may
     * change it at any moment.
     */
    boolean isPacked() {
        return live >= Capacities.mostUsed(capacity);
    }

    /**
     * Writer only: ends the use of these slots. Their memory goes to the next table, so the writer must have published
     * other slots in their place before.
     */
    void retire() {
        retired = true;
        VarHandle.fullFence();
        SlotMemory.giveBack(memory);
    }

    /** Which slot a key's search begins at, and more: a map takes the lower half to choose among several slots. */
    static long hash(long first, long second, long seed) {
        return Hash128.end(Hash128.add(Hash128.begin(first, seed), second));
    }

    private long hash(long first, long second) {
        return hash(first, second & secondMask, seed);
    }

    long find(long first, long second) {
        return find(hash(first, second), first, second);
    }

    /**
     * Finds the entry of a key.
     *
     * @return what the readers below take; the entry may be gone by then, as {@link #unchanged} tells; or {@link #NONE}, or
     *     {@link #GONE}
     */
    long find(long hash, long first, long second) {
        int slot = home(hash);
        while (true) {
            long at = addressOf(slot);
            int header = (int) UnsafeApi.getLongVolatile(null, at);
            if ((header & USED) == 0) {
                Reference.reachabilityFence(this);
                return retired ? GONE : NONE;
            }
            if ((header & WRITING) == 0) {
                if ((header & PRESENT) != 0 && holds(at, first, second)) {
                    Reference.reachabilityFence(this);
                    return entry(header, slot);
                }
                slot++;
                if (slot < capacity) {
                    continue;
                }
                slot = 0;
            } else {
                Thread.onSpinWait();
            }
            // Only slots that are retired may have none that is unused, or one that is written for ever.
            if (retired) {
                Reference.reachabilityFence(this);
                return GONE;
            }
        }
    }

    /** The entry in a slot as {@link #find} returns it, or {@link #NONE}, or {@link #GONE}. */
    long at(int slot) {
        while (true) {
            int header = (int) UnsafeApi.getLongVolatile(null, addressOf(slot));
            if (retired) {
                Reference.reachabilityFence(this);
                return GONE;
            }
            if ((header & WRITING) == 0) {
                Reference.reachabilityFence(this);
                return (header & PRESENT) == 0 ? NONE : entry(header, slot);
            }
            Thread.onSpinWait();
        }
    }

    /** Writer only: calls for each entry; exact if nothing changes meanwhile but times. */
    void forEach(OffHeapMap.Visitor visitor) {
        for (int slot = 0; slot < capacity; slot++) {
            long entry = at(slot);
            if (entry != NONE) {
                visitor.entry(first(entry), second(entry), third(entry), flags(entry), time(entry));
            }
        }
    }

    private long addressOf(int slot) {
        return address + (long) slot * LENGTH;
    }

    private static long entry(int header, int slot) {
        return (long) header << 32 | slot;
    }

    private long addressOf(long entry) {
        return addressOf((int) entry);
    }

    static int flags(long entry) {
        return (int) (entry >>> 32 + FLAGS_SHIFT) & MAX_FLAGS;
    }

    long first(long entry) {
        return UnsafeApi.getLong(null, addressOf(entry) + FIRST_OFFSET);
    }

    long second(long entry) {
        return UnsafeApi.getLong(null, addressOf(entry) + SECOND_OFFSET);
    }

    long third(long entry) {
        return UnsafeApi.getLong(null, addressOf(entry) + THIRD_OFFSET);
    }

    int time(long entry) {
        return (int) (UnsafeApi.getLong(null, addressOf(entry)) >>> 32);
    }

    /** Whether all that was read of an entry since it was found belongs together. Every read ends with this. */
    boolean unchanged(long entry) {
        VarHandle.loadLoadFence();
        boolean unchanged = (int) UnsafeApi.getLong(null, addressOf(entry)) == (int) (entry >>> 32) && !retired;
        Reference.reachabilityFence(this);
        return unchanged;
    }

    /**
     * Sets a later time on an entry that is still as it was found. Any thread may: the compare-and-set fails when the
     * writer has touched the slot since, and what the writer stores at this very moment goes over it. Then a refresh is
     * lost, and nothing else.
     */
    void refresh(long entry, int time) {
        long at = addressOf(entry);
        long header = UnsafeApi.getLong(null, at);
        if ((int) header == (int) (entry >>> 32) && time - (int) (header >>> 32) > 0) {
            UnsafeApi.compareAndSetLong(null, at, header, withTime((int) header, time));
        }
        Reference.reachabilityFence(this);
    }

    /** Writer only: the slot that holds a key, else the one to put it in. There must be a slot never used. */
    int slotFor(long first, long second) {
        return slotFor(hash(first, second), first, second);
    }

    int slotFor(long hash, long first, long second) {
        int free = -1;
        for (int slot = home(hash); ; slot = next(slot)) {
            long at = addressOf(slot);
            int header = (int) UnsafeApi.getLong(null, at);
            if ((header & PRESENT) == 0) {
                free = free < 0 ? slot : free;
            } else if (holds(at, first, second)) {
                return slot;
            }
            if ((header & USED) == 0) {
                return free;
            }
        }
    }

    /** Writer only. */
    boolean isPresent(int slot) {
        return (UnsafeApi.getLong(null, addressOf(slot)) & PRESENT) != 0;
    }

    /** Writer only: whether there was ever an entry in this slot. */
    boolean isUsed(int slot) {
        return (UnsafeApi.getLong(null, addressOf(slot)) & USED) != 0;
    }

    /** Writer only: a new entry, or other words for the key that the slot holds. */
    void write(int slot, long first, long second, long third, int flags, int time) {
        long at = addressOf(slot);
        int before = (int) UnsafeApi.getLong(null, at);
        used += (before & USED) == 0 ? 1 : 0;
        live += (before & PRESENT) == 0 ? 1 : 0;
        int version = (before & VERSION_MASK) + WRITING;
        UnsafeApi.putLongRelease(null, at, withTime(version | USED, time));
        VarHandle.storeStoreFence();
        UnsafeApi.putLong(null, at + FIRST_OFFSET, first);
        UnsafeApi.putLong(null, at + SECOND_OFFSET, second);
        UnsafeApi.putLong(null, at + THIRD_OFFSET, third);
        UnsafeApi.putLongRelease(null, at, withTime(version + WRITING | flags << FLAGS_SHIFT | PRESENT | USED, time));
    }

    /** Writer only: leaves a tombstone. */
    void remove(int slot) {
        long at = addressOf(slot);
        int version = (int) UnsafeApi.getLong(null, at) & VERSION_MASK;
        UnsafeApi.putLongRelease(null, at, withTime(version + 2 * WRITING | USED, 0));
        live--;
    }

    private static long withTime(int header, int time) {
        return (long) time << 32 | header & 0xffff_ffffL;
    }

    private boolean holds(long at, long first, long second) {
        return UnsafeApi.getLong(null, at + FIRST_OFFSET) == first
                && ((UnsafeApi.getLong(null, at + SECOND_OFFSET) ^ second) & secondMask) == 0;
    }

    /** Any capacity will do: the upper half of the hash, taken as a fraction of it. */
    private int home(long hash) {
        return (int) ((hash >>> 32) * capacity >>> 32);
    }

    private int next(int slot) {
        return slot + 1 == capacity ? 0 : slot + 1;
    }
}
