package org.weft.silk.etcd;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import org.weft.encap.IpPrefix;

/** When the tenure is to be claimed or restored, and what to say as long as that does not succeed. */
final class Acquisition {
    /** How often a claim is tried before it is called failed, as in silk's controller. */
    private static final int TRIES = 10;

    private static final long CONFLICT_NANOS = Duration.ofMillis(50).toNanos();

    private final Tenure tenure;
    private final Roster roster;
    private final Backoff backoff = new Backoff(Duration.ofSeconds(5));

    private boolean wanted;
    private IpPrefix held;
    private int conflicts;
    private String problem;
    private long due;

    Acquisition(Tenure tenure, Roster roster) {
        this.tenure = tenure;
        this.roster = roster;
    }

    /** @param lastHeld a subnet to be preferred; null for any */
    void want(IpPrefix lastHeld) {
        wanted = true;
        held = lastHeld;
        due = System.nanoTime();
    }

    void giveUp() {
        wanted = false;
    }

    /** Nanoseconds until {@link #advance} has something to do; {@link Long#MAX_VALUE} if it has not. */
    long untilDue(long now) {
        boolean incomplete = tenure.lease() == null ? wanted : !tenure.isWritten(roster);
        return incomplete ? due - now : Long.MAX_VALUE;
    }

    /** Claims or restores if it is time to. */
    void advance(Gateway etcd) throws EtcdException {
        if (untilDue(System.nanoTime()) > 0) {
            return;
        }
        switch (tenure.lease() == null ? tenure.claim(etcd, roster, held) : tenure.restore(etcd, roster)) {
            case HELD -> {
                conflicts = 0;
                problem = null;
                backoff.reset();
            }
            case CONFLICT -> {
                conflicts++;
                due = System.nanoTime() + ThreadLocalRandom.current().nextLong(CONFLICT_NANOS / 5, CONFLICT_NANOS);
                if (conflicts % TRIES == 0) {
                    fail("no subnet in etcd yet: others were quicker " + TRIES + " times");
                }
            }
            case EXHAUSTED -> fail(tenure.exhausted());
            case LOST -> giveUp();
        }
    }

    private void fail(String sentence) {
        problem = sentence;
        due = System.nanoTime() + backoff.nanos();
    }

    /** Why there is no lease though one is wanted, in a sentence; null if not known, or if there is one. */
    String problem() {
        return problem;
    }

    /** Whether it can be said what this host has. */
    boolean isSettled() {
        return tenure.lease() != null || !wanted || problem != null;
    }
}
