package org.weft.control;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.weft.control.cell.LocalCell;
import org.weft.control.http.TcpListener;
import org.weft.control.policy.LocalPolicy;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.dataplane.watchdog.Heartbeats;
import org.weft.silk.cell.CellStatus;
import org.weft.silk.cell.CellStatus.Phase;
import org.weft.silk.policy.PolicyStatus;

/**
 * Tells the program that starts and stops this daemon whether the daemon works, and whether packets
 * pass.
 */
public final class Health {
    /** Longer than the attaching or detaching of one container takes, a command that is killed included. */
    private static final Duration SILENCE = Duration.ofSeconds(30);

    /**
     * An answer.
     *
     * @param sentence why; one line
     */
    record Verdict(boolean good, String sentence) {}

    /** The maximum number of VTEPs whose obstacles an answer names. */
    private static final int MOST_NAMED = 8;

    private final VtepRegistry registry;
    private final Readiness readiness;
    private final LocalCell local;
    private final LocalPolicy policy;
    private final List<TcpListener> listeners;
    private final Supplier<String> missing;
    private final Heartbeats heartbeats;

    /**
     * @param local null without a cell
     * @param policy null without policies
     * @param listeners any thread may add to them
     * @param missing a sentence about what a later cell waits for; null if no cell is to come
     */
    Health(
            VtepRegistry registry,
            LocalCell local,
            LocalPolicy policy,
            List<TcpListener> listeners,
            Supplier<String> missing) {
        this(registry, local, policy, listeners, missing, Heartbeats.PROCESS);
    }

    Health(
            VtepRegistry registry,
            LocalCell local,
            LocalPolicy policy,
            List<TcpListener> listeners,
            Supplier<String> missing,
            Heartbeats heartbeats) {
        this.missing = missing;
        this.heartbeats = heartbeats;
        this.registry = registry;
        this.readiness = new Readiness(registry, local);
        this.local = local;
        this.policy = policy;
        this.listeners = listeners;
    }

    /** Whether the daemon makes progress. Waits for no lock that a thread which hangs may hold. */
    Verdict alive() {
        String hanging = heartbeats.trouble();
        if (hanging != null) {
            return new Verdict(false, hanging);
        }
        if (local == null) {
            return new Verdict(true, "ok");
        }
        CellStatus status = local.cell().status();
        String container = local.containers().hanging(SILENCE);
        if (container != null) {
            return new Verdict(false, container);
        }
        return status.phase() == Phase.LOST ? new Verdict(false, status.trouble()) : new Verdict(true, "ok");
    }

    /** Whether packets pass, even by old leases and policies; the sentence also names addresses that are not served. */
    Verdict ready() {
        Verdict passing = passing();
        String unserved = listeners.stream()
                .map(TcpListener::trouble)
                .filter(Objects::nonNull)
                .map(trouble -> "; " + trouble)
                .collect(Collectors.joining());
        return passing.good() ? new Verdict(true, passing.sentence() + unserved) : passing;
    }

    private Verdict passing() {
        List<String> obstacles = registry.vteps().stream()
                .map(readiness::obstacle)
                .filter(Objects::nonNull)
                .toList();
        if (!obstacles.isEmpty()) {
            String more = obstacles.size() > MOST_NAMED ? "; and " + (obstacles.size() - MOST_NAMED) + " more" : "";
            return new Verdict(false, obstacles.stream().limit(MOST_NAMED).collect(Collectors.joining("; ")) + more);
        }
        String cutOff = local == null ? missing.get() : readiness.cellObstacle();
        if (cutOff != null) {
            return new Verdict(false, cutOff);
        }
        Verdict verdict =
                local == null ? new Verdict(true, "ok") : ready(local.cell().status());
        return policy == null || !verdict.good()
                ? verdict
                : guarded(policy.policies().status(), judging(policy.policies().status(), verdict));
    }

    /** Packets pass, so this stays ready; but what policies say is worth little then. */
    private Verdict guarded(PolicyStatus status, Verdict verdict) {
        String trouble = local == null ? null : local.cell().guard().trouble();
        boolean matters = trouble != null
                && status.mode() == Mode.ENFORCE
                && status.vtep().equals(local.cell().status().vtep());
        return matters && verdict.good() ? new Verdict(true, verdict.sentence() + ", but " + trouble) : verdict;
    }

    private static Verdict judging(PolicyStatus status, Verdict verdict) {
        if (status.current() || !status.mode().judges()) {
            return verdict;
        }
        String trouble = status.trouble() == null ? "" : ": " + status.trouble();
        if (status.ageMillis() >= 0) {
            return new Verdict(
                    true, verdict.sentence() + ", by policies of age " + status.ageMillis() / 1000 + " s" + trouble);
        }
        return status.mode() == Mode.LOG
                ? verdict
                : new Verdict(
                        false, "nothing is let in, as " + status.source() + " has not told its policies yet" + trouble);
    }

    /** The verdict on a cell whose containers are connected. */
    private static Verdict ready(CellStatus status) {
        String trouble = status.trouble() == null ? "" : ": " + status.trouble();
        return status.phase() == Phase.STALE
                ? new Verdict(true, "ok, running on tables of age " + status.ageMillis() / 1000 + " s" + trouble)
                : new Verdict(true, status.phase() == Phase.DRAINING ? "ok, draining" : "ok");
    }
}
