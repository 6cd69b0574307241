package org.weft.dataplane.table;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A map in off-heap memory from a key of one or two words to what is left of three, with a few flags and a time.
 *
 * <p>Writers hold the monitor of the table that owns the map; readers hold nothing.
 *
 * <p>The map is cut into segments of at most {@value #LARGEST} slots, by bits of the hash (extendible hashing): a directory
 * says which segment has the entries of which hashes. A segment that is three quarters full, tombstones included, is
 * copied into a larger one, or into two; one that is nearly empty is copied into a smaller one, or with its neighbour
 * into one. So no call ever copies more than one or two segments, a fraction of a millisecond, however large the map is.
 * The writer publishes the copies in the directory, then {@linkplain Slots#retire() retires} what it copied, and the
 * memory of that serves for the next copy. An entry costs 43 to 60 bytes while a map grows.
 */
final class OffHeapMap {
    /** What {@link #get} returns for a key that is not in the map. */
    static final long MISSING = Long.MIN_VALUE;

    /** Where {@link #visit} ends. */
    static final long END = 1L << 32;

    /** Slots of a segment at most. */
    static final int LARGEST = 4096;

    /** What {@link #forEach} calls for each entry. */
    interface Visitor {
        void entry(long first, long second, long third, int flags, int time);
    }

    private static final int SMALLEST = 16;

    /** Capacities of segments: few, so that memory which one segment leaves fits another. Each 1.41 times the one before. */
    private static final int[] CAPACITIES = capacities();

    /** Beyond that, hashes are not what they should be. */
    private static final int MOST_SEGMENTS = 1 << 22;

    /** What released maps have in common: room for nothing. */
    private static final Slots NOTHING = new Slots(1, 0, 0);

    private static final VarHandle ELEMENT = MethodHandles.arrayElementVarHandle(Slots[].class);

    private final Additions additions = new Additions();
    private final long maxCapacity;
    private final long secondMask;
    private final long seed = ThreadLocalRandom.current().nextLong();

    /**
     * The segment of a hash is at its lower half, taken as a fraction of the length, which is a power of two. A segment
     * stands at one place or at several in a row: a power of two of them, at a multiple of it.
     */
    private volatile Slots[] directory;

    private volatile int size;
    /** Slots of all segments. */
    private volatile long capacity;
    /** There was no memory to grow into, and nothing was removed since. */
    private boolean exhausted;

    /** @param keyWords 1 or 2: whether the second word belongs to the key */
    OffHeapMap(int keyWords) {
        this(keyWords, Integer.MAX_VALUE);
    }

    /** @param maxCapacity most slots it takes */
    OffHeapMap(int keyWords, int maxCapacity) {
        this.maxCapacity = maxCapacity;
        this.secondMask = keyWords == 2 ? -1 : 0;
        begin(new Slots(SMALLEST, secondMask, seed));
    }

    private static int[] capacities() {
        int[] capacities = new int[2 * (Integer.numberOfTrailingZeros(LARGEST / SMALLEST)) + 1];
        Arrays.setAll(capacities, i -> (int) (SMALLEST * Math.pow(2, i / 2.0)));
        return capacities;
    }

    private void begin(Slots only) {
        capacity = only.capacity();
        directory = new Slots[] {only};
    }

    /** What {@link #slots} and {@link Slots#find(long, long, long)} take for a key. */
    long hash(long first, long second) {
        return Slots.hash(first, second & secondMask, seed);
    }

    /** The slots that readers search for a hash; may be replaced at any time, so take them for each search. */
    Slots slots(long hash) {
        Slots[] current = directory;
        return (Slots) ELEMENT.getAcquire(current, place(hash, current.length));
    }

    private static int place(long hash, int length) {
        return (int) ((hash & 0xffff_ffffL) * length >>> 32);
    }

    int size() {
        return size;
    }

    /** The keys that were put into the map; a lookup of several keys asks for them. */
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

    /**
     * Calls for each entry of one segment.
     *
     * @param position 0 first, then what this returned
     * @return where the next segment begins, {@link #END} behind the last one; the same position if the segment was
     *     replaced meanwhile and must be visited again
     */
    long visit(long position, Visitor visitor) {
        Slots[] current = directory;
        int place = place(position, current.length);
        Slots segment = (Slots) ELEMENT.getAcquire(current, place);
        // Before it is visited: if it becomes part of a larger segment meanwhile, the rest of that is still to come.
        int end = place + 1;
        while (end < current.length && ELEMENT.getAcquire(current, end) == segment) {
            end++;
        }
        for (int slot = 0; slot < segment.capacity(); slot++) {
            long entry = segment.at(slot);
            while (entry != Slots.NONE && entry != Slots.GONE) {
                long first = segment.first(entry);
                long second = segment.second(entry);
                long third = segment.third(entry);
                int time = segment.time(entry);
                if (segment.unchanged(entry)) {
                    visitor.entry(first, second, third, Slots.flags(entry), time);
                    break;
                }
                entry = segment.at(slot);
            }
            if (entry == Slots.GONE) {
                return position;
            }
        }
        return END / current.length * end;
    }

    private static int startOf(Slots[] directory, int place) {
        int start = place;
        while (start > 0 && directory[start - 1] == directory[place]) {
            start--;
        }
        return start;
    }

    private static int endOf(Slots[] directory, int place) {
        int end = place + 1;
        while (end < directory.length && directory[end] == directory[place]) {
            end++;
        }
        return end;
    }

    /**
     * Adds an entry, or gives the one of this key other words, flags and time.
     *
     * @return false if it would need more memory than there is; the map is as it was
     */
    boolean put(long first, long second, long third, int flags, int time) {
        long hash = hash(first, second);
        Slots segment = slots(hash);
        int slot = segment.slotFor(hash, first, second);
        while (!segment.isUsed(slot) && segment.used() >= mostUsed(segment.capacity())) {
            if (!grow(segment, hash)) {
                return false;
            }
            segment = slots(hash);
            slot = segment.slotFor(hash, first, second);
        }
        boolean present = segment.isPresent(slot);
        segment.write(slot, first, second, third, flags, time);
        if (!present) {
            size++;
            additions.note();
        }
        return true;
    }

    /** Whether there was such an entry. */
    boolean remove(long first, long second) {
        long hash = hash(first, second);
        Slots segment = slots(hash);
        int slot = segment.slotFor(hash, first, second);
        if (!segment.isPresent(slot)) {
            return false;
        }
        segment.remove(slot);
        size--;
        exhausted = false;
        shrink(segment, hash);
        return true;
    }

    void clear() {
        replaceAll(new Slots(SMALLEST, secondMask, seed));
    }

    /** Removes all entries and gives all memory back. The map stays empty for readers; it could be used again. */
    void release() {
        replaceAll(NOTHING);
    }

    private void replaceAll(Slots only) {
        Slots[] before = directory;
        size = 0;
        exhausted = false;
        begin(only);
        for (int place = 0; place < before.length; place = endOf(before, place)) {
            retire(before[place]);
        }
    }

    private static void retire(Slots segment) {
        if (segment != NOTHING) {
            segment.retire();
        }
    }

    private static int mostUsed(int capacity) {
        return (int) (capacity * 3L / 4);
    }

    /** The least capacity whose slots this many entries leave enough of. */
    private static int capacityFor(int entries) {
        for (int capacity : CAPACITIES) {
            if (entries * 100L <= capacity * 62L) {
                return capacity;
            }
        }
        return LARGEST;
    }

    /** Makes room for one more entry of a hash in the place of a full segment. */
    private boolean grow(Slots full, long hash) {
        if (exhausted) {
            return false;
        }
        int entries = full.live() + 1;
        // Where tombstones take the room, a copy of the same capacity will do, unless that is full again too soon.
        boolean grown = entries > LARGEST * 7 / 10 && split(full, hash) || rebuild(full, hash, capacityFor(entries));
        exhausted = !grown;
        return grown;
    }

    private boolean rebuild(Slots segment, long hash, int wanted) {
        int allowed = (int) Math.min(wanted, maxCapacity - capacity + segment.capacity());
        if (mostUsed(allowed) <= segment.live()) {
            return false;
        }
        Slots rebuilt = allocate(allowed);
        if (rebuilt == null) {
            return false;
        }
        copy(segment, rebuilt, rebuilt, 0);
        Slots[] current = directory;
        publish(current, startOf(current, place(hash, current.length)), rebuilt);
        capacity += rebuilt.capacity() - segment.capacity();
        retire(segment);
        return true;
    }

    /** Puts two segments in the place of one, by the next bit of the hash. */
    private boolean split(Slots segment, long hash) {
        Slots[] current = directory;
        int start = startOf(current, place(hash, current.length));
        if (endOf(current, start) - start == 1) {
            if (!doubleDirectory()) {
                return false;
            }
            current = directory;
            start *= 2;
        }
        int middle = start + (endOf(current, start) - start) / 2;
        long bound = END / current.length * middle;
        int[] upper = {0};
        visitAll(segment, (first, second, third, flags, time) -> {
            if ((hash(first, second) & 0xffff_ffffL) >= bound) {
                upper[0]++;
            }
        });
        int lowerCapacity = capacityFor(segment.live() - upper[0]);
        int upperCapacity = capacityFor(upper[0]);
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
        copy(segment, lowerHalf, upperHalf, bound);
        publish(current, middle, upperHalf);
        publish(current, start, lowerHalf);
        capacity += lowerCapacity + upperCapacity - segment.capacity();
        segment.retire();
        return true;
    }

    private boolean doubleDirectory() {
        Slots[] current = directory;
        if (current.length == MOST_SEGMENTS) {
            return false;
        }
        Slots[] doubled = new Slots[2 * current.length];
        Arrays.setAll(doubled, place -> current[place / 2]);
        directory = doubled;
        return true;
    }

    /** Puts a segment at all places of the one that stands at a place and further on. */
    private static void publish(Slots[] directory, int start, Slots segment) {
        int end = endOf(directory, start);
        for (int place = start; place < end; place++) {
            ELEMENT.setRelease(directory, place, segment);
        }
    }

    /**
     * Copies a segment that is nearly empty into one with the other half of what was split, if that is not too much, and
     * so on with the result; else into a smaller one.
     */
    private void shrink(Slots segment, long hash) {
        Slots shrunk = segment;
        while (shrunk != null && shrunk.live() < shrunk.capacity() / 4) {
            Slots[] current = directory;
            int start = startOf(current, place(hash, current.length));
            int length = endOf(current, start) - start;
            int other = start ^ length;
            boolean merges = length < current.length
                    && endOf(current, other) - startOf(current, other) == length
                    && shrunk.live() + current[other].live() <= LARGEST * 3 / 8;
            if (merges) {
                shrunk = merge(shrunk, current[other], Math.min(start, other));
            } else {
                int smaller = capacityFor(shrunk.live());
                if (smaller < shrunk.capacity()) {
                    rebuild(shrunk, hash, smaller);
                }
                return;
            }
        }
    }

    /** Null if there is no memory. */
    private Slots merge(Slots one, Slots other, int start) {
        Slots merged = allocate(capacityFor(one.live() + other.live()));
        if (merged == null) {
            return null;
        }
        copy(one, merged, merged, 0);
        copy(other, merged, merged, 0);
        Slots[] current = directory;
        // The second half first: until then the first half ends where the second begins.
        publish(current, endOf(current, start), merged);
        publish(current, start, merged);
        if (endOf(current, 0) == current.length) {
            directory = new Slots[] {merged};
        }
        capacity += merged.capacity() - one.capacity() - other.capacity();
        one.retire();
        other.retire();
        return merged;
    }

    /** Copies all entries of a segment: into the upper half those whose hash's lower half is not below the bound. */
    private void copy(Slots segment, Slots lowerHalf, Slots upperHalf, long bound) {
        visitAll(segment, (first, second, third, flags, time) -> {
            long hash = hash(first, second);
            Slots half = (hash & 0xffff_ffffL) < bound ? lowerHalf : upperHalf;
            half.write(half.slotFor(hash, first, second), first, second, third, flags, time);
        });
    }

    /** Writer only: nothing changes meanwhile but times. */
    private static void visitAll(Slots segment, Visitor visitor) {
        for (int slot = 0; slot < segment.capacity(); slot++) {
            long entry = segment.at(slot);
            if (entry != Slots.NONE) {
                visitor.entry(
                        segment.first(entry),
                        segment.second(entry),
                        segment.third(entry),
                        Slots.flags(entry),
                        segment.time(entry));
            }
        }
    }

    /** Null if there is no memory: a flood of addresses to learn must not end the thread that learns them. */
    private Slots allocate(int slots) {
        ByteBuffer memory = SlotMemory.take(slots);
        return memory == null ? null : new Slots(memory, secondMask, seed);
    }
}
