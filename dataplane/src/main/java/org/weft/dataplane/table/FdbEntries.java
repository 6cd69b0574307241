package org.weft.dataplane.table;

import org.weft.dataplane.table.FdbTable.Learned;
import org.weft.encap.IpAddress;

/**
 * The entries of a {@link FdbTable} as packets use them: looked up without a lock, and learned.
 *
 * <p>Nearly every entry has a single remote with the VTEP's own port and VNI. Such an entry holds
 * the remote's address itself: a lookup touches one slot, whose words are valid or not as a whole.
 * Any other entry names a {@link RemoteGroup} on the heap.
 *
 * <p>Changes by operators hold the table's monitor. Each change of an entry holds the monitor of
 * the map, too; learning holds only that one. No thread takes off-heap memory under it.
 */
final class FdbEntries {
    private static final int PERMANENT = 1;
    private static final int GROUP = 2;

    /** Chooses the entries to remove. */
    interface Condition {
        boolean holds(boolean permanent, int time);
    }

    private final OffHeapMap map;
    private final RemoteGroups groups = new RemoteGroups();
    private final int limit;

    /** @param limit most entries; 0 for no limit */
    FdbEntries(int limit, OffHeapMap map) {
        this.limit = limit;
        this.map = map;
    }

    OffHeapMap map() {
        return map;
    }

    static boolean isPermanent(int flags) {
        return (flags & PERMANENT) != 0;
    }

    private static boolean isGroup(long entry) {
        return (Slots.flags(entry) & GROUP) != 0;
    }

    private boolean isFull() {
        return limit != 0 && map.size() >= limit;
    }

    /** The entry for one MAC, or null. */
    FdbEntry entry(long mac) {
        FdbLookup found = new FdbLookup();
        long hash = map.hash(mac, 0);
        while (true) {
            Slots slots = map.slots(hash);
            long entry = slots.find(hash, mac, 0);
            if (entry == Slots.GONE) {
                continue;
            }
            if (entry == Slots.NONE) {
                return null;
            }
            int time = slots.time(entry);
            if (read(slots, entry, mac, found)) {
                boolean permanent = isPermanent(Slots.flags(entry));
                return new FdbEntry(mac, found.remotes(), permanent, Integer.toUnsignedLong(time));
            }
        }
    }

    /** As {@link FdbTable#lookup}. */
    boolean lookup(long mac, FdbLookup found) {
        long hash = map.hash(mac, 0);
        while (true) {
            Slots slots = map.slots(hash);
            long entry = slots.find(hash, mac, 0);
            if (entry == Slots.NONE) {
                return false;
            }
            if (entry != Slots.GONE && read(slots, entry, mac, found)) {
                return true;
            }
        }
    }

    /** The entry of a MAC, or else that of another MAC, at one moment, see {@link Additions}. */
    boolean lookupEither(long mac, long other, FdbLookup found) {
        for (int tries = 1; ; tries++) {
            long before = map.additions().count();
            boolean isFound = lookup(mac, found) || lookup(other, found);
            if (!map.additions().repeats(before, tries)) {
                return isFound;
            }
        }
    }

    /** Whether {@code found} still has the entry as the lookup found it. */
    private boolean read(Slots slots, long entry, long mac, FdbLookup found) {
        if (!isGroup(entry)) {
            found.set(slots.second(entry), slots.third(entry));
            return slots.unchanged(entry);
        }
        RemoteGroup group = groups.get(slots.third(entry), mac);
        found.set(group);
        return slots.unchanged(entry) && group != null;
    }

    /** As {@link FdbTable#learn}. */
    Learned learn(long mac, long remoteHigh, long remoteLow, long nowSeconds) {
        long hash = map.hash(mac, 0);
        while (true) {
            Slots slots = map.slots(hash);
            long entry = slots.find(hash, mac, 0);
            if (entry == Slots.GONE) {
                continue;
            }
            if (entry == Slots.NONE) {
                // Each frame of a flood of addresses comes here, so this takes no lock.
                return isFull() || slots.isPacked()
                        ? Learned.FULL
                        : learnOrMove(mac, remoteHigh, remoteLow, (int) nowSeconds);
            }
            boolean same = slots.second(entry) == remoteHigh && slots.third(entry) == remoteLow;
            if (isGroup(entry)) {
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
                return isPermanent(Slots.flags(entry))
                        ? Learned.STATIC_ELSEWHERE
                        : learnOrMove(mac, remoteHigh, remoteLow, (int) nowSeconds);
            }
        }
    }

