package org.weft.silk.cell;

import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.silk.container.Tenants;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseSource;

/**
 * This host's lease, and the device that is up with it. The two differ while containers have addresses of the lease
 * before, and while the device is unavailable.
 */
final class OwnLease {
    private static final Logger LOG = LoggerFactory.getLogger(OwnLease.class);

    private final CellDevice device;
    private final VtepRegistry registry;
    private final Tenants tenants;
    private final KnownLeases known;
    private final LeaseSource source;
    private final Convergence convergence;
    private final Duration retry;

    /** The lease that the source says is ours. */
    private Lease granted;
    /** The lease that the device is up with. */
    private Lease inForce;
    /** The lease that containers got their addresses from, whether the device is up or not. */
    private Lease home;

    private int ifindex;
    private long nextAttemptNanos = System.nanoTime();

    /** Why the lease was lost; null if it was not. */
    private String loss;

    private boolean acquiring;
    /** Why a lease that the source gave is not taken; null if there is none such. */
    private String refusal;

    private String trouble;

    /** @param retry how long what failed is left alone */
    OwnLease(
            CellDevice device,
            VtepRegistry registry,
            Tenants tenants,
            KnownLeases known,
            LeaseSource source,
            Convergence convergence,
            Duration retry) {
        this.device = device;
        this.registry = registry;
        this.tenants = tenants;
        this.known = known;
        this.source = source;
        this.convergence = convergence;
        this.retry = retry;
    }

    Lease granted() {
        return granted;
    }

    /** The lease that the device is up with; null without. */
    Lease inForce() {
        return inForce;
    }

    boolean isLost() {
        return loss != null;
    }

    /** Whether the device is not what it is to be. */
    boolean isUnsettled() {
        return granted != null && !granted.equals(inForce);
    }

    /** What is wrong, in a sentence; null if nothing is. */
    String trouble() {
        return trouble;
    }

    /** Warnings about settings of the device that an operator gave, and the cell would not. */
    List<String> warnings() {
        Vtep vtep = device.vtep();
        if (inForce == null || vtep == null) {
            return List.of();
        }
        int mtu = registry.state(vtep).mtu();
        int wanted = device.mtu(inForce);
        return mtu == wanted
                ? List.of()
                : List.of("mtu " + mtu + " of " + vtep.name() + " is not the one that the cell would set: enter"
                        + " `weft link set " + vtep.name() + " mtu " + wanted + "`, or set cell.vtep.mtu");
    }

    /** What a process before this one had. */
    void resume(Lease saved) {
        granted = saved;
        home = saved;
    }

    void grant(Lease lease) {
        granted = lease;
        loss = null;
        acquiring = false;
        refusal = null;
    }

    void refuse(String sentence) {
        refusal = sentence;
        say(sentence);
    }

    /** Checks all leases from this host's view, whether it has a lease yet or not. */
    void check() {
        known.check(inForce == null ? wanted() : inForce);
    }

    /** What containers got their addresses from stays until they are gone, unless another host has it by now. */
    private Lease wanted() {
        boolean moving = home != null && !home.equals(granted);
        return moving && tenants.size() > 0 && known.rivalOf(home) == null ? home : granted;
    }

    /**
     * Makes the device what the lease wants.
     *
     * @param converger of a VTEP that is up with this lease
     * @return whether it has become another
     */
    boolean settle(Function<Vtep, Converger> converger) {
        Lease wanted = wanted();
        if (!wanted.equals(inForce)) {
            return System.nanoTime() - nextAttemptNanos >= 0 && change(converger);
        }
        say(
                wanted.equals(granted)
                        ? refusal
                        : "the lease is " + granted.subnetText() + " now, but containers (" + tenants.size()
                                + ") are in " + wanted.subnetText() + ", which stays in force until they are gone");
        return false;
    }

    private boolean change(Function<Vtep, Converger> converger) {
        tenants.lease(null, 0);
        if (inForce != null) {
            takeDown();
        }
        Lease wanted = wanted(); // again: a container may have come until none was taken any more
        sayWhoIsCutOff(wanted);
        home = wanted;
        known.check(wanted);
        try {
            Vtep vtep = device.up(wanted, known.leases());
            inForce = wanted;
            convergence.with(converger.apply(vtep));
            ifindex = registry.state(vtep).ifindex();
            tenants.lease(wanted, vtep.mtu());
            say(refusal);
            LOG.info(
                    "{} is up with {}, {} other leases are known",
                    vtep.name(),
                    wanted.subnetText(),
                    known.leases().size() - 1);
            return true;
        } catch (RuntimeException e) {
            if (device.vtep() != null) {
                takeDown();
            }
            retryLater();
            say("the device of " + wanted.subnetText() + " is unavailable: " + e.getMessage());
            return false;
        }
    }

    private void sayWhoIsCutOff(Lease wanted) {
        int containers = tenants.size();
        if (home != null && !home.subnet().equals(wanted.subnet()) && containers > 0) {
            LOG.warn(
                    "containers ({}) in {} are cut off: another host has it, and this one {}",
                    containers,
                    home.subnetText(),
                    wanted.subnetText());
        }
    }

    private void retryLater() {
        nextAttemptNanos = System.nanoTime() + retry.toNanos();
    }

    /** A device that was removed is to be made again; one that was made again has no routes. */
    void lookAtDevice() {
        if (inForce == null) {
            return;
        }
        Vtep vtep = device.vtep();
        if (vtep == null) {
            LOG.warn("the device of {} was removed; it is made again", inForce.subnetText());
            inForce = null;
            convergence.with(null);
            return;
        }
        int index = registry.state(vtep).ifindex();
        if (index != 0 && index != ifindex) {
            ifindex = index;
            convergence.requireFullPass();
        }
    }

    /** Another host may have the subnet now, so ours must not be on the wire any more. */
    void lose(String sentence) {
        if (loss != null) {
            retryLater(); // what was acquired instead was lost as soon
        }
        loss = sentence;
        acquiring = false;
        tenants.lease(null, 0);
        end();
        replaceLost();
    }

    /** Acquires another lease in place of a lost one, once no container needs the old one back. */
    void replaceLost() {
        if (loss == null || acquiring) {
            return;
        }
        int containers = tenants.size();
        if (containers > 0) {
            say(loss + "; containers in it (" + containers + ") are cut off, another is acquired once they are gone");
        } else if (System.nanoTime() - nextAttemptNanos >= 0) {
            say(loss + "; another is acquired");
            acquiring = true;
            source.acquireAnother();
        }
    }

    /** There is no lease any more. */
    void end() {
        granted = null;
        home = null;
        takeDown();
    }

    private void takeDown() {
        inForce = null;
        convergence.with(null);
        device.down();
    }

    private void say(String sentence) {
        if (sentence != null && !sentence.equals(trouble)) {
            LOG.warn("{}", sentence);
        }
        trouble = sentence;
    }
}
