package org.weft.dataplane.table;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * The directory of an {@link OffHeapMap}: it tells which segment has the entries of a hash
 * (extendible hashing). The lower half of the hash, as a fraction of the directory's length, is the
 * place of the segment. The length is a power of two. A segment stands at one place or at several
 * in a row: a power of two of them, at a multiple of it.
 *
 * <p>One thread at a time changes the directory; the map sees to that. Readers take no lock. They
 * find a segment that has all entries of their hash, or a retired one, which {@link Slots} reports.
 */
public final class Segments {
    /** The position that ends {@link #visit}. */
    static final long END = 1L << 32;

    /** The maximum number of segments; more would mean that hashes are badly spread. */
    private static final int MOST_SEGMENTS = 1 << 22;

    private static final VarHandle ELEMENT = MethodHandles.arrayElementVarHandle(Slots[].class);

    private volatile Slots[] directory;

    Segments(Slots only) {
        directory = new Slots[] {only};
    }

    /** The lower half of a hash: the part that chooses the segment. */
    static long position(long hash) {
        return hash & 0xffff_ffffL;
    }

    private static int place(long hash, int length) {
        return (int) (position(hash) * length >>> 32);
    }

    /** The segment of a hash; for readers, too. */
    Slots of(long hash) {
        Slots[] current = directory;
        return (Slots) ELEMENT.getAcquire(current, place(hash, current.length));
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

    private int startOf(long hash) {
        Slots[] current = directory;
        return startOf(current, place(hash, current.length));
    }

    /** The position where the segment of a hash ends; {@link #END} for the last one. */
    long endOf(long hash) {
        Slots[] current = directory;
        return END / current.length * endOf(current, place(hash, current.length));
    }

    /** Puts a segment at all places of the one that stands at a place and further on. */
    private static void publish(Slots[] directory, int start, Slots segment) {
        int end = endOf(directory, start);
        for (int place = start; place < end; place++) {
            ELEMENT.setRelease(directory, place, segment);
        }
    }

    /** Puts another segment in the place of the one of a hash. */
    void replace(long hash, Slots segment) {
        publish(directory, startOf(hash), segment);
    }

    /**
     * Makes a segment the only one. Returns the old directory, with a segment once or several times
     * in a row.
     */
    Slots[] replaceAll(Slots only) {
        Slots[] before = directory;
        directory = new Slots[] {only};
        return before;
    }

    /**
     * The position where the upper half of the segment of a hash begins, if that was split; -1 if
     * there are too many segments. Lengthens the directory if it must.
     */
    long middleOf(long hash) {
        Slots[] current = directory;
        int start = startOf(hash);
        if (endOf(current, start) - start == 1) {
            if (current.length == MOST_SEGMENTS) {
                return -1;
            }
            Slots[] doubled = new Slots[2 * current.length];
            Arrays.setAll(doubled, place -> current[place / 2]);
            directory = doubled;
            return middleOf(hash);
        }
        return END / current.length * (start + (endOf(current, start) - start) / 2);
    }

    /** Puts two segments in the place of the one of a hash; {@link #middleOf} has made room. */
    void split(long hash, Slots lowerHalf, Slots upperHalf) {
        Slots[] current = directory;
        int start = startOf(hash);
        publish(current, start + (endOf(current, start) - start) / 2, upperHalf);
        publish(current, start, lowerHalf);
    }

    /**
     * The sibling from the split that made the segment of a hash; null if the sibling was split
     * further, or no split made it.
     */
    Slots siblingOf(long hash) {
        Slots[] current = directory;
        int start = startOf(hash);
        int length = endOf(current, start) - start;
        int other = start ^ length;
        boolean whole = length < current.length && endOf(current, other) - startOf(current, other) == length;
        return whole ? current[other] : null;
    }

    /** Puts one segment in the place of the one of a hash and its sibling. */
    void merge(long hash, Slots merged) {
        Slots[] current = directory;
        int place = startOf(hash);
        int start = Math.min(place, place ^ endOf(current, place) - place);
        // The second half first: until then the first half ends where the second begins.
        publish(current, endOf(current, start), merged);
        publish(current, start, merged);
        if (endOf(current, 0) == current.length) {
            directory = new Slots[] {merged};
        }
    }

    /**
     * Calls for each entry of one segment; on any thread.
     *
     * @param position 0 first, then what this returned
     * @return where the next segment begins, {@link #END} behind the last one; the same position if
     *     the segment was replaced meanwhile and must be visited again
     */
    long visit(long position, OffHeapMap.Visitor visitor) {
        Slots[] current = directory;
        int place = place(position, current.length);
        Slots segment = (Slots) ELEMENT.getAcquire(current, place);
        // Before it is visited: if it becomes part of a larger segment meanwhile, the rest of that
        // is still to come.
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
}
