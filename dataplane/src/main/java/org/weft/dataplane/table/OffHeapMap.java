package org.weft.dataplane.table;

import java.nio.ByteBuffer;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A map in off-heap memory. An entry has three words, flags and a time; its key is one or two
 * words.
 *
 * <p>Readers hold no lock. Writers hold the monitor of the table that owns the map. A packet thread
 * may call {@link #putIfRoom} without it. All that write into slots hold the map's own monitor, and
 * take no memory then, so {@code putIfRoom} waits for a copy at most.
 *
 * <p>The map has {@link Segments} of at most {@value #LARGEST} slots. A writer copies a segment
 * that is three quarters full, tombstones included, into a larger one or two. It copies a nearly
 * empty one into a smaller one, or with its neighbour into one. So a call copies at most two
 * segments, in a fraction of a millisecond. It publishes the copies, then {@linkplain
 * Slots#retire() retires} the originals, whose memory serves the next copy. An entry costs 43 to 60
 * bytes while a map grows; 64 to 128 bytes where {@link #makeRoomAt} keeps room.
 */
final class OffHeapMap {
    /** What {@link #get} returns for a key that is not in the map. */
    static final long MISSING = Long.MIN_VALUE;

    /** The position that ends {@link #visit} and {@link #makeRoomAt}. */
    static final long END = Segments.END;

    /** Slots of a segment at most. */
    static final int LARGEST = Capacities.LARGEST;

    /** What {@link #forEach} calls for each entry. */
    interface Visitor {
        void entry(long first, long second, long third, int flags, int time);
    }

    /** The segment of an empty map without memory: room for nothing. */
    private static final Slots NOTHING = new Slots(1, 0, 0);

    private final Additions additions = new Additions();
    private final long maxCapacity;
    private final long secondMask;
    private final long seed = ThreadLocalRandom.current().nextLong();
    private final Segments segments;

    /** The smallest number of slots in a segment; it is larger once the map keeps room. */
    private int least = Capacities.SMALLEST;

    private volatile int size;
    /** Slots of all segments. */
    private volatile long capacity;

    /** @param keyWords 1 or 2: whether the second word belongs to the key */
    OffHeapMap(int keyWords) {
        this(keyWords, Integer.MAX_VALUE);
    }

    /** @param maxCapacity most slots it takes */
    OffHeapMap(int keyWords, int maxCapacity) {
        this.maxCapacity = maxCapacity;
        this.secondMask = keyWords == 2 ? -1 : 0;
        this.segments = new Segments(new Slots(Capacities.SMALLEST, secondMask, seed));
        this.capacity = Capacities.SMALLEST;
    }

    /** What {@link #slots} and {@link Slots#find(long, long, long)} take for a key. */
    long hash(long first, long second) {
        return Slots.hash(first, second & secondMask, seed);
    }

    /** The slots that readers search for a hash; may be replaced at any time, so take them for each search. */
    Slots slots(long hash) {
        return segments.of(hash);
    }

    int size() {
        return size;
    }

    /** Counts the keys that were put into the map, for lookups of several keys. */
    Additions additions() {
        return additions;
    }

    /** Off-heap memory that the map takes now. */
    long bytes() {
        return capacity * Slots.LENGTH;
    }

    /** The third word of an entry, or {@link #MISSING}. */
    long get(long first, long second) {
        long hash = hash(first, second);
        while (true) {
            Slots current = slots(hash);
            long entry = current.find(hash, first, second);
            if (entry == Slots.NONE) {
                return MISSING;
            }
            if (entry != Slots.GONE) {
                long third = current.third(entry);
                if (current.unchanged(entry)) {
                    return third;
                }
            }
        }
    }

    boolean contains(long first, long second) {
        long hash = hash(first, second);
        while (true) {
            Slots current = slots(hash);
            long entry = current.find(hash, first, second);
            if (entry == Slots.NONE) {
                return false;
            }
            if (entry != Slots.GONE && current.unchanged(entry)) {
                return true;
            }
        }
    }

    /**
     * Calls for each entry that is in the map all the time, and for some of those that come or go meanwhile; more than once
     * for some while others change the map.
     */
    void forEach(Visitor visitor) {
        for (long position = 0; position < END; ) {
            position = visit(position, visitor);
        }
    }

    /** Calls for each entry of one segment, as {@link Segments#visit} does. */
    long visit(long position, Visitor visitor) {
        return segments.visit(position, visitor);
    }

    /**
     * Adds an entry, or gives the one of this key other words, flags and time.
     *
     * @return false if it would need more memory than there is; the map is as it was
     */
    boolean put(long first, long second, long third, int flags, int time) {
        while (!putIfRoom(first, second, third, flags, time)) {
            if (!makeRoom(first, second)) {
                return false;
            }
        }
        return true;
    }

    /**
     * As {@link #put}, but takes no memory and copies nothing.
     *
     * @return false if there is no room for a new entry; the map is as it was
     */
    synchronized boolean putIfRoom(long first, long second, long third, int flags, int time) {
        long hash = hash(first, second);
        Slots segment = slots(hash);
        int slot = segment.slotFor(hash, first, second);
        if (!hasRoom(segment, slot)) {
            return false;
        }
        boolean present = segment.isPresent(slot);
        segment.write(slot, first, second, third, flags, time);
        if (!present) {
            size++;
            additions.note();
        }
        return true;
    }

    private static boolean hasRoom(Slots segment, int slot) {
        return segment.isUsed(slot) || segment.used() < Capacities.mostUsed(segment.capacity());
    }

    /** Whether {@link #putIfRoom} has room for this key. The caller holds the map's monitor. */
    boolean hasRoom(long first, long second) {
        long hash = hash(first, second);
        Slots segment = slots(hash);
        return hasRoom(segment, segment.slotFor(hash, first, second));
    }

    /** Whether there was such an entry. */
    boolean remove(long first, long second) {
        boolean removed = removeInPlace(first, second);
        if (removed) {
            shrink(first, second);
        }
        return removed;
    }

    /** As {@link #remove}, but takes no memory and copies nothing; {@link #shrink} is to follow. */
    synchronized boolean removeInPlace(long first, long second) {
        long hash = hash(first, second);
        Slots segment = slots(hash);
        int slot = segment.slotFor(hash, first, second);
        if (!segment.isPresent(slot)) {
            return false;
        }
        segment.remove(slot);
        size--;
        return true;
    }

    /** Removes all entries and gives all memory back. The next entry takes memory again. */
    void release() {
        Slots[] before;
        synchronized (this) {
            before = segments.replaceAll(NOTHING);
            size = 0;
            capacity = NOTHING.capacity();
            least = Capacities.SMALLEST;
        }
        for (int place = 0; place < before.length; place++) {
            if (place == 0 || before[place] != before[place - 1]) {
                retire(before[place]);
            }
        }
    }

    private static void retire(Slots segment) {
        if (segment != NOTHING) {
            segment.retire();
        }
    }

    private int capacityFor(int entries) {
        return Capacities.of(entries, least);
    }

    /**
     * Makes room for one more entry in the segment of a key. False without memory: nothing changed.
     */
    boolean makeRoom(long first, long second) {
        long hash = hash(first, second);
        Slots full = slots(hash);
        int entries = full.live() + 1;
        // Tombstones alone need only a copy of the same capacity, unless it would soon be full.
        return entries > LARGEST * 7 / 10 && split(full, hash) || rebuild(full, hash, capacityFor(entries));
    }

    /**
     * Makes room in one segment before it is needed: a quarter of the largest segment at least.
     * From then on the map keeps segments of the largest size. A released map stays as it is.
     *
     * @param position 0 first, then what this returned
     * @return where the next segment begins; {@link #END} behind the last one, or without memory
     */
    long makeRoomAt(long position) {
        Slots segment = slots(position);
        if (segment == NOTHING) {
            return END;
        }
        least = LARGEST;
        boolean grown = true;
        while (grown && (segment.capacity() < LARGEST || segment.used() > LARGEST / 2)) {
            boolean crowded = segment.live() > LARGEST * 3 / 8;
            grown = crowded && split(segment, position)
                    || maxCapacity - capacity + segment.capacity() >= LARGEST
                            && segment.live() <= LARGEST / 2
                            && rebuild(segment, position, LARGEST);
            segment = slots(position);
        }
        return segments.endOf(position);
    }

    private boolean rebuild(Slots segment, long hash, int wanted) {
        int allowed = (int) Math.min(wanted, maxCapacity - capacity + segment.capacity());
        if (Capacities.mostUsed(allowed) <= segment.live()) {
            return false;
        }
        Slots rebuilt = allocate(allowed);
        if (rebuilt == null) {
            return false;
        }
        boolean fits;
        synchronized (this) {
            // putIfRoom may have filled it meanwhile; then the caller finds no room and tries
            // again.
            fits = segment.live() < Capacities.mostUsed(allowed);
            if (fits) {
                copy(segment, rebuilt, rebuilt, 0);
                segments.replace(hash, rebuilt);
                capacity += rebuilt.capacity() - segment.capacity();
            }
        }
        retire(fits ? segment : rebuilt);
        return true;
    }

    /** Puts two segments in the place of one, by the next bit of the hash. */
    private boolean split(Slots segment, long hash) {
        long bound = segments.middleOf(hash);
        if (bound < 0) {
            return false;
        }
        int upper = countFrom(segment, bound);
        int lowerCapacity = capacityFor(segment.live() - upper);
        int upperCapacity = capacityFor(upper);
        if (capacity - segment.capacity() + lowerCapacity + upperCapacity > maxCapacity) {
            return false;
        }
        Slots lowerHalf = allocate(lowerCapacity);
        Slots upperHalf = lowerHalf == null ? null : allocate(upperCapacity);
        if (upperHalf == null) {
            if (lowerHalf != null) {
                lowerHalf.retire();
            }
            return false;
        }
        boolean fits;
        synchronized (this) {
            upper = countFrom(segment, bound);
            fits = upper < Capacities.mostUsed(upperCapacity)
                    && segment.live() - upper < Capacities.mostUsed(lowerCapacity);
            if (fits) {
                copy(segment, lowerHalf, upperHalf, bound);
                segments.split(hash, lowerHalf, upperHalf);
                capacity += lowerCapacity + upperCapacity - segment.capacity();
            }
        }
        if (fits) {
            segment.retire();
        } else {
            lowerHalf.retire();
            upperHalf.retire();
        }
        return true;
    }

    /**
     * Copies the segment of a key, if it is nearly empty, with its sibling into one, and so on with
     * the result. If both have too many entries, copies it into a smaller one.
     */
    void shrink(long first, long second) {
        long hash = hash(first, second);
        Slots shrunk = slots(hash);
        while (shrunk != null && shrunk.live() < shrunk.capacity() / 4) {
            Slots sibling = segments.siblingOf(hash);
            if (sibling != null && shrunk.live() + sibling.live() <= LARGEST * 3 / 8) {
                shrunk = merge(hash, shrunk, sibling);
            } else {
                int smaller = capacityFor(shrunk.live());
                if (smaller < shrunk.capacity()) {
                    rebuild(shrunk, hash, smaller);
                }
                return;
            }
        }
    }

    /** Null if there is no memory, or too many entries came meanwhile. */
    private Slots merge(long hash, Slots one, Slots other) {
        Slots merged = allocate(capacityFor(one.live() + other.live()));
        if (merged == null) {
            return null;
        }
        boolean fits;
        synchronized (this) {
            fits = one.live() + other.live() < Capacities.mostUsed(merged.capacity());
            if (fits) {
                copy(one, merged, merged, 0);
                copy(other, merged, merged, 0);
                segments.merge(hash, merged);
                capacity += merged.capacity() - one.capacity() - other.capacity();
            }
        }
        if (!fits) {
            merged.retire();
            return null;
        }
        one.retire();
        other.retire();
        return merged;
    }

    /** Copies all entries of a segment: into the upper half those whose hash's lower half is not below the bound. */
    private void copy(Slots segment, Slots lowerHalf, Slots upperHalf, long bound) {
        segment.forEach((first, second, third, flags, time) -> {
            long hash = hash(first, second);
            Slots half = Segments.position(hash) < bound ? lowerHalf : upperHalf;
            half.write(half.slotFor(hash, first, second), first, second, third, flags, time);
        });
    }

    private int countFrom(Slots segment, long bound) {
        int[] count = {0};
        segment.forEach((first, second, third, flags, time) -> {
            if (Segments.position(hash(first, second)) >= bound) {
                count[0]++;
            }
        });
        return count[0];
    }

    /** Null without memory: a flood of addresses must not end the thread that makes room. */
    private Slots allocate(int slots) {
        ByteBuffer memory = SlotMemory.take(slots);
        return memory == null ? null : new Slots(memory, secondMask, seed);
    }
}
