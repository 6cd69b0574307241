package org.weft.dataplane.table;

import java.lang.invoke.VarHandle;

/**
 * The number of keys that were added to a table, so that a lookup in several steps gives an answer
 * of one moment.
 *
 * <p>Such a lookup asks for one key after the other, and takes the first one that is there. It
 * could miss a key added behind the place that it has reached, and another key removed in front of
 * that place. So the lookup reads the count before and after its steps, and repeats them if a key
 * was added meanwhile. Otherwise the keys that it missed were missing at its last step, too, and
 * its answer is the table's at that moment. Keys that are removed, or get other values, do not
 * matter.
 *
 * <p>The writer counts when the key can be found, and before it changes anything else. A reader
 * takes no lock. It takes at most {@value #MOST_TRIES} tries: each one that fails needs a key that
 * was added in the nanoseconds of that try.
 */
final class Additions {
    private static final int MOST_TRIES = 64;

    private volatile long count;

    /** Counts a key; the caller excludes other writers. */
    void note() {
        count = count + 1;
    }

    /** The count for {@link #repeats}; call it before the first step of each try. */
    long count() {
        return count;
    }

    /**
     * Whether the lookup must repeat its steps; call it after the last one.
     *
     * @param before the count before the first step
     * @param tries how often the steps were taken, this time included
     */
    boolean repeats(long before, int tries) {
        VarHandle.loadLoadFence();
        return count != before && tries < MOST_TRIES;
    }
}
