package org.weft.dataplane.table;

import java.lang.ref.Reference;
import java.util.concurrent.ThreadLocalRandom;
import org.agrona.BitUtil;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * How many slots of a flow table each local address has, off the heap, so that one address does not keep the others' flows
 * out. Any thread may count. Addresses are told apart by a seeded hash; two that share a count by chance share it as one.
 */
public final class Shares {
    /** So many that two addresses of a host hardly ever share one. */
    private static final int COUNTS = 1 << 14;

    private final UnsafeBuffer counts =
            new UnsafeBuffer(BufferUtil.allocateDirectAligned(COUNTS * Integer.BYTES, BitUtil.CACHE_LINE_LENGTH));
    private final long seed = ThreadLocalRandom.current().nextLong();
    private final int most;

    /** @param most slots that an address has for itself */
    public Shares(int most) {
        this.most = most;
    }

    public void add(long high, long low, int change) {
        counts.getAndAddInt(offset(high, low), change);
        Reference.reachabilityFence(this);
    }

    /** How many slots the address has, those of flows that ended in silence included. */
    public int count(long high, long low) {
        int count = counts.getIntVolatile(offset(high, low));
        Reference.reachabilityFence(this);
        return count;
    }

    /** Whether the address has more slots than its share. */
    public boolean isExceeded(long high, long low) {
        return count(high, low) > most;
    }

    private int offset(long high, long low) {
        long hash = (low ^ seed) * 0x9e37_79b9_7f4a_7c15L;
        hash = ((hash ^ hash >>> 32) + high) * 0xd6e8_feb8_6659_fd93L;
        return (int) (hash >>> 32) & COUNTS - 1 << 2;
    }
}
