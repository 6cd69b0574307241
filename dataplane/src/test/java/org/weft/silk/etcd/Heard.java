package org.weft.silk.etcd;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.lease.LeaseSource;

/** Listens and remembers. */
final class Heard implements LeaseSource.Listener {
    private static final long LIMIT_MILLIS = 20_000;

    private Lease own;
    private List<LeaseRecord> all = List.of();
    private final Set<Lease> everOwn = new HashSet<>();
    private final Set<String> gone = new TreeSet<>();
    private final List<String> failures = new ArrayList<>();
    private final List<String> losses = new ArrayList<>();
    private int reports;
    private int confirmations;

    @Override
    public synchronized void leases(Lease newOwn, List<LeaseRecord> newAll) {
        Set<String> before = subnets();
        own = newOwn;
        all = List.copyOf(newAll);
        before.removeAll(subnets());
        gone.addAll(before);
        if (own != null) {
            everOwn.add(own);
        }
        reports++;
        notifyAll();
    }

    @Override
    public synchronized void confirmed() {
        confirmations++;
        notifyAll();
    }

    @Override
    public synchronized void failed(String sentence) {
        failures.add(sentence);
        notifyAll();
    }

    @Override
    public synchronized void lost(String sentence) {
        losses.add(sentence);
        notifyAll();
    }

    synchronized Lease own() {
        return own;
    }

    synchronized List<LeaseRecord> all() {
        return all;
    }

    /** Subnets of all leases, as text. */
    synchronized Set<String> subnets() {
        Set<String> subnets = new TreeSet<>();
        all.forEach(record -> subnets.add(String.valueOf(record.overlaySubnet())));
        return subnets;
    }

    /** Subnets that were there once and then were not. */
    synchronized Set<String> gone() {
        return new TreeSet<>(gone);
    }

    synchronized Set<Lease> everOwn() {
        return new HashSet<>(everOwn);
    }

    synchronized List<String> failures() {
        return new ArrayList<>(failures);
    }

    synchronized List<String> losses() {
        return new ArrayList<>(losses);
    }

    synchronized int reports() {
        return reports;
    }

    synchronized int confirmations() {
        return confirmations;
    }

    /** Waits, without using time of the processor that others need. */
    synchronized Heard await(String what, Predicate<Heard> condition) {
        long end = System.nanoTime() + LIMIT_MILLIS * 1_000_000;
        while (!condition.test(this)) {
            long left = (end - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                throw new AssertionError("waited in vain: " + what + "; own " + own + ", all " + subnets()
                        + ", failures " + failures + ", losses " + losses);
            }
            try {
                wait(left);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError(what, e);
            }
        }
        return this;
    }

    Heard awaitOwn() {
        return await("a lease of its own", heard -> heard.own() != null);
    }

    Heard awaitConfirmed() {
        int before = confirmations();
        return await("a confirmation", heard -> heard.confirmations() > before);
    }
}
