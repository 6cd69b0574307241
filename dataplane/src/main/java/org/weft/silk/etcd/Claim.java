package org.weft.silk.etcd;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.Overlay;
import org.weft.silk.lease.SilkNames;

/**
 * The choice of a subnet by what the roster knows, and the transaction that takes it, which holds only if nothing in
 * its way changed since the roster's revision.
 *
 * @param lease what is claimed
 * @param before the subnet's key if this host has it already, or null
 */
record Claim(Lease lease, Owned before) {
    static Claim of(Roster roster, IpAddress underlay, IpPrefix subnet) {
        return new Claim(new Lease(underlay, subnet, SilkNames.vtepMac(subnet)), roster.owned(Keys.name(subnet)));
    }

    /**
     * Chooses: a subnet that etcd says this host has, or else the one held before, or else any.
     *
     * @param held null if none was
     * @return null if none is free
     */
    static IpPrefix choose(Roster roster, Pool pool, IpAddress underlay, IpPrefix held) {
        List<IpPrefix> taken = new ArrayList<>();
        IpPrefix ours = null;
        for (var entry : roster.owned().entrySet()) {
            IpPrefix subnet = Owned.subnet(entry.getKey(), entry.getValue());
            if (entry.getValue().isOf(underlay)) {
                ours = pool.contains(subnet) && (ours == null || subnet.equals(held)) ? subnet : ours;
            } else if (subnet != null) {
                taken.add(subnet);
            }
        }
        if (ours != null) {
            return ours;
        }
        roster.kept().stream()
                .filter(kept -> kept.lease() != null && !kept.isOf(underlay))
                .forEach(kept -> taken.add(kept.lease().subnet()));
        if (held != null && pool.contains(held) && taken.stream().noneMatch(other -> Pool.overlap(held, other))) {
            return held;
        }
        return pool.pick(taken, ThreadLocalRandom.current().nextDouble());
    }

    /**
     * All keys of the lease at once. A host has one subnet: others it had, perhaps of another length, go in the same
     * moment.
     *
     * @param pointer the host's key in {@code underlay/}; null if there is none
     */
    Transaction transaction(
            Keys keys, Overlay overlay, Roster roster, KeyValue pointer, long ownLease, long aliveLease) {
        String name = Keys.name(lease.subnet());
        String underlay = keys.underlay(lease.underlay());
        Transaction claim = new Transaction()
                .ifUnchanged(underlay, pointer == null ? 0 : pointer.modRevision())
                .ifUnchanged(keys.lease(name), before == null ? 0 : before.kv().modRevision())
                .put(keys.lease(name), Keys.value(lease), ownLease)
                .put(underlay, name, ownLease)
                .put(keys.alive(name), lease.underlay().toString(), aliveLease);
        if (before == null) {
            onlyIfFree(claim, keys, overlay, roster);
        }
        if (pointer != null && !pointer.value().equals(name) && roster.owned(pointer.value()) == null) {
            // A subnet that another daemon of this host took just now, and the roster has not heard of: not one more.
            claim.ifUnchanged(keys.lease(pointer.value()), 0);
        }
        roster.owned().forEach((other, owned) -> {
            if (owned.isOf(lease.underlay()) && !other.equals(name)) {
                claim.ifUnchanged(keys.lease(other), owned.kv().modRevision())
                        .delete(keys.lease(other))
                        .delete(keys.alive(other));
            }
        });
        return claim;
    }

    /** Nothing that overlaps was claimed since; of what was before, the subnet was chosen free. */
    private void onlyIfFree(Transaction claim, Keys keys, Overlay overlay, Roster roster) {
        IpPrefix subnet = lease.subnet();
        keys.containing(subnet, overlay.networkOf(subnet.address()).length()).forEach(key -> claim.ifUnchanged(key, 0));
        keys.within(subnet).forEach(range -> claim.ifNoneNewer(range, roster.revision()));
    }
}
