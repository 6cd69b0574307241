package org.weft.dataplane.table;

import java.util.stream.Stream;
import org.weft.encap.IpAddress;

/** Overlay IP addresses and the MAC addresses they are at. */
public final class NeighbourTable {
    /** What {@link #lookup} returns for an address that is not in the table; no MAC address has this value. */
    public static final long NONE = -1;

    /** One entry. */
    public record Neighbour(IpAddress address, long mac) {}

    private final OffHeapMap macs;

    public NeighbourTable() {
        this(new OffHeapMap(2));
    }

    NeighbourTable(OffHeapMap macs) {
        this.macs = macs;
    }

    public synchronized Outcome add(IpAddress address, long mac) {
        return macs.contains(address.high(), address.low()) ? Outcome.EXISTS : replace(address, mac);
    }

    /** A new entry, or another MAC in place of what there was. */
    public synchronized Outcome replace(IpAddress address, long mac) {
        return macs.put(address.high(), address.low(), mac, 0, 0) ? Outcome.OK : Outcome.FULL;
    }

    public synchronized Outcome remove(IpAddress address) {
        return macs.remove(address.high(), address.low()) ? Outcome.OK : Outcome.NOT_FOUND;
    }

    /** Removes every entry. Returns how many went. */
    public synchronized int flush() {
        int flushed = macs.size();
        macs.clear();
        return flushed;
    }

    /** Removes every entry and gives all memory back, once nothing writes to the table any more. */
    public synchronized void release() {
        macs.release();
    }

    public int size() {
        return macs.size();
    }

    /** Whether any entry has an IPv6 address; looks at every entry. */
    public boolean hasIpv6() {
        boolean[] found = {false};
        macs.forEach((high, low, mac, flags, time) -> found[0] |= !new IpAddress(high, low).isIpv4());
        return found[0];
    }

    /** All entries by address, read one after the other as they are asked for. */
    public Stream<Neighbour> entries() {
        return Walk.over(
                keys -> macs.forEach((high, low, mac, flags, time) -> keys.offer(high, low)), (high, low, found) -> {
                    long mac = lookup(high, low);
                    if (mac != NONE) {
                        found.accept(new Neighbour(new IpAddress(high, low), mac));
                    }
                });
    }

    /** MAC address of a neighbour, or {@link #NONE}. Lock-free; allocates nothing. */
    public long lookup(long high, long low) {
        long mac = macs.get(high, low);
        return mac == OffHeapMap.MISSING ? NONE : mac;
    }
}
