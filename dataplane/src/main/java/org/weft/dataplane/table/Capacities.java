package org.weft.dataplane.table;

import java.util.Arrays;

/**
 * How many slots the segments of an {@link OffHeapMap} have: one of few numbers, so that memory
 * which one segment leaves fits another. Each number is 1.41 times the one before.
 */
final class Capacities {
    static final int SMALLEST = 16;
    static final int LARGEST = 4096;

    private static final int[] ALL = new int[2 * Integer.numberOfTrailingZeros(LARGEST / SMALLEST) + 1];

    static {
        Arrays.setAll(ALL, i -> (int) (SMALLEST * Math.pow(2, i / 2.0)));
    }

    private Capacities() {}

    /** Slots of a segment that may be used, tombstones included: three in four. */
    static int mostUsed(int capacity) {
        return (int) (capacity * 3L / 4);
    }

    /**
     * The least capacity, but no less than a given one, whose slots this many entries leave enough
     * of.
     */
    static int of(int entries, int least) {
        for (int capacity : ALL) {
            if (capacity >= least && entries * 100L <= capacity * 62L) {
                return capacity;
            }
        }
        return LARGEST;
    }
}
