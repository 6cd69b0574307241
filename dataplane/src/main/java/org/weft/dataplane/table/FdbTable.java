package org.weft.dataplane.table;

import java.util.stream.Stream;

/**
 * Forwarding database of one VTEP.
 *
 * <p>Operators' changes hold the table's monitor, so they come one by one. Lookups hold no lock.
 * Learning holds a lock of the entries for a new or moved one. It takes no memory, because {@link
 * #makeRoom} has taken it before.
 *
 * <p>Outcomes are those of the kernel ({@code vxlan_fdb_update}, {@code __vxlan_fdb_delete}), except where it says so.
 */
public final class FdbTable {
    /** MAC of the default entry, taken for every frame whose destination has none. */
    public static final long DEFAULT_MAC = 0;

    /** What came of showing the table a received frame's source. */
    public enum Learned {
        /** Known with this remote already. */
        KNOWN,
        /** A new entry, or one that moved here. */
        LEARNED,
        /** Belongs to a permanent entry with another remote: the frame must go. */
        STATIC_ELSEWHERE,
        /**
         * The limit is reached, or there is no room until {@link FdbTable#makeRoom} makes some;
         * nothing was learned.
         */
        FULL
    }

    private static final long MULTICAST = 1L << 40;
    private static final int SWEEPS = 8;

    private final FdbEntries entries;
    private final Peers peers = new Peers();

    /** @param limit most entries it takes, whatever their kind (kernel {@code maxaddress}); 0 for no limit. */
    public FdbTable(int limit) {
        this(limit, new OffHeapMap(1));
    }

    FdbTable(int limit, OffHeapMap map) {
        entries = new FdbEntries(limit, map);
    }

    /** A new entry with one remote; {@link Outcome#EXISTS} if there is one for this MAC. */
    public synchronized Outcome add(long mac, Remote remote, boolean permanent, long nowSeconds) {
        return store(new RemoteGroup(mac, remote), permanent, nowSeconds, true);
    }

    /**
     * One more remote, to an entry that may exist; default and multicast entries only. A remote that the entry has
     * already is not added again. (The kernel ignores another remote for a unicast entry, and reports success.)
     */
    public synchronized Outcome append(long mac, Remote remote, boolean permanent, long nowSeconds) {
        RemoteGroup current = entries.remotes(mac);
        if (current == null) {
            return store(new RemoteGroup(mac, remote), permanent, nowSeconds, false);
        }
        boolean known = current.indexOf(remote) >= 0;
        if (!known && !mayHaveSeveral(mac)) {
            return Outcome.NOT_SUPPORTED;
        }
        return store(known ? current : current.with(remote), permanent, nowSeconds, false);
    }

    /**
     * A new entry, or another remote in place of what there was. Not for multicast entries; for the default entry, which
     * the kernel refuses as well, it means this remote and no other.
     */
    public synchronized Outcome replace(long mac, Remote remote, boolean permanent, long nowSeconds) {
        return isMulticast(mac)
                ? Outcome.NOT_SUPPORTED
                : store(new RemoteGroup(mac, remote), permanent, nowSeconds, false);
    }

    /** Removes a remote of an entry, and the entry with its last; a null remote removes all. */
    public synchronized Outcome remove(long mac, Remote remote) {
        RemoteGroup current = entries.remotes(mac);
        if (current == null) {
            return Outcome.NOT_FOUND;
        }
        int index = remote == null ? 0 : current.indexOf(remote);
        if (index < 0) {
            return Outcome.NOT_FOUND;
        }
        if (remote == null || current.count() == 1) {
            removeIf(mac, (permanent, time) -> true);
            return Outcome.OK;
        }
        FdbEntry entry = entries.entry(mac);
        return store(current.without(index), entry.permanent(), entry.updatedSeconds(), false);
    }

    /**
     * Removes every entry, or only learned ones. An entry that comes meanwhile may stay. Takes the
     * monitor for each entry it removes, so that other changes do not wait for all of them. Returns
     * how many it removed.
     */
    public int flush(boolean learnedOnly) {
        return removeWhere((permanent, time) -> !learnedOnly || !permanent);
    }

    /**
     * Removes entries that are not permanent and were not refreshed for this long (kernel {@code vxlan_cleanup}); an age
     * of 0 removes none. Takes the monitor for each entry it removes, not while it searches. Returns how many went.
     */
    public int age(long nowSeconds, long ageingSeconds) {
        // Seconds are kept in 32 bits; their difference is right whatever the clock started from.
        return ageingSeconds == 0
                ? 0
                : removeWhere((permanent, time) -> !permanent && (int) nowSeconds - time >= ageingSeconds);
    }

    /**
     * Makes room to learn at least a thousand more addresses, and more in a larger table. Call it
     * about once a second for a table that learns, on a thread that may wait for memory: {@link
     * #learn} takes none.
     */
    public void makeRoom() {
        for (long position = 0; position < OffHeapMap.END; ) {
            synchronized (this) {
                position = entries.map().makeRoomAt(position);
            }
        }
    }

