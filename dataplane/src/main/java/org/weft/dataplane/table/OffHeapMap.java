package org.weft.dataplane.table;

import java.util.concurrent.ThreadLocalRandom;

/**
 * A map in off-heap memory from a key of one or two words to what is left of three, with a few flags and a time.
 *
 * <p>Writers hold the monitor of the table that owns the map; readers hold nothing. When three quarters of the slots are
 * used, tombstones included, the map is built anew at 1.4 times what its entries need then, and published with one
 * volatile store; so an entry costs 43 to 60 bytes while a map grows. Readers that still have the old slots see the map
 * as it was at that moment; the garbage collector frees them when the last reader is done.
 */
final class OffHeapMap {
    /** What {@link #get} returns for a key that is not in the map. */
    static final long MISSING = Long.MIN_VALUE;

    /** What {@link #forEach} calls for each entry. */
    interface Visitor {
        void entry(long first, long second, long third, int flags, int time);
    }

    private static final int MIN_CAPACITY = 16;

    private final int maxCapacity;
    private final long secondMask;
    private final long seed = ThreadLocalRandom.current().nextLong();

    private volatile Slots slots;
    private volatile int size;
    /** Entries and tombstones. */
    private int used;
    /** There was no memory to grow into, and nothing was removed since. */
    private boolean exhausted;

    /** @param keyWords 1 or 2: whether the second word belongs to the key */
    OffHeapMap(int keyWords) {
        this(keyWords, Slots.MAX_CAPACITY);
    }

    OffHeapMap(int keyWords, int maxCapacity) {
        this.maxCapacity = maxCapacity;
        this.secondMask = keyWords == 2 ? -1 : 0;
        this.slots = new Slots(MIN_CAPACITY, secondMask, seed);
    }

    /** What readers search; may be replaced at any time, so take it once for each search. */
    Slots slots() {
        return slots;
    }

    int size() {
        return size;
    }

    /** Off-heap memory that the map takes now. */
    long bytes() {
        return (long) slots.capacity() * Slots.LENGTH;
    }

    /** The third word of an entry, or {@link #MISSING}. */
    long get(long first, long second) {
        while (true) {
            Slots current = slots;
            long entry = current.find(first, second);
            if (entry == Slots.NONE) {
                return MISSING;
            }
            long third = current.third(entry);
            if (current.unchanged(entry)) {
                return third;
            }
        }
    }

    boolean contains(long first, long second) {
        return slots.find(first, second) != Slots.NONE;
    }

    /** Calls for each entry that is in the map all the time, and for some of those that come or go meanwhile. */
    void forEach(Visitor visitor) {
        Slots current = slots;
        for (int slot = 0; slot < current.capacity(); slot++) {
            long entry = current.at(slot);
            while (entry != Slots.NONE) {
                long first = current.first(entry);
                long second = current.second(entry);
                long third = current.third(entry);
                int time = current.time(entry);
                if (current.unchanged(entry)) {
                    visitor.entry(first, second, third, Slots.flags(entry), time);
                    break;
                }
                entry = current.at(slot);
            }
        }
    }

    /**
     * Adds an entry, or gives the one of this key other words, flags and time.
     *
     * @return false if it would need more memory than there is; the map is as it was
     */
    boolean put(long first, long second, long third, int flags, int time) {
        int slot = slots.slotFor(first, second);
        boolean present = slots.isPresent(slot);
        if (!present && !slots.isUsed(slot)) {
            if (used == mostUsed(slots.capacity())) {
                if (!rebuild(size + 1)) {
                    return false;
                }
                slot = slots.slotFor(first, second);
            }
            used++;
        }
        slots.write(slot, first, second, third, flags, time);
        size += present ? 0 : 1;
        return true;
    }

    /** Whether there was such an entry. */
    boolean remove(long first, long second) {
        int slot = slots.slotFor(first, second);
        if (!slots.isPresent(slot)) {
            return false;
        }
        slots.remove(slot);
        size--;
        exhausted = false;
        if (size < slots.capacity() / 4 && slots.capacity() > MIN_CAPACITY) {
            rebuild(size);
        }
        return true;
    }

    void clear() {
        used = 0;
        size = 0;
        exhausted = false;
        slots = new Slots(MIN_CAPACITY, secondMask, seed);
    }

    private static int mostUsed(int capacity) {
        return (int) (capacity * 3L / 4);
    }

    private boolean rebuild(int entries) {
        int capacity = (int) Math.max(MIN_CAPACITY, Math.min(maxCapacity, entries * 28L / 15 + 1));
        if (exhausted || mostUsed(capacity) < entries) {
            return false;
        }
        Slots rebuilt = allocate(capacity);
        if (rebuilt == null) {
            exhausted = true;
            return false;
        }
        forEach((first, second, third, flags, time) ->
                rebuilt.write(rebuilt.slotFor(first, second), first, second, third, flags, time));
        slots = rebuilt;
        used = size;
        return true;
    }

    /** A flood of addresses to learn must not end the thread that learns them. */
    private Slots allocate(int capacity) {
        try {
            return new Slots(capacity, secondMask, seed);
        } catch (OutOfMemoryError noRoom) {
            return null;
        }
    }
}
