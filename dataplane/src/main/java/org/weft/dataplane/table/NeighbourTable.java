package org.weft.dataplane.table;

import java.util.List;
import org.weft.encap.IpAddress;

/** Overlay IP addresses and the MAC addresses they are at. */
public final class NeighbourTable {
    /** What {@link #lookup} returns for an address that is not in the table; no MAC address has this value. */
    public static final long NONE = -1;

    /** One entry. */
    public record Neighbour(IpAddress address, long mac) {}

    public Outcome add(IpAddress address, long mac) {
        throw new AssertionError();
    }

    public Outcome replace(IpAddress address, long mac) {
        throw new AssertionError();
    }

    public Outcome remove(IpAddress address) {
        throw new AssertionError();
    }

    public int flush() {
        throw new AssertionError();
    }

    public int size() {
        throw new AssertionError();
    }

    public List<Neighbour> entries() {
        throw new AssertionError();
    }

    /** MAC address of a neighbour, or {@link #NONE}. Lock-free; allocates nothing. */
    public long lookup(long high, long low) {
        throw new AssertionError();
    }
}