    /** Removes every entry and gives all memory back. The table learns nothing afterwards. */
    public synchronized void release() {
        entries.map().release();
        peers.release();
    }

    /** Segment after segment, in memory for the keys of one, however large the table is. */
    private int removeWhere(FdbEntries.Condition condition) {
        long[] macs = new long[OffHeapMap.LARGEST];
        int[] count = {0};
        OffHeapMap.Visitor collect = (mac, second, third, flags, time) -> {
            if (condition.holds(FdbEntries.isPermanent(flags), time)) {
                macs[count[0]++] = mac;
            }
        };
        int removed = 0;
        for (long position = 0; position < OffHeapMap.END; ) {
            count[0] = 0;
            position = entries.map().visit(position, collect);
            removed += removeIf(macs, count[0], condition);
        }
        return removed;
    }

    /**
     * Removes these MACs, which are in the order of their hashes: every eighth, then those next to them, and so on. If the
     * lower hashes went first, the table would shrink with the upper ones left, which crowd in the smaller one.
     */
    private int removeIf(long[] macs, int count, FdbEntries.Condition condition) {
        int removed = 0;
        for (int first = 0; first < SWEEPS; first++) {
            for (int i = first; i < count; i += SWEEPS) {
                removed += removeIf(macs[i], condition) ? 1 : 0;
            }
        }
        return removed;
    }

    private synchronized boolean removeIf(long mac, FdbEntries.Condition condition) {
        RemoteGroup former = entries.permanentRemotes(mac);
        boolean removed = entries.removeIf(mac, condition);
        if (removed && former != null) {
            peers.remove(former);
        }
        return removed;
    }

    public int size() {
        return entries.map().size();
    }

    /** Off-heap memory of all entries. */
    public long bytes() {
        return entries.map().bytes();
    }

    /** All entries by MAC, read one after the other as they are asked for; for show. Other threads may change the table. */
    public Stream<FdbEntry> entries() {
        return Walk.over(
                keys -> entries.map().forEach((mac, second, third, flags, time) -> keys.offer(mac, 0)),
                (mac, none, found) -> {
                    FdbEntry entry = entries.entry(mac);
                    if (entry != null) {
                        found.accept(entry);
                    }
                });
    }

    /** The entry for one MAC, or null. */
    public FdbEntry entry(long mac) {
        return entries.entry(mac);
    }

    /**
     * Looks up the entry of a MAC. Lock-free; allocates nothing.
     *
     * @return whether there is one; the result is in {@code found}, which says nothing if there is none
     */
    public boolean lookup(long mac, FdbLookup found) {
        return entries.lookup(mac, found);
    }

    /**
     * Looks up where a frame goes: the entry of its MAC, else the default entry, at one moment, see
     * {@link Additions}. Lock-free; allocates nothing.
     *
     * @return whether there is one; the result is in {@code found}, which says nothing if there is
     *     none
     */
    public boolean lookupOrDefault(long mac, FdbLookup found) {
        return entries.lookupEither(mac, DEFAULT_MAC, found);
    }

    /** Whether a permanent entry has a remote with this underlay address. Lock-free; allocates nothing. */
    public boolean knows(long remoteHigh, long remoteLow) {
        return peers.contains(remoteHigh, remoteLow);
    }

    /**
     * Learns, or refreshes, from a received frame (kernel {@code vxlan_snoop}). An entry that moves
     * keeps its port and VNI. Takes a lock only for a new or moved entry. Other threads hold that
     * lock while they change one entry or copy one segment. Takes no off-heap memory; a move of an
     * operator's entry with its own port or VNI costs an object.
     *
     * @param mac source of the frame; the caller has dropped frames with another than a unicast
     *     address
     */
    public Learned learn(long mac, long remoteHigh, long remoteLow, long nowSeconds) {
        return entries.learn(mac, remoteHigh, remoteLow, nowSeconds);
    }

    private static boolean isMulticast(long mac) {
        return (mac & MULTICAST) != 0;
    }

    private static boolean mayHaveSeveral(long mac) {
        return mac == DEFAULT_MAC || isMulticast(mac);
    }

    /**
     * Adds new peers before the entry leads to them, and removes old ones after it does not.
     *
     * @param added whether it must be a new entry
     */
    private Outcome store(RemoteGroup remotes, boolean permanent, long nowSeconds, boolean added) {
        if (permanent && !peers.add(remotes)) {
            return Outcome.FULL;
        }
        RemoteGroup former = entries.permanentRemotes(remotes.mac);
        Outcome outcome = entries.store(remotes, permanent, (int) nowSeconds, added);
        if (outcome == Outcome.OK && former != null) {
            peers.remove(former);
        } else if (outcome != Outcome.OK && permanent) {
            peers.remove(remotes);
        }
        return outcome;
    }
}
