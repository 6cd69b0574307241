package org.weft.silk.etcd;

import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.config.CellConfig;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.Overlay;

/** This host's lease: claims it, renews it, claims it again if etcd forgot it, and gives it back. */
final class Tenure {
    /** How an attempt to claim ended. */
    enum Outcome {
        HELD,
        /** Something changed meanwhile: to be tried again when the roster knows what. */
        CONFLICT,
        /** No subnet is free. */
        EXHAUSTED,
        /** Another host has the subnet that was held: {@link Tenure#loss} says who. */
        LOST
    }

    private static final Logger LOG = LoggerFactory.getLogger(Tenure.class);

    private final Overlay overlay;
    private final Keys keys;
    private final Pool pool;
    private final IpAddress underlay;
    private final Duration ttl;
    private final Duration expiry;
    private final long renewal;

    private Lease lease;
    private String loss;
    /** Revision of the transaction that the lease was written in. */
    private long revision;

    /** etcd's leases that our keys are attached to; 0 if there is none (any more). */
    private long aliveLease;

    private long ownLease;

    /** When ownership was surely not older than this. */
    private long renewedAt;

    Tenure(CellConfig.Etcd config, Overlay overlay, Keys keys, IpAddress underlay, boolean singleIp) {
        this.overlay = overlay;
        this.keys = keys;
        this.pool = new Pool(overlay, singleIp);
        this.underlay = underlay;
        this.ttl = config.ttl();
        this.expiry = config.expiry();
        this.renewal =
                Math.min(expiry.dividedBy(10).toNanos(), Duration.ofHours(1).toNanos());
    }

    /**
     * Goes on with what a process before this one held, for as long as nobody else may have it, and claims it again
     * once etcd can be asked.
     *
     * @param age time since it was surely this host's; what the clock makes less than none counts as none
     */
    void resume(Lease held, Duration age) {
        if (!held.underlay().equals(underlay) || !pool.contains(held.subnet())) {
            return;
        }
        lease = held;
        long passed = renewal + Math.max(0, Math.min(age.toSeconds(), expiry.toSeconds())) * 1_000_000_000L;
        renewedAt = System.nanoTime() - passed;
    }

    /** What is held; null if nothing is. */
    Lease lease() {
        return lease;
    }

    /** Why it was lost, in a sentence. */
    String loss() {
        return loss;
    }

    /** Why an attempt was {@link Outcome#EXHAUSTED}, in a sentence. */
    String exhausted() {
        return "no subnet in etcd for " + underlay + ": " + pool.exhausted();
    }

    /**
     * Renews what is attached to etcd's leases. Those that etcd has no more are to be claimed again.
     *
     * @param ownership also the subnet, though it is not yet due
     */
    void renew(Gateway etcd, boolean ownership) throws EtcdException {
        if (lease == null) {
            etcd.get(keys.underlay(underlay)); // asks nothing but whether etcd is there
            return;
        }
        long now = System.nanoTime();
        if (aliveLease != 0 && etcd.keepAlive(aliveLease) == 0) {
            LOG.warn("etcd no longer counts this host as alive; it says so again");
            aliveLease = 0;
        }
        if (ownLease == 0 || !ownership && now - renewedAt < renewal) {
            return;
        }
        if (etcd.keepAlive(ownLease) == 0) {
            LOG.warn("etcd has forgotten the lease of {}; it is claimed again", lease.subnetText());
            ownLease = 0;
        } else {
            renewedAt = now;
        }
    }

    /** Nanoseconds until another host may have the subnet. */
    long untilExpiry(long now) {
        return lease == null ? Long.MAX_VALUE : renewedAt + expiry.toNanos() - now;
    }

    /** Gives up what could not be renewed for too long. */
    boolean expire(long now) {
        if (untilExpiry(now) > 0) {
            return false;
        }
        lose(lease.subnetText() + " could not be renewed in etcd for its expiry of " + expiry.toSeconds()
                + " s: another host may have it by now");
        return true;
    }

