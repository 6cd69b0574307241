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
    private volatile int networkLengths;

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

    /**
     * Removes every entry and gives their memory back, so it needs none. Returns how many it
     * removed.
     */
    public synchronized int flush() {
        int flushed = macs.size();
        macs.release();
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

    /**
     * Notes that an entry may stand for an IPv4 network of this prefix length, 1 to 32, at the
     * network's address. Call it before such an entry is added.
     */
    public synchronized void noteNetworkLength(int length) {
        networkLengths |= bit(length);
    }

    /**
     * Prefix lengths of IPv4 networks that an entry may stand for: bits 1 to 31, and bit 0 for
     * length 32.
     */
    public int networkLengths() {
        return networkLengths;
    }

    private static int bit(int length) {
        return 1 << length % Integer.SIZE;
    }

    /**
     * MAC address of an IPv4 address, or else of the longest network with an entry that the address
     * is in; {@link #NONE} if there is none. The answer is of one moment, see {@link Additions}.
     * Lock-free; allocates nothing.
     *
     * @param length a further prefix length to look for, beside the noted ones
     */
    public long holder(int address, int length) {
        for (int tries = 1; ; tries++) {
            long before = macs.additions().count();
            long mac = search(address, (networkLengths | bit(length)) & ~1);
            if (!macs.additions().repeats(before, tries)) {
                return mac;
            }
        }
    }

    private long search(int address, int lengths) {
        long mac = lookup(0, IpAddress.ipv4Low(address));
        int left = lengths;
        while (mac == NONE && left != 0) {
            int longest = Integer.highestOneBit(left);
            int length = Integer.numberOfTrailingZeros(longest);
            mac = lookup(0, IpAddress.ipv4Low(address & -1 << Integer.SIZE - length));
            left ^= longest;
        }
        return mac;
    }

    /** MAC address of a neighbour, or {@link #NONE}. Lock-free; allocates nothing. */
    public long lookup(long high, long low) {
        long mac = macs.get(high, low);
        return mac == OffHeapMap.MISSING ? NONE : mac;
    }
}
