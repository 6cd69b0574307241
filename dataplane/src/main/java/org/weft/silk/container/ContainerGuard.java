package org.weft.silk.container;

import java.time.Duration;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.host.CellTable;
import org.weft.dataplane.host.CellTable.Refused;
import org.weft.dataplane.host.CellTable.Verdict;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.operator.OperatorException;
import org.weft.silk.config.PolicyConfig.HostAccess;

/**
 * Keeps a cell's containers honest: each sends from its own address only, and none reaches a VTEP's UDP port, where it
 * could write any tag on any frame. While policies are enforced, it also refuses the ways round them that lead through
 * the host. The rules stay when the daemon ends, as the containers do.
 *
 * <p>Thread-safe. What may start a process says so; {@link #inForce}, {@link #trouble} and {@link #repairs} return at once.
 */
public final class ContainerGuard {
    private static final Logger LOG = LoggerFactory.getLogger(ContainerGuard.class);
    private static final long LOOK_NANOS = Duration.ofSeconds(30).toNanos();

    /** Much longer than nft takes, and much shorter than it may hang. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    /**
     * What is missing.
     *
     * @param table its name
     * @param refused why it could not be laid; null if it could, or was not tried
     */
    public record Repair(String table, String refused) {}

    private final CellTable table;
    private final HostAccess access;

    /** Guards what follows, and is held while nft runs. */
    private final ReentrantLock lock = new ReentrantLock();

    private Refused wanted;
    private boolean ended;
    private volatile boolean installed;
    private volatile long lookedNanos;
    private volatile String trouble;
    private volatile long repairs;

    /**
     * A guard that has laid nothing yet.
     *
     * @param table owned by the guard from now on
     * @param access what reaches the host and containers by way of it while policies are enforced
     */
    public ContainerGuard(CellTable table, HostAccess access) {
        this.table = table;
        this.access = access;
    }

    /**
     * Follows the daemon: lays the rules when this is called first, and again when they are to be others. Every 30 seconds
     * it looks whether they still stand. May start processes then, otherwise returns at once.
     *
     * @param ports UDP ports of all VTEPs
     * @param enforcement of the cell's VTEP
     */
    public void follow(Set<Integer> ports, Enforcement enforcement) {
        boolean enforced = enforcement.mode() == Mode.ENFORCE;
        Verdict closed = enforcement.refusal() == Refusal.REJECT ? Verdict.REJECT : Verdict.DROP;
        SortedSet<Integer> sorted = new TreeSet<>(ports);
        Refused next = new Refused(
                sorted,
                enforced && !access.dnat() ? closed : Verdict.ACCEPT,
                enforced && !access.host() ? closed : Verdict.ACCEPT);
        locked(() -> {
            if (ended) {
                return null;
            }
            if (!next.equals(wanted)) {
                wanted = next;
                lay();
            } else if (isLookDue()) {
                keep();
            }
            return null;
        });
    }

    private boolean isLookDue() {
        return System.nanoTime() - lookedNanos >= LOOK_NANOS;
    }

    /**
     * {@link #keep}, for a container that is about to be attached. Waits for no one who does so for long, and does not try
     * again what failed within the last 30 seconds.
     */
    void beforeAttach() {
        if (trouble != null && !isLookDue()) {
            return;
        }
        try {
            if (lock.tryLock(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                try {
                    keep();
                } finally {
                    lock.unlock();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private <T> T locked(Supplier<T> task) {
        lock.lock();
        try {
            return task.get();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Lays again what somebody has taken away, or what could not be laid before. Starts up to three processes.
     *
     * @return what was to be done; null if nothing was
     */
    public Repair keep() {
        return locked(this::repair);
    }

    private Repair repair() {
        Repair repair = look();
        if (repair == null) {
            return null;
        }
        boolean changed = installed;
        lay();
        if (!installed) {
            return new Repair(repair.table(), trouble);
        }
        if (changed) {
            repairs++;
            LOG.info("repaired table {}: somebody else had changed or removed it", table.name());
        }
        return repair;
    }

    /** What {@link #keep} would do; null if nothing. Starts a process. */
    public Repair plan() {
        return locked(this::look);
    }

    private Repair look() {
        if (wanted == null || ended) {
            return null;
        }
        lookedNanos = System.nanoTime();
        return installed && stands() ? null : new Repair(table.name(), null);
    }

    private boolean stands() {
        try {
            return table.stands();
        } catch (OperatorException e) {
            say(e.getMessage());
            return false;
        }
    }

    private void lay() {
        lookedNanos = System.nanoTime();
        try {
            table.install(wanted);
            installed = true;
            say(null);
        } catch (OperatorException e) {
            installed = false;
            say(e.getMessage());
        }
    }

    private void say(String reason) {
        String sentence = reason == null
                ? null
                : "containers can forge sources and tags, as nothing keeps them from UDP port "
                        + wanted.ports().first() + ": " + reason;
        if (sentence != null && !sentence.equals(trouble)) {
            LOG.warn("{}", sentence);
        } else if (sentence == null && trouble != null) {
            LOG.info("containers are kept from forging sources and tags, by table {}", table.name());
        }
        trouble = sentence;
    }

    /** How the table is called in sentences. */
    public String table() {
        return table.name();
    }

    /** Whether the rules stood when they were looked at last. */
    public boolean inForce() {
        return installed;
    }

    /** Why the rules do not hold, in a sentence; null if they do. */
    public String trouble() {
        return trouble;
    }

    /** How often the rules were laid again because somebody else had changed or removed them. */
    public long repairs() {
        return repairs;
    }

    /** Takes the rules away for good, as there are no containers any more and will be none. Starts a process. */
    public void end() {
        locked(() -> {
            ended = true;
            installed = false;
            try {
                table.remove();
            } catch (OperatorException e) {
                LOG.warn("table {} is left behind: {}", table.name(), e.getMessage());
            }
            return null;
        });
    }
}
