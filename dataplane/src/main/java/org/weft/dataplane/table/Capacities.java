package org.weft.dataplane.table;

import java.util.Arrays;

/**
 * The numbers of slots that segments of an {@link OffHeapMap} may have. They are few, so that the
 * memory of one segment fits another. Each number is 1.41 times the one before.
 */
final class Capacities {
    static final int SMALLEST = 16;
    static final int LARGEST = 4096;

    private static final int[] ALL = new int[2 * Integer.numberOfTrailingZeros(LARGEST / SMALLEST) + 1];

    static {
        Arrays.setAll(ALL, i -> (int) (SMALLEST * Math.pow(2, i / 2.0)));
    }

    private Capacities() {}

    /** The number of slots that a segment may use, tombstones included: three in four. */
    static int mostUsed(int capacity) {
        return (int) (capacity * 3L / 4);
    }

    /**
     * The smallest capacity, at least the given one, that leaves enough room beside this many
     * entries.
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
