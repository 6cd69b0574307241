package org.weft.control.policy;

import java.util.Collection;
import java.util.concurrent.TimeUnit;
import org.weft.encap.IpAddress;
import org.weft.silk.policy.Policies;
import org.weft.silk.policy.VerdictLog;

/** The policies that a daemon judges by. */
public final class LocalPolicy {
    /** Counting takes as long as the table is large. */
    private static final long COUNT_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final Policies policies;
    private final VerdictLog verdicts;

    // Guarded by this: requests of the control socket and of TCP ask on two threads.
    private int flows;
    private long countedNanos;
    private boolean counted;

    /** @param verdicts null if none are written */
    public LocalPolicy(Policies policies, VerdictLog verdicts) {
        this.policies = policies;
        this.verdicts = verdicts;
    }

    /** {@link Policies#forget}. */
    public void forget(Collection<IpAddress> addresses) {
        policies.forget(addresses);
    }

    public Policies policies() {
        return policies;
    }

    VerdictLog verdicts() {
        return verdicts;
    }

    /** How many flows there were at most ten seconds ago. */
    synchronized int flows() {
        long now = System.nanoTime();
        if (!counted || now - countedNanos > COUNT_NANOS) {
            flows = policies.flows();
            countedNanos = now;
            counted = true;
        }
        return flows;
    }
}