    private Outcome lose(String sentence) {
        loss = sentence;
        lease = null;
        aliveLease = 0;
        ownLease = 0;
        return Outcome.LOST;
    }

    /** Whether etcd has all of what is held, as far as the roster knows. */
    boolean isWritten(Roster roster) {
        if (aliveLease == 0 || ownLease == 0) {
            return false;
        }
        String name = Keys.name(lease.subnet());
        Owned owned = roster.owned(name);
        return roster.revision() < revision || owned != null && owned.isOf(underlay) && roster.isAlive(name);
    }

    /** Claims again what is held. */
    Outcome restore(Gateway etcd, Roster roster) throws EtcdException {
        for (var entry : roster.owned().entrySet()) {
            IpPrefix subnet = Owned.subnet(entry.getKey(), entry.getValue());
            if (subnet != null
                    && Pool.overlap(subnet, lease.subnet())
                    && !entry.getValue().isOf(underlay)) {
                return lose(lease.subnetText() + " is no longer this host's: etcd key "
                        + entry.getValue().kv().key() + " gives "
                        + (subnet.equals(lease.subnet()) ? "it" : subnet) + " to "
                        + entry.getValue().holder());
            }
        }
        return write(etcd, roster, lease.subnet());
    }

    /**
     * Claims a subnet, as {@link Claim#choose} has it.
     *
     * @param held what this host held last; null if nothing
     */
    Outcome claim(Gateway etcd, Roster roster, IpPrefix held) throws EtcdException {
        IpPrefix subnet = Claim.choose(roster, pool, underlay, held);
        return subnet == null ? Outcome.EXHAUSTED : write(etcd, roster, subnet);
    }

    private Outcome write(Gateway etcd, Roster roster, IpPrefix subnet) throws EtcdException {
        Claim claim = Claim.of(roster, underlay, subnet);
        KeyValue pointer = etcd.get(keys.underlay(underlay));
        attach(etcd, claim.before());
        return commit(etcd, claim.transaction(keys, overlay, roster, pointer, ownLease, aliveLease), claim.lease());
    }

    private Outcome commit(Gateway etcd, Transaction claim, Lease claimed) throws EtcdException {
        long committed;
        try {
            committed = etcd.commit(claim);
        } catch (EtcdException e) {
            if (!e.isNotFound()) {
                throw e;
            }
            aliveLease = 0; // etcd's leases ended since they were granted
            ownLease = 0;
            return Outcome.CONFLICT;
        }
        if (committed == 0) {
            return Outcome.CONFLICT;
        }
        if (!claimed.equals(lease)) {
            LOG.info("etcd: {} is this host's, {}", claimed.subnetText(), underlay);
        }
        lease = claimed;
        revision = committed;
        return Outcome.HELD;
    }

    /** Sees to it that there are leases of etcd's; that of the key that is taken over stays if it lasts as long. */
    private void attach(Gateway etcd, Owned before) throws EtcdException {
        if (aliveLease == 0) {
            aliveLease = etcd.grant(ttl);
        }
        if (ownLease != 0) {
            return;
        }
        long now = System.nanoTime();
        long known = before == null ? 0 : before.kv().lease();
        ownLease = known != 0 && etcd.keepAlive(known) == Gateway.seconds(expiry) ? known : etcd.grant(expiry);
        renewedAt = now;
    }

    /** Deletes what is held, if etcd has it as ours. */
    void giveBack(Gateway etcd) throws EtcdException {
        String name = Keys.name(lease.subnet());
        long deleted = etcd.commit(new Transaction()
                .ifValue(keys.lease(name), Keys.value(lease))
                .delete(keys.lease(name))
                .delete(keys.alive(name))
                .delete(keys.underlay(underlay)));
        LOG.info(deleted == 0 ? "etcd: {} was not this host's any more" : "etcd: {} is given back", lease.subnetText());
        lease = null;
    }
}
