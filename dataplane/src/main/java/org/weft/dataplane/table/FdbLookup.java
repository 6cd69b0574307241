package org.weft.dataplane.table;

/** What a lookup found: one remote, or several. Reused from lookup to lookup by one thread. */
public final class FdbLookup {
    int count;
    long[] high = new long[1];
    long[] low = new long[1];
    int[] port = new int[1];
    int[] vni = new int[1];

    /** How many remotes there are. */
    public int count() {
        return count;
    }

    /** High 64 bits of a remote's address. */
    public long high(int index) {
        return high[index];
    }

    /** Low 64 bits of a remote's address; an IPv4 one as {@code ::ffff:a.b.c.d}. */
    public long low(int index) {
        return low[index];
    }

    /** UDP port of a remote; 0 for the VTEP's own. */
    public int port(int index) {
        return port[index];
    }

    /** VNI of a remote; {@link Remote#SAME_VNI} for the VTEP's own. */
    public int vni(int index) {
        return vni[index];
    }
}