    /** Learns under the lock, because the entry may have changed before {@link #learn} got it. */
    private Learned learnOrMove(long mac, long remoteHigh, long remoteLow, int now) {
        synchronized (map) {
            Slots slots = map.slots(map.hash(mac, 0));
            long entry = slots.find(mac, 0);
            if (entry == Slots.NONE) {
                boolean learned = !isFull() && map.putIfRoom(mac, remoteHigh, remoteLow, 0, now);
                return learned ? Learned.LEARNED : Learned.FULL;
            }
            RemoteGroup group = isGroup(entry) ? groups.get(slots.third(entry), mac) : null;
            boolean same = group == null
                    ? slots.second(entry) == remoteHigh && slots.third(entry) == remoteLow
                    : group.startsAt(remoteHigh, remoteLow);
            if (same) {
                return Learned.KNOWN;
            }
            if (isPermanent(Slots.flags(entry))) {
                return Learned.STATIC_ELSEWHERE;
            }
            if (group == null) {
                map.putIfRoom(mac, remoteHigh, remoteLow, 0, now);
            } else {
                int id = groups.put((int) slots.third(entry), group.movedTo(remoteHigh, remoteLow));
                map.putIfRoom(mac, 0, id, GROUP, now);
            }
            return Learned.LEARNED;
        }
    }

    /** Operators only: the remotes of an entry, or null if there is none. */
    RemoteGroup remotes(long mac) {
        synchronized (map) {
            Slots slots = map.slots(map.hash(mac, 0));
            long entry = slots.find(mac, 0);
            if (entry == Slots.NONE) {
                return null;
            }
            return isGroup(entry)
                    ? groups.get(slots.third(entry), mac)
                    : new RemoteGroup(mac, new Remote(new IpAddress(slots.second(entry), slots.third(entry))));
        }
    }

    /** Operators only: the remotes of an entry that is permanent, or null. */
    RemoteGroup permanentRemotes(long mac) {
        synchronized (map) {
            return matches(mac, (permanent, time) -> permanent) ? remotes(mac) : null;
        }
    }

    /** With the map's monitor: whether there is an entry for which the condition holds. */
    private boolean matches(long mac, Condition condition) {
        Slots slots = map.slots(map.hash(mac, 0));
        long entry = slots.find(mac, 0);
        return entry != Slots.NONE && condition.holds(isPermanent(Slots.flags(entry)), slots.time(entry));
    }

    /**
     * Operators only: stores an entry. Makes room for it without the map's monitor, because that
     * may have to wait for memory.
     *
     * @param added whether it must be a new entry
     */
    Outcome store(RemoteGroup remotes, boolean permanent, int time, boolean added) {
        do {
            synchronized (map) {
                boolean known = map.contains(remotes.mac, 0);
                if (known && added) {
                    return Outcome.EXISTS;
                }
                if (!known && isFull()) {
                    return Outcome.FULL;
                }
                if (map.hasRoom(remotes.mac, 0)) {
                    put(remotes, permanent ? PERMANENT : 0, time);
                    return Outcome.OK;
                }
            }
        } while (map.makeRoom(remotes.mac, 0));
        return Outcome.FULL;
    }

    private void put(RemoteGroup remotes, int flags, int time) {
        int before = groupOf(remotes.mac);
        if (!remotes.isPlain()) {
            map.putIfRoom(remotes.mac, 0, groups.put(before, remotes), flags | GROUP, time);
            return;
        }
        map.putIfRoom(remotes.mac, remotes.high[0], remotes.low[0], flags, time);
        if (before >= 0) {
            groups.remove(before);
        }
    }

    /** With the map's monitor: id of an entry's group, or -1. */
    private int groupOf(long mac) {
        Slots slots = map.slots(map.hash(mac, 0));
        long entry = slots.find(mac, 0);
        return entry != Slots.NONE && isGroup(entry) ? (int) slots.third(entry) : -1;
    }

    /**
     * Operators only: removes an entry for which the condition holds. Returns whether there was
     * one.
     */
    boolean removeIf(long mac, Condition condition) {
        synchronized (map) {
            if (!matches(mac, condition)) {
                return false;
            }
            int group = groupOf(mac);
            map.removeInPlace(mac, 0);
            if (group >= 0) {
                groups.remove(group);
            }
        }
        map.shrink(mac, 0);
        return true;
    }
}
