package org.weft.dataplane.table;

import java.util.stream.Stream;
import org.weft.encap.IpAddress;

/**
 * Forwarding database of one VTEP.
 *
 * <p>An entry with a single remote that has the VTEP's own port and VNI, which is nearly every one, holds the remote's
 * address itself: a lookup touches one slot, and what it reads there is valid or not as a whole. Any other entry names a
 * {@link RemoteGroup} on the heap.
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
        /** The limit is reached; nothing was learned. */
        FULL
    }

    private static final int PERMANENT = 1;
    private static final int GROUP = 2;
    private static final long MULTICAST = 1L << 40;
    private static final int SWEEPS = 8;

    private final OffHeapMap entries;
    private final RemoteGroups groups = new RemoteGroups();
    private final Peers peers = new Peers();
    private final int limit;

    /** @param limit most entries it takes, whatever their kind (kernel {@code maxaddress}); 0 for no limit. */
    public FdbTable(int limit) {
        this(limit, new OffHeapMap(1));
    }

    FdbTable(int limit, OffHeapMap entries) {
        this.limit = limit;
        this.entries = entries;
    }

    /** A new entry with one remote; {@link Outcome#EXISTS} if there is one for this MAC. */
    public synchronized Outcome add(long mac, Remote remote, boolean permanent, long nowSeconds) {
        return entries.contains(mac, 0) ? Outcome.EXISTS : create(mac, remote, permanent, nowSeconds);
    }

    /**
     * One more remote, to an entry that may exist; default and multicast entries only. A remote that the entry has
     * already is not added again. (The kernel ignores another remote for a unicast entry, and reports success.)
     */
    public synchronized Outcome append(long mac, Remote remote, boolean permanent, long nowSeconds) {
        RemoteGroup current = current(mac);
        if (current == null) {
            return create(mac, remote, permanent, nowSeconds);
        }
        boolean known = current.indexOf(remote) >= 0;
        if (!known && !mayHaveSeveral(mac)) {
            return Outcome.NOT_SUPPORTED;
        }
        return store(known ? current : current.with(remote), permanent, nowSeconds);
    }

    /**
     * A new entry, or another remote in place of what there was. Not for multicast entries; for the default entry, which
     * the kernel refuses as well, it means this remote and no other.
     */
    public synchronized Outcome replace(long mac, Remote remote, boolean permanent, long nowSeconds) {
        if (isMulticast(mac)) {
            return Outcome.NOT_SUPPORTED;
        }
        return entries.contains(mac, 0)
                ? store(new RemoteGroup(mac, remote), permanent, nowSeconds)
                : create(mac, remote, permanent, nowSeconds);
    }

    /** Removes a remote of an entry, and the entry with its last; a null remote removes all. */
    public synchronized Outcome remove(long mac, Remote remote) {
        RemoteGroup current = current(mac);
        if (current == null) {
            return Outcome.NOT_FOUND;
        }
        int index = remote == null ? 0 : current.indexOf(remote);
        if (index < 0) {
            return Outcome.NOT_FOUND;
        }
        if (remote == null || current.count() == 1) {
            removeEntry(mac);
            return Outcome.OK;
        }
        long hash = entries.hash(mac, 0);
        Slots slots = entries.slots(hash);
        long entry = slots.find(hash, mac, 0);
        return store(current.without(index), (Slots.flags(entry) & PERMANENT) != 0, slots.time(entry));
    }

    /**
     * Removes every entry, or only learned ones, that is there all the time; one that is added or learned meanwhile may
     * stay. Takes the monitor for each entry it removes, so that learning does not wait for all. Returns how many went.
     */
    public int flush(boolean learnedOnly) {
        return removeWhere((flags, time) -> !learnedOnly || (flags & PERMANENT) == 0);
    }

    /**
     * Removes entries that are not permanent and were not refreshed for this long (kernel {@code vxlan_cleanup}); an age
     * of 0 removes none. Takes the monitor for each entry it removes, not while it searches. Returns how many went.
     */
    public int age(long nowSeconds, long ageingSeconds) {
        return ageingSeconds == 0 ? 0 : removeWhere((flags, time) -> isOld(flags, time, nowSeconds, ageingSeconds));
    }

    /** Removes every entry and gives all memory back, once nothing writes to the table any more. */
    public synchronized void release() {
        entries.release();
        peers.release();
    }

    /** Which entries are to go. */
    private interface Condition {
        boolean holds(int flags, int time);
    }

    /** Segment after segment, in memory for the keys of one, however large the table is. */
    private int removeWhere(Condition condition) {
        long[] macs = new long[OffHeapMap.LARGEST];
        int[] count = {0};
        OffHeapMap.Visitor collect = (mac, second, third, flags, time) -> {
            if (condition.holds(flags, time)) {
                macs[count[0]++] = mac;
            }
        };
        int removed = 0;
        for (long position = 0; position < OffHeapMap.END; ) {
            count[0] = 0;
            position = entries.visit(position, collect);
            removed += removeIf(macs, count[0], condition);
        }
        return removed;
    }

    /**
     * Removes these MACs, which are in the order of their hashes: every eighth, then those next to them, and so on. If the
     * lower hashes went first, the table would shrink with the upper ones left, which crowd in the smaller one.
     */
    private int removeIf(long[] macs, int count, Condition condition) {
        int removed = 0;
        for (int first = 0; first < SWEEPS; first++) {
            for (int i = first; i < count; i += SWEEPS) {
                removed += removeIf(macs[i], condition) ? 1 : 0;
            }
        }
        return removed;
    }

    private synchronized boolean removeIf(long mac, Condition condition) {
        long hash = entries.hash(mac, 0);
        Slots slots = entries.slots(hash);
        long entry = slots.find(hash, mac, 0);
        boolean goes = entry != Slots.NONE && condition.holds(Slots.flags(entry), slots.time(entry));
        if (goes) {
            removeEntry(mac);
        }
        return goes;
    }

    /** Seconds are kept in 32 bits; their difference is right whatever the clock started from. */
    private static boolean isOld(int flags, int time, long nowSeconds, long ageingSeconds) {
        return (flags & PERMANENT) == 0 && (int) nowSeconds - time >= ageingSeconds;
    }

    public int size() {
        return entries.size();
    }

    /** Off-heap memory of all entries. */
    public long bytes() {
        return entries.bytes();
    }

    /** All entries by MAC, read one after the other as they are asked for; for show. Other threads may change the table. */
    public Stream<FdbEntry> entries() {
        return Walk.over(
                keys -> entries.forEach((mac, second, third, flags, time) -> keys.offer(mac, 0)),
                (mac, none, found) -> {
                    FdbEntry entry = entry(mac);
                    if (entry != null) {
                        found.accept(entry);
                    }
                });
    }

    /** The entry for one MAC, or null. */
    public FdbEntry entry(long mac) {
        FdbLookup found = new FdbLookup();
        long hash = entries.hash(mac, 0);
        while (true) {
            Slots slots = entries.slots(hash);
            long entry = slots.find(hash, mac, 0);
            if (entry == Slots.GONE) {
                continue;
            }
            if (entry == Slots.NONE) {
                return null;
            }
            int time = slots.time(entry);
            if (read(slots, entry, mac, found)) {
                boolean permanent = (Slots.flags(entry) & PERMANENT) != 0;
                return new FdbEntry(mac, found.remotes(), permanent, Integer.toUnsignedLong(time));
            }
        }
    }

    /**
     * Looks up the entry of a MAC. Lock-free; allocates nothing.
     *
     * @return whether there is one; the result is in {@code found}, which says nothing if there is none
     */
    public boolean lookup(long mac, FdbLookup found) {
        long hash = entries.hash(mac, 0);
        while (true) {
            Slots slots = entries.slots(hash);
            long entry = slots.find(hash, mac, 0);
            if (entry == Slots.NONE) {
                return false;
            }
            if (entry != Slots.GONE && read(slots, entry, mac, found)) {
                return true;
            }
        }
    }

    /**
     * Looks up where a frame goes: the entry of its MAC, else the default entry, at one moment, see {@link Additions}.
     * Lock-free; allocates nothing.
     *
     * @return whether there is one; the result is in {@code found}, which says nothing if there is none
     */
    public boolean lookupOrDefault(long mac, FdbLookup found) {
        for (int tries = 1; ; tries++) {
            long before = entries.additions().count();
            if (lookup(mac, found)) {
                return true;
            }
            boolean other = lookup(DEFAULT_MAC, found);
            if (!entries.additions().repeats(before, tries)) {
                return other;
            }
        }
    }

    /** Whether a permanent entry has a remote with this underlay address. Lock-free; allocates nothing. */
    public boolean knows(long remoteHigh, long remoteLow) {
        return peers.contains(remoteHigh, remoteLow);
    }

    /** Whether what is in {@code found} then is the entry as it was found. */
    private boolean read(Slots slots, long entry, long mac, FdbLookup found) {
        if ((Slots.flags(entry) & GROUP) == 0) {
            found.set(slots.second(entry), slots.third(entry));
            return slots.unchanged(entry);
        }
        RemoteGroup group = groups.get(slots.third(entry), mac);
        found.set(group);
        return slots.unchanged(entry) && group != null;
    }

    /**
     * Learns, or refreshes, from a received frame (kernel {@code vxlan_snoop}). Takes the monitor only for a new or moved
     * entry. An entry that moves keeps its port and VNI.
     *
     * @param mac source of the frame; the caller has dropped what is no unicast address
     */
    public Learned learn(long mac, long remoteHigh, long remoteLow, long nowSeconds) {
        long hash = entries.hash(mac, 0);
        while (true) {
            Slots slots = entries.slots(hash);
            long entry = slots.find(hash, mac, 0);
            if (entry == Slots.GONE) {
                continue;
            }
            if (entry == Slots.NONE) {
                return isFull() ? Learned.FULL : learnOrMove(mac, remoteHigh, remoteLow, nowSeconds);
            }
            boolean same = slots.second(entry) == remoteHigh && slots.third(entry) == remoteLow;
            if ((Slots.flags(entry) & GROUP) != 0) {
                RemoteGroup group = groups.get(slots.third(entry), mac);
                if (group == null) {
                    continue;
                }
                same = group.startsAt(remoteHigh, remoteLow);
            }
            if (slots.unchanged(entry)) {
                if (same) {
                    slots.refresh(entry, (int) nowSeconds);
                    return Learned.KNOWN;
                }
                return (Slots.flags(entry) & PERMANENT) != 0
                        ? Learned.STATIC_ELSEWHERE
                        : learnOrMove(mac, remoteHigh, remoteLow, nowSeconds);
            }
        }
    }

    /** What {@link #learn} found may have changed before it got the monitor. */
    private synchronized Learned learnOrMove(long mac, long remoteHigh, long remoteLow, long nowSeconds) {
        RemoteGroup current = current(mac);
        if (current == null) {
            Remote remote = new Remote(new IpAddress(remoteHigh, remoteLow));
            return create(mac, remote, false, nowSeconds) == Outcome.OK ? Learned.LEARNED : Learned.FULL;
        }
        if (current.startsAt(remoteHigh, remoteLow)) {
            return Learned.KNOWN;
        }
        if ((Slots.flags(find(mac)) & PERMANENT) != 0) {
            return Learned.STATIC_ELSEWHERE;
        }
        Outcome moved = store(current.movedTo(remoteHigh, remoteLow), false, nowSeconds);
        return moved == Outcome.OK ? Learned.LEARNED : Learned.FULL;
    }

    /** Writer only. */
    private long find(long mac) {
        long hash = entries.hash(mac, 0);
        return entries.slots(hash).find(hash, mac, 0);
    }

    private boolean isFull() {
        return limit != 0 && size() >= limit;
    }

    private static boolean isMulticast(long mac) {
        return (mac & MULTICAST) != 0;
    }

    private static boolean mayHaveSeveral(long mac) {
        return mac == DEFAULT_MAC || isMulticast(mac);
    }

    /** Writer only: the remotes of an entry, or null if there is none. */
    private RemoteGroup current(long mac) {
        long hash = entries.hash(mac, 0);
        Slots slots = entries.slots(hash);
        long entry = slots.find(hash, mac, 0);
        if (entry == Slots.NONE) {
            return null;
        }
        int group = groupOf(mac);
        return group >= 0
                ? groups.get(group, mac)
                : new RemoteGroup(mac, new Remote(new IpAddress(slots.second(entry), slots.third(entry))));
    }

    /** Writer only: the remotes of an entry that is permanent, or null. */
    private RemoteGroup permanent(long mac) {
        long entry = find(mac);
        return entry != Slots.NONE && (Slots.flags(entry) & PERMANENT) != 0 ? current(mac) : null;
    }

    /** Writer only: id of an entry's group, or -1. */
    private int groupOf(long mac) {
        long hash = entries.hash(mac, 0);
        Slots slots = entries.slots(hash);
        long entry = slots.find(hash, mac, 0);
        return entry != Slots.NONE && (Slots.flags(entry) & GROUP) != 0 ? (int) slots.third(entry) : -1;
    }

    private Outcome create(long mac, Remote remote, boolean permanent, long nowSeconds) {
        return isFull() ? Outcome.FULL : store(new RemoteGroup(mac, remote), permanent, nowSeconds);
    }

    /** New peers are known before the entry leads to them, old ones are as long as it does. */
    private Outcome store(RemoteGroup remotes, boolean permanent, long nowSeconds) {
        if (permanent && !peers.add(remotes)) {
            return Outcome.FULL;
        }
        RemoteGroup former = permanent(remotes.mac);
        Outcome outcome = storeEntry(remotes, permanent, nowSeconds);
        if (outcome == Outcome.OK && former != null) {
            peers.remove(former);
        } else if (outcome != Outcome.OK && permanent) {
            peers.remove(remotes);
        }
        return outcome;
    }

    private Outcome storeEntry(RemoteGroup remotes, boolean permanent, long nowSeconds) {
        int flags = permanent ? PERMANENT : 0;
        int before = groupOf(remotes.mac);
        int after = remotes.isPlain() ? -1 : groups.put(before, remotes);
        boolean stored = after < 0
                ? entries.put(remotes.mac, remotes.high[0], remotes.low[0], flags, (int) nowSeconds)
                : entries.put(remotes.mac, 0, after, flags | GROUP, (int) nowSeconds);
        int unused = stored ? before : after;
        if (unused >= 0 && before != after) {
            groups.remove(unused);
        }
        return stored ? Outcome.OK : Outcome.FULL;
    }

    private void removeEntry(long mac) {
        RemoteGroup former = permanent(mac);
        int group = groupOf(mac);
        entries.remove(mac, 0);
        if (former != null) {
            peers.remove(former);
        }
        if (group >= 0) {
            groups.remove(group);
        }
    }
}
