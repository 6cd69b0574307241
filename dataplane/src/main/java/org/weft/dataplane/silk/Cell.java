package org.weft.dataplane.silk;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.VtepRegistry;
import org.weft.dataplane.config.CellConfig;
import org.weft.dataplane.config.UnderlayMtu;
import org.weft.dataplane.silk.CellStatus.Phase;
import org.weft.dataplane.silk.container.Tenants;
import org.weft.dataplane.silk.lease.Lease;
import org.weft.dataplane.silk.lease.LeaseRecord;
import org.weft.dataplane.silk.lease.LeaseSource;
import org.weft.dataplane.silk.lease.LeaseTable;
import org.weft.dataplane.silk.lease.LeaseTable.Skipped;
import org.weft.dataplane.silk.lease.Overlay;
import org.weft.dataplane.silk.source.Contact;
import org.weft.dataplane.vtep.OperatorException;
import org.weft.dataplane.vtep.OperatorException.Kind;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.IpPrefix;

/**
 * The role of silk-daemon on this host: holds a lease, brings the VTEP up for it, and makes the host's routes and the
 * VTEP's tables what all hosts' leases say. What the source cannot say stays as it was said last.
 *
 * <p>All of it happens on one thread. The public methods may be called by any.
 */
public final class Cell implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Cell.class);
    private static final long TICK_MILLIS = 1000;

    /** How long a device that could not be had is left alone. */
    private static final Duration RETRY = Duration.ofSeconds(5);

    /** How often leases that were merely confirmed are saved again, for their age. */
    private static final Duration SAVE_CONFIRMED = Duration.ofSeconds(60);

    private final CellConfig config;
    private final Overlay overlay;
    private final CellDevice device;
    private final VtepRegistry registry;
    private final Tenants tenants;
    private final LeaseSource source;
    private final Function<String, HostRoutes> routes;
    private final CellState state;
    private final Contact contact;
    private final Convergence convergence = new Convergence();
    private final Drain drain;
    private final ScheduledExecutorService thread =
            Executors.newSingleThreadScheduledExecutor(task -> new Thread(task, "weft-cell"));

    private final AtomicReference<Heard> heard = new AtomicReference<>();

    private Collection<LeaseRecord> records = List.of();
    private LeaseTable table = LeaseTable.empty();
    private List<Skipped> skipped = List.of();

    /** The lease that the source says is ours. */
    private Lease granted;
    /** The lease that the device is up with; another than granted as long as the device is not what it is to be. */
    private Lease own;

    private int ifindex;
    private long nextAttemptNanos = System.nanoTime();

    private boolean lost;
    private boolean acquiring;
    private String trouble;

    private boolean unsaved;
    private Instant savedConfirmed;
    private String saveTrouble;

    private volatile CellStatus status;
    private volatile long publishedNanos;

    /**
     * What a full pass did.
     *
     * @param changes what was to be changed
     * @param refused why the kernel did not take it, by subnet
     */
    public record Pass(List<Change> changes, Map<IpPrefix, String> refused) {}

    /** What a source said. */
    private record Heard(Lease own, List<LeaseRecord> all) {}

    /**
     * A cell that does nothing yet.
     *
     * @param source owned by the cell from now on
     * @param stop ends the process; called on the cell's thread once it is drained, and must not wait for it
     */
    public Cell(
            CellConfig config,
            VtepRegistry registry,
            UnderlayMtu underlayMtu,
            Tenants tenants,
            LeaseSource source,
            Runnable stop) {
        this(config, registry, underlayMtu, tenants, source, stop, null);
    }

    /** @param routes of a device by its name; null: the kernel's */
    Cell(
            CellConfig config,
            VtepRegistry registry,
            UnderlayMtu underlayMtu,
            Tenants tenants,
            LeaseSource source,
            Runnable stop,
            Function<String, HostRoutes> routes) {
        this.config = config;
        this.overlay = new Overlay(config.overlay(), config.subnetLength());
        this.routes = routes == null ? dev -> new KernelRoutes(dev, overlay) : routes;
        this.device = new CellDevice(config, overlay, registry, underlayMtu);
        this.registry = registry;
        this.tenants = tenants;
        this.source = source;
        this.state = new CellState(config.state(), overlay);
        this.contact = new Contact(source.name());
        this.drain = new Drain(tenants, stop);
        publish();
    }

    /**
     * Comes up with what was known last, if anything was, and asks the source.
     *
     * @throws org.weft.dataplane.vtep.OperatorException if what was known cannot be read, or containers are in a subnet
     *     that is no part of the overlay any more
     */
    public void start() {
        CellState.Saved saved = state.load(config.underlay(), tenants.size());
        run(() -> begin(saved));
        thread.scheduleWithFixedDelay(() -> guarded(this::tick), TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void begin(CellState.Saved saved) {
        if (saved != null) {
            LOG.info(
                    "lease {} and {} others were in force at {}",
                    saved.own().subnetText(),
                    saved.table().leases().size() - 1,
                    saved.confirmed());
            contact.remember(saved.confirmed());
            savedConfirmed = saved.confirmed();
            granted = saved.own();
            records = saved.table().leases().stream()
                    .map(lease -> lease.record("saved leases"))
                    .toList();
            settle();
        }
        source.start(granted, new Listener());
    }

    /** The cell as it was at most a second ago. */
    public CellStatus status() {
        return status;
    }

    /** How long ago the cell's thread last came to the end of something; some seconds at most, unless it hangs. */
    public Duration silence() {
        return Duration.ofNanos(System.nanoTime() - publishedNanos);
    }

    /** What a full pass would change now. */
    public CompletableFuture<List<Change>> plan() {
        return ask(() -> convergence.plan(table.leases()));
    }

    /** Asks the source, and makes a full pass over what is known so far. */
    public CompletableFuture<Pass> converge() {
        return ask(() -> {
            source.refresh();
            convergence.requireFullPass();
            return new Pass(pass(), convergence.refusals());
        });
    }

    /**
     * Takes no more containers, and once the last has left gives the lease back, removes the device and ends the
     * process.
     *
     * @param timeout after which containers that are still there make the cell go on as before
     * @return when it has begun
     */
    public CompletableFuture<Void> drain(Duration timeout) {
        return ask(() -> {
            drain.begin(timeout);
            continueDrain();
            return null;
        });
    }

    /** Goes on as before, if it is not drained yet. */
    public CompletableFuture<Void> cancelDrain() {
        return ask(() -> {
            drain.cancel();
            return null;
        });
    }

    /** @return false if the cell is closed, and the task will not run */
    private boolean run(Runnable task) {
        try {
            thread.execute(() -> guarded(task));
            return true;
        } catch (RejectedExecutionException e) {
            LOG.debug("the cell is closed");
            return false;
        }
    }

    private void guarded(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException e) {
            LOG.error("cell: {}", e.getMessage(), e);
        } finally {
            publish();
        }
    }

    private <T> CompletableFuture<T> ask(Callable<T> question) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        boolean taken = run(() -> {
            try {
                T found = question.call();
                publish(); // who asked may look at the status next
                answer.complete(found);
            } catch (Exception e) {
                answer.completeExceptionally(e);
            }
        });
        if (!taken) {
            answer.completeExceptionally(new OperatorException(Kind.UNAVAILABLE, "the cell is stopping"));
        }
        return answer;
    }

    /** Hears the source on its thread, and acts on the cell's. */
    private final class Listener implements LeaseSource.Listener {
        /** Of several pictures that wait, only the last counts. */
        @Override
        public void leases(Lease own, List<LeaseRecord> all) {
            if (heard.getAndSet(new Heard(own, all)) == null) {
                run(Cell.this::listen);
            }
        }

        @Override
        public void confirmed() {
            run(contact::confirm);
        }

        @Override
        public void failed(String sentence) {
            run(() -> contact.fail(sentence));
        }

        @Override
        public void lost(String sentence) {
            run(() -> lose(sentence));
        }
    }

    private void listen() {
        Heard news = heard.getAndSet(null);
        contact.confirm();
        records = news.all();
        if (news.own() != null && news.own().singleIp() != config.singleIp()) {
            unsuitable(news.own());
        } else if (news.own() != null) {
            granted = news.own();
            lost = false;
            acquiring = false;
        }
        unsaved = true;
        settle();
    }

    private void unsuitable(Lease lease) {
        say("the lease of this host is " + lease.subnetText() + ", which is "
                + (lease.singleIp() ? "one address, but single-ip is false" : "a subnet, but single-ip is true")
                + ": change one of them");
    }

    /** Another host may have the subnet now, so ours must not be on the wire any more. */
    private void lose(String sentence) {
        contact.fail(sentence);
        lost = true;
        granted = null;
        takeDown();
        state.delete();
        tenants.lease(null, 0);
        replaceLost();
    }

    private void replaceLost() {
        if (tenants.size() > 0) {
            say("this host's lease is lost, and its " + tenants.size()
                    + " containers are cut off; another is acquired once they are gone");
        } else if (!acquiring) {
            say("this host's lease is lost; another is acquired");
            acquiring = true;
            source.acquireAnother();
        }
    }

    private void say(String sentence) {
        if (sentence != null && !sentence.equals(trouble)) {
            LOG.warn("{}", sentence);
        }
        trouble = sentence;
    }

    /** Makes the device what the lease wants, if that has changed, and converges. */
    private void settle() {
        if (granted == null || drain.isDone()) {
            return;
        }
        check();
        if (granted.equals(own)) {
            say(null);
        } else if (own != null && tenants.size() > 0) {
            say("the lease is " + granted.subnetText() + " now, but " + tenants.size() + " containers are in "
                    + own.subnetText() + ", which stays in force until they are gone");
        } else if (System.nanoTime() - nextAttemptNanos >= 0) {
            changeDevice();
        }
        pass();
    }

    private void changeDevice() {
        if (own != null) {
            takeDown();
            check();
        }
        try {
            Vtep vtep = device.up(granted, table.leases());
            own = granted;
            convergence.with(new Converger(overlay, own, vtep, routes.apply(vtep.name()), registry));
            ifindex = registry.state(vtep).ifindex();
            tenants.lease(own, vtep.mtu());
            say(null);
            LOG.info("{} is up with {}, {} other leases are known", vtep.name(), own.subnetText(), others());
            save();
        } catch (RuntimeException e) {
            nextAttemptNanos = System.nanoTime() + RETRY.toNanos();
            say("the device of " + granted.subnetText() + " cannot be had: " + e.getMessage());
        }
    }

    private int others() {
        return table.leases().size() - 1;
    }

    private void takeDown() {
        own = null;
        convergence.with(null);
        device.down();
    }

    /** Checks what the source said. What is wrong with it is said once. */
    private void check() {
        table = LeaseTable.of(overlay, own == null ? granted : own, records);
        table.skipped().stream()
                .filter(record -> !skipped.contains(record))
                .forEach(record -> LOG.warn("lease skipped: {}", record.reason()));
        skipped = table.skipped();
    }

    private List<Change> pass() {
        List<Change> changes = convergence.pass(table.leases());
        unsaved |= !changes.isEmpty();
        return changes;
    }

    private void tick() {
        if (drain.isOn() || lost || granted != null && !granted.equals(own)) {
            tenants.dropGone();
        }
        continueDrain();
        if (drain.isDone()) {
            return;
        }
        if (lost) {
            replaceLost();
        }
        if (own != null) {
            lookAtDevice();
        }
        if (granted != null && !granted.equals(own)) {
            settle();
        } else if (convergence.isFullPassDue()) {
            pass();
        }
        if (own != null && (unsaved || isSavedAgeOld())) {
            save();
        }
    }

    /** A device that was made again has no routes. */
    private void lookAtDevice() {
        Vtep vtep = device.vtep();
        if (vtep == null) {
            LOG.warn("{} was removed; it is made again", config.vtepName());
            own = null;
            convergence.with(null);
            return;
        }
        int index = registry.state(vtep).ifindex();
        if (index != 0 && index != ifindex) {
            ifindex = index;
            convergence.requireFullPass();
        }
    }

    private boolean isSavedAgeOld() {
        Instant confirmed = contact.confirmed();
        return confirmed != null
                && (savedConfirmed == null
                        || savedConfirmed.plus(SAVE_CONFIRMED).isBefore(confirmed));
    }

    /** A disk that is full keeps nobody from being connected; it is said once. */
    private void save() {
        Instant confirmed = Objects.requireNonNullElseGet(contact.confirmed(), Instant::now);
        try {
            state.save(confirmed, own, table.leases());
            unsaved = false;
            saveTrouble = null;
        } catch (OperatorException e) {
            if (!e.getMessage().equals(saveTrouble)) {
                saveTrouble = e.getMessage();
                LOG.warn("what is known now would not survive a restart: {}", saveTrouble);
            }
        }
        savedConfirmed = confirmed;
    }

    private void continueDrain() {
        if (drain.isReady()) {
            finishDrain();
        } else if (drain.hasTimedOut()) {
            drain.cancel();
        }
    }

    private void finishDrain() {
        try {
            source.release();
            LOG.info("drained: the lease is given back");
        } catch (RuntimeException e) {
            LOG.warn("drained, but the lease could not be given back: {}", e.getMessage());
        }
        takeDown();
        granted = null;
        state.delete();
        drain.finish();
    }

    private void publish() {
        status = new CellStatus(
                phase(),
                config.vtepName(),
                source.name(),
                contact.ageMillis(),
                trouble == null ? contact.trouble() : trouble,
                own,
                convergence.installed(),
                skipped,
                convergence.failures(),
                drain.remainingMillis(),
                convergence.totals(contact.failures()));
        publishedNanos = System.nanoTime();
    }

    private Phase phase() {
        if (lost) {
            return Phase.LOST;
        }
        if (drain.isOn()) {
            return Phase.DRAINING;
        }
        if (own == null) {
            return Phase.WAITING;
        }
        return contact.isCurrent() ? Phase.CURRENT : Phase.STALE;
    }

    /** Ends. The device stays if it is persistent; so do routes, lease and containers. */
    @Override
    public void close() {
        thread.shutdown();
        try {
            if (!thread.awaitTermination(5, TimeUnit.SECONDS)) {
                thread.shutdownNow();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        source.close();
        if (own != null) {
            save();
        }
    }
}
