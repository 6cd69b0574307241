package org.weft.silk.cell;

import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.vtep.UnderlayMtu;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.encap.IpPrefix;
import org.weft.silk.cell.CellStatus.Phase;
import org.weft.silk.config.CellConfig;
import org.weft.silk.container.ContainerGuard;
import org.weft.silk.container.ContainerGuard.Repair;
import org.weft.silk.container.HostRepair;
import org.weft.silk.container.Tenants;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.lease.LeaseSource;
import org.weft.silk.lease.Overlay;
import org.weft.silk.source.Contact;
import org.weft.silk.source.StateThread;

/**
 * The role of silk-daemon on this host: holds a lease, brings the VTEP up for it, and makes the host's routes and the
 * VTEP's tables what all hosts' leases say. What the source cannot say stays as it was said last.
 *
 * <p>All of it happens on one thread. The public methods may be called by any.
 */
public final class Cell implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Cell.class);

    private final CellConfig config;
    private final Overlay overlay;
    private final VtepRegistry registry;
    private final Tenants tenants;
    private final LeaseSource source;
    private final Function<Vtep, HostRoutes> routes;
    private final Pace pace;
    private final CellState state;
    private final Autosave autosave;
    private final Contact contact;
    private final Convergence convergence = new Convergence();
    private final KnownLeases known;
    private final OwnLease own;
    private final Drain drain;
    private final Obstacles obstacles;
    private final Upkeep upkeep;
    private final StateThread thread = new StateThread("weft-cell", "the cell", this::publish);

    /** The changes that the last full pass put back. */
    private List<HostRepair> upkept = List.of();

    private volatile CellStatus status;

    /**
     * The results of a full pass, or of one that only compares.
     *
     * @param changes leases whose routes or entries differ
     * @param refused why the kernel did not take a change, by subnet
     * @param host changes of others on this host, which the pass puts back
     * @param guard the repair of the rules that guard containers; null if they are in force
     * @param warnings differences from the cell's configuration that stay, because an operator may
     *     have meant them
     */
    public record Pass(
            List<Change> changes,
            Map<IpPrefix, String> refused,
            List<HostRepair> host,
            Repair guard,
            List<String> warnings) {}

    /**
     * How often things are looked after.
     *
     * @param tick between looks
     * @param retry how long what failed is left alone
     */
    record Pace(Duration tick, Duration retry) {
        static final Pace USUAL = new Pace(Duration.ofSeconds(1), Duration.ofSeconds(5));
    }

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
        this(config, registry, underlayMtu, tenants, source, stop, null, Pace.USUAL);
    }

    /** @param routes of a VTEP's device; null: the kernel's */
    Cell(
            CellConfig config,
            VtepRegistry registry,
            UnderlayMtu underlayMtu,
            Tenants tenants,
            LeaseSource source,
            Runnable stop,
            Function<Vtep, HostRoutes> routes,
            Pace pace) {
        this.config = config;
        this.overlay = new Overlay(config.overlay(), config.subnetLength());
        this.routes = routes == null ? vtep -> new KernelRoutes(vtep::deviceName, overlay) : routes;
        this.pace = pace;
        this.registry = registry;
        this.tenants = tenants;
        this.source = source;
        this.state = new CellState(config.state(), overlay);
        this.autosave = new Autosave(state);
        this.contact = new Contact(source.name());
        this.known = new KnownLeases(overlay);
        CellDevice device = new CellDevice(config, overlay, registry, underlayMtu);
        this.own = new OwnLease(device, registry, tenants, known, source, convergence, pace.retry());
        this.drain = new Drain(tenants, stop);
        this.upkeep = new Upkeep(registry, tenants);
        this.obstacles = new Obstacles(registry, tenants, convergence);
        publish();
    }

    /**
     * Comes up with what was known last, if anything was, and asks the source.
     *
     * @throws org.weft.operator.OperatorException if what was known cannot be read, or containers are in a subnet
     *     that is no part of the overlay any more
     */
    public void start() {
        CellState.Saved saved = state.load(config.underlay(), tenants.size());
        thread.run(() -> begin(saved));
        thread.every(pace.tick(), this::tick);
    }

    private void begin(CellState.Saved saved) {
        followGuarded();
        if (saved != null && (isSuitable(saved.own()) || tenants.size() > 0)) {
            LOG.info(
                    "lease {} and {} others were in force at {}",
                    saved.own().subnetText(),
                    saved.table().leases().size() - 1,
                    saved.confirmed());
            contact.remember(saved.confirmed());
            autosave.loaded(saved.confirmed());
            own.resume(saved.own());
            known.hear(saved.table().leases().stream()
                    .map(lease -> lease.record("saved leases"))
                    .toList());
            settle();
        }
        source.start(own.granted(), own.granted() == null ? null : saved.confirmed(), new Listener());
    }

    /** The cell as it was at most a second ago. */
    public CellStatus status() {
        return status;
    }

    /** What keeps this host's containers from sending what is not theirs. */
    public ContainerGuard guard() {
        return tenants.guard();
    }

    /** What a full pass would change now. */
    public CompletableFuture<Pass> plan() {
        return thread.ask(() -> {
            List<HostRepair> host = upkeep.plan(vtepInForce());
            return new Pass(convergence.plan(known.leases()), Map.of(), host, guard().plan(), own.warnings());
        });
    }

    /** Asks the source, and makes a full pass over what is known so far. */
    public CompletableFuture<Pass> converge() {
        return thread.ask(() -> {
            source.refresh();
            convergence.requireFullPass();
            Repair repair = guard().keep();
            List<Change> changes = pass();
            return new Pass(changes, convergence.refusals(), upkept, repair, own.warnings());
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
        return thread.ask(() -> {
            drain.begin(timeout);
            continueDrain();
            return null;
        });
    }

    /** Goes on as before, if it is not drained yet. */
    public CompletableFuture<Void> cancelDrain() {
        return thread.ask(() -> {
            drain.cancel();
            return null;
        });
    }

    /** Hears the source on its thread, and acts on the cell's. */
    private final class Listener implements LeaseSource.Listener {
        /** What waits to be listened to; the source's thread alone exchanges it. */
        private AtomicReference<Heard> heard = new AtomicReference<>();

        /** Of several pictures that wait, only the last counts. */
        @Override
        public void leases(Lease granted, List<LeaseRecord> all) {
            AtomicReference<Heard> waiting = heard;
            if (waiting.getAndSet(new Heard(granted, all)) == null) {
                thread.run(() -> listen(waiting.getAndSet(null)));
            }
        }

        @Override
        public void confirmed() {
            thread.run(contact::confirm);
        }

        @Override
        public void failed(String sentence) {
            thread.run(() -> contact.fail(sentence));
        }

        @Override
        public void lost(String sentence) {
            heard = new AtomicReference<>(); // what comes after must not overtake the loss
            thread.run(() -> lose(sentence));
        }
    }

    private void listen(Heard news) {
        contact.confirm();
        known.hear(news.all());
        if (news.own() != null && isSuitable(news.own())) {
            own.grant(news.own());
        } else if (news.own() != null) {
            own.refuse("the lease of this host is " + news.own().subnetText() + ", which is "
                    + (config.singleIp() ? "a subnet, but single-ip is true" : "one address, but single-ip is false")
                    + ": change one of them");
        }
        autosave.changed();
        settle();
    }

    private boolean isSuitable(Lease lease) {
        return lease.singleIp() == config.singleIp();
    }

    private void lose(String sentence) {
        if (drain.isDone()) {
            return;
        }
        try {
            own.lose(sentence);
        } finally {
            autosave.delete();
        }
    }

    /** Before the device is up, so that no packet passes unguarded, and then with each change within a tick. */
    private void followGuarded() {
        Set<Integer> ports = new HashSet<>(Set.of(config.port()));
        registry.vteps().forEach(vtep -> ports.add(vtep.config().underlay().port()));
        guard().follow(ports, registry.enforcement(config.vtepName()));
    }

    /** Makes the device what the lease wants, if that has changed, and converges. */
    private void settle() {
        if (drain.isDone()) {
            return;
        }
        own.check();
        if (own.granted() == null) {
            return;
        }
        if (own.settle(this::converger)) {
            save();
        }
        pass();
    }

    private Converger converger(Vtep vtep) {
        return new Converger(overlay, own.inForce(), vtep, routes.apply(vtep), registry);
    }

    /** The cell's VTEP; null if it is not up. */
    private Vtep vtepInForce() {
        return own.inForce() == null ? null : registry.vtep(config.vtepName());
    }

    private List<Change> pass() {
        if (convergence.isFullPassDue()) {
            upkept = upkeep.keep(vtepInForce());
            convergence.repaired(
                    upkept.stream().filter(repair -> repair.refused() == null).count());
        }
        List<Change> changes = convergence.pass(known.leases());
        if (!changes.isEmpty()) {
            autosave.changed();
        }
        return changes;
    }

    private void tick() {
        followGuarded();
        if (drain.isOn() || own.isLost() || own.isUnsettled()) {
            tenants.dropGone();
        }
        continueDrain();
        if (drain.isDone()) {
            return;
        }
        own.replaceLost();
        own.lookAtDevice();
        if (own.isUnsettled()) {
            settle();
        } else if (convergence.isFullPassDue()) {
            pass();
        }
        if (own.inForce() != null && autosave.isDue(contact.confirmed())) {
            save();
        }
        if (obstacles.look(registry.vtep(config.vtepName()), own.inForce())) {
            convergence.requireFullPass();
        }
    }

    private void save() {
        Instant confirmed = Objects.requireNonNullElseGet(contact.confirmed(), Instant::now);
        autosave.save(confirmed, own.inForce(), known.leases());
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
            LOG.info("drained");
        } catch (RuntimeException e) {
            LOG.warn("drained, but the lease could not be given back: {}", e.getMessage());
        }
        own.end();
        autosave.delete();
        guard().end();
        drain.finish();
    }

    private void publish() {
        status = new CellStatus(
                phase(),
                config.vtepName(),
                source.name(),
                contact.ageMillis(),
                trouble(),
                obstacles.current(),
                own.inForce(),
                convergence.installed(),
                known.skipped(),
                convergence.failures(),
                drain.remainingMillis(),
                convergence.totals(contact.failures()));
    }

    private String trouble() {
        if (own.trouble() != null) {
            return own.trouble();
        }
        return obstacles.current() == null ? contact.trouble() : obstacles.current();
    }

    private Phase phase() {
        if (own.isLost()) {
            return Phase.LOST;
        }
        if (drain.isOn()) {
            return Phase.DRAINING;
        }
        if (own.inForce() == null) {
            return Phase.WAITING;
        }
        return contact.isCurrent() ? Phase.CURRENT : Phase.STALE;
    }

    /** Ends. The device stays if it is persistent; so do routes, lease and containers. */
    @Override
    public void close() {
        boolean ended = thread.end();
        source.close();
        if (ended && own.inForce() != null) {
            save();
        }
    }
}
