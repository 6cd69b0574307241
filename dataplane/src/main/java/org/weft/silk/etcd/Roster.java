package org.weft.silk.etcd;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.lease.Overlay;

/**
 * All keys of {@code leases/} and {@code alive/} as of one revision, and which hosts count as alive. A host whose key
 * in {@code alive/} is gone counts as alive a little longer, for it may just be putting it back; while the roster
 * doubts, because etcd itself was away and keys may be gone for no other reason, it counts until the doubt ends. A
 * subnet whose key in {@code leases/} was deleted is gone at once. Times are those of {@link System#nanoTime}.
 */
final class Roster {
    private final Overlay overlay;
    private final Keys keys;
    private final long reprieve;

    /** Keys that are named as no subnet is are shown to operators, but not any number of them. */
    private static final int MAX_STRANGERS = 1000;

    private final Map<String, Owned> owned = new TreeMap<>();
    private final Set<String> alive = new HashSet<>();

    /** Names that count as alive though they are not, and until when at least. */
    private final Map<String, Long> missing = new HashMap<>();

    /** What a store that was lost had, as long as there is doubt. */
    private final Map<String, Owned> kept = new TreeMap<>();

    private String cluster;
    private long revision;
    private boolean doubting;
    private long doubtUntil;
    private boolean changed;
    private int strangers;

    /** @param reprieve how long a host counts as alive whose key is gone */
    Roster(Overlay overlay, Keys keys, Duration reprieve) {
        this.overlay = overlay;
        this.keys = keys;
        this.reprieve = reprieve.toNanos();
    }

    /** The newest revision whose changes are in it; 0 before the first list. */
    long revision() {
        return revision;
    }

    /** Whether a member with this header has at least the history that this roster comes from. */
    boolean continues(Header header) {
        return header.cluster().equals(cluster) && header.revision() >= revision;
    }

    /** Until when nobody is taken for dead. */
    void doubt(long until) {
        doubtUntil = doubting ? Math.max(doubtUntil, until) : until;
        doubting = true;
    }

    /** Takes all keys of a moment. At first everyone with a subnet counts as alive, until the doubt ends. */
    void replace(Header header, List<KeyValue> kvs, long now) {
        Set<String> counted = countedAlive();
        boolean first = cluster == null;
        if (!first && !continues(header)) {
            kept.putAll(owned);
        }
        owned.clear();
        strangers = 0;
        alive.clear();
        missing.clear();
        kvs.forEach(this::put);
        owned.keySet().forEach(kept::remove);
        for (String name : owned.keySet()) {
            if (!alive.contains(name) && (first || counted.contains(name))) {
                missing.put(name, now + reprieve);
            }
        }
        cluster = header.cluster();
        revision = header.revision();
        changed = true;
    }

    private Set<String> countedAlive() {
        Set<String> counted = new HashSet<>(alive);
        counted.addAll(missing.keySet());
        return counted;
    }

    void apply(WatchStream.Change change, long now) {
        revision = Math.max(revision, change.kv().modRevision());
        if (change.deleted()) {
            remove(change.kv().key(), now);
        } else {
            put(change.kv());
        }
    }

    /** Which keys of a list the roster will take. */
    Predicate<KeyValue> newcomers() {
        int[] strangers = {0};
        return kv -> keys.isOfSubnet(kv.key()) || keys.isLease(kv.key()) && ++strangers[0] <= MAX_STRANGERS;
    }

    /** Keys that are known. */
    int size() {
        return owned.size() + alive.size();
    }

    /** Whether there is room for a key of {@code leases/}, which is counted. */
    private boolean admits(String key) {
        if (keys.isOfSubnet(key) || owned.containsKey(keys.name(key))) {
            return true;
        }
        if (strangers == MAX_STRANGERS) {
            return false;
        }
        strangers++;
        return true;
    }

    private void put(KeyValue kv) {
        if (keys.isLease(kv.key())) {
            if (!admits(kv.key())) {
                return;
            }
            String name = keys.name(kv.key());
            owned.put(name, Owned.of(overlay, name, kv));
            kept.remove(name);
            changed = true;
        } else if (keys.isOfSubnet(kv.key())) {
            String name = keys.name(kv.key());
            changed |= alive.add(name);
            missing.remove(name);
        }
    }

    private void remove(String key, long now) {
        if (keys.isLease(key)) {
            String name = keys.name(key);
            if (owned.containsKey(name) && !keys.isOfSubnet(key)) {
                strangers--;
            }
            changed |= owned.remove(name) != null | kept.remove(name) != null;
            missing.remove(name);
        } else if (keys.isAlive(key) && alive.remove(keys.name(key))) {
            missing.put(keys.name(key), now + reprieve);
        }
    }

    /** Ends the doubt and takes for dead who is due. */
    void lapse(long now) {
        if (doubting && now - doubtUntil < 0) {
            return;
        }
        doubting = false;
        changed |= !kept.isEmpty();
        kept.clear();
        changed |= missing.values().removeIf(due -> now - due >= 0);
    }

    /** Nanoseconds until {@link #lapse} may have something to do; {@link Long#MAX_VALUE} if never. */
    long untilLapse(long now) {
        if (doubting) {
            return doubtUntil - now;
        }
        return missing.values().stream().mapToLong(due -> due - now).min().orElse(Long.MAX_VALUE);
    }

    /** Whether {@link #records} may have changed since this was asked last. */
    boolean takeChanged() {
        boolean was = changed;
        changed = false;
        return was;
    }

    /** Leases of hosts that count as alive, in the order of their keys, and everything that is not well-formed. */
    List<LeaseRecord> records() {
        List<LeaseRecord> records = new ArrayList<>(owned.size());
        owned.forEach((name, entry) -> {
            if (entry.lease() == null || isCounted(name)) {
                records.add(entry.record());
            }
        });
        kept.values().forEach(entry -> records.add(entry.record()));
        return records;
    }

    private boolean isCounted(String name) {
        return alive.contains(name) || missing.containsKey(name);
    }

    boolean isAlive(String name) {
        return alive.contains(name);
    }

    /** The key of a subnet; null if there is none. */
    Owned owned(String name) {
        return owned.get(name);
    }

    /** Keys of {@code leases/} by name. */
    Map<String, Owned> owned() {
        return owned;
    }

    /** Keys that were lost with the store; their hosts are about to put them back. */
    Collection<Owned> kept() {
        return kept.values();
    }
}
