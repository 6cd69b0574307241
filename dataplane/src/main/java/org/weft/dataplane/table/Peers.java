package org.weft.dataplane.table;

/**
 * The underlay addresses that permanent forwarding entries lead to, off the heap, each with the number of remotes that have
 * it. Writers hold the monitor of the table that owns it; readers hold nothing.
 */
final class Peers {
    private final OffHeapMap remotes = new OffHeapMap(2);

    /** Whether any remote has this address. */
    boolean contains(long high, long low) {
        return remotes.get(high, low) != OffHeapMap.MISSING;
    }

    /**
     * Counts the remotes of an entry.
     *
     * @return false if there is no memory for them; nothing is counted then
     */
    boolean add(RemoteGroup group) {
        for (int i = 0; i < group.count(); i++) {
            if (!count(group.high[i], group.low[i], 1)) {
                for (int counted = 0; counted < i; counted++) {
                    count(group.high[counted], group.low[counted], -1);
                }
                return false;
            }
        }
        return true;
    }

    /** Takes back what {@link #add} counted. */
    void remove(RemoteGroup group) {
        for (int i = 0; i < group.count(); i++) {
            count(group.high[i], group.low[i], -1);
        }
    }

    /** Counts none any more, and gives all memory back. */
    void release() {
        remotes.release();
    }

    private boolean count(long high, long low, int change) {
        long before = remotes.get(high, low);
        long after = (before == OffHeapMap.MISSING ? 0 : before) + change;
        return after == 0 ? remotes.remove(high, low) : remotes.put(high, low, after, 0, 0);
    }
}
