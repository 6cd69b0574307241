package org.weft.silk.cell;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.encap.IpPrefix;
import org.weft.silk.lease.Lease;

/** The passes of a {@link Converger}: when they are full, what they changed, what the kernel refused. Logs each change. */
final class Convergence {
    private static final Logger LOG = LoggerFactory.getLogger(Convergence.class);

    /** How often the host is compared with the leases where nothing is known to have changed. */
    private static final Duration FULL_PASS = Duration.ofSeconds(30);

    /** When a full pass follows one in which the kernel refused something new: a look at the host may show why. */
    private static final Duration RETRY = Duration.ofSeconds(1);

    private final long[] changes = new long[Change.Kind.values().length];
    private long passes;
    private long refused;

    private Converger converger;
    private Map<IpPrefix, String> failures = Map.of();
    private long nextFullPassNanos;

    /** Passes are made by this one from now on, the first a full one; null: none are made. */
    void with(Converger next) {
        converger = next;
        failures = Map.of();
        requireFullPass();
    }

    boolean isOn() {
        return converger != null;
    }

    void requireFullPass() {
        nextFullPassNanos = System.nanoTime();
    }

    boolean isFullPassDue() {
        return System.nanoTime() - nextFullPassNanos >= 0;
    }

    /** What a full pass would change. */
    List<Change> plan(Collection<Lease> leases) {
        return isOn() ? converger.plan(leases, true) : List.of();
    }

    /** Makes a pass, full where one is due. Returns what was to be changed. */
    List<Change> pass(Collection<Lease> leases) {
        if (!isOn()) {
            return List.of();
        }
        boolean full = isFullPassDue();
        List<Change> found = converger.plan(leases, full);
        Map<IpPrefix, String> before = failures;
        passes++;
        if (full) {
            nextFullPassNanos = System.nanoTime() + FULL_PASS.toNanos();
            failures = Map.of();
        }
        if (!found.isEmpty()) {
            account(found, converger.apply(found), before);
        }
        return found;
    }

    private void account(List<Change> found, Map<IpPrefix, String> reasons, Map<IpPrefix, String> before) {
        Map<IpPrefix, String> after = new LinkedHashMap<>(failures);
        for (Change change : found) {
            String reason = reasons.get(change.subnet());
            if (reason == null) {
                after.remove(change.subnet());
                changes[change.kind().ordinal()]++;
                LOG.info("lease {}", change);
                continue;
            }
            refused++;
            after.put(change.subnet(), reason);
            if (!reason.equals(before.get(change.subnet()))) {
                LOG.warn("lease {}: {}", change, reason);
                nextFullPassNanos = Math.min(nextFullPassNanos, System.nanoTime() + RETRY.toNanos());
            }
        }
        failures = after;
    }

    /** Counts repairs of other things than routes and entries of leases. */
    void repaired(long count) {
        changes[Change.Kind.REPAIRED.ordinal()] += count;
    }

    /** Other hosts' leases in force. */
    List<Lease> installed() {
        return isOn() ? List.copyOf(converger.installed()) : List.of();
    }

    /** Why the kernel refused, by subnet, since the last full pass. */
    Map<IpPrefix, String> refusals() {
        return Map.copyOf(failures);
    }

    /**
     * Why no other host is reachable, if the kernel refused each lease in the last passes; else
     * null.
     */
    String refusedAll() {
        List<Lease> others = installed();
        if (others.isEmpty() || !others.stream().allMatch(lease -> failures.containsKey(lease.subnet()))) {
            return null;
        }
        return "the kernel refuses the routes to all other hosts: "
                + failures.get(others.get(0).subnet());
    }

    /** What the kernel refused in the last passes, in sentences. */
    List<String> failures() {
        return new ArrayList<>(failures.values());
    }

    CellStatus.Totals totals(long sourceFailures) {
        return new CellStatus.Totals(
                passes,
                changes[Change.Kind.ADDED.ordinal()],
                changes[Change.Kind.MOVED.ordinal()],
                changes[Change.Kind.GONE.ordinal()],
                changes[Change.Kind.REPAIRED.ordinal()],
                refused,
                sourceFailures);
    }
}
