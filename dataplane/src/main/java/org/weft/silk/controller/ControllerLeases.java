package org.weft.silk.controller;

import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.encap.IpAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.config.CellConfig.SilkController;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.lease.LeaseSource;
import org.weft.silk.lease.LeaseTable;
import org.weft.silk.lease.Overlay;
import org.weft.silk.source.PollLoop;
import org.weft.silk.source.PollSchedule;
import org.weft.silk.tls.TlsContext;

/**
 * Leases from silk-controller, polled as silk-daemon does: acquire if there is none, then renew and list, at once and at
 * every interval. A conflict on renewal loses the lease at once; every other failure is tolerated as long as the
 * partition tolerance (silk: daemon/planner/fatal_error_detector.go), by a clock that cannot be set. Once lost, nothing
 * is asked until {@link #acquireAnother}.
 */
public final class ControllerLeases implements LeaseSource {
    private static final Logger LOG = LoggerFactory.getLogger(ControllerLeases.class);
    /** A poll is three requests at most. */
    private static final int REQUESTS_OF_A_POLL = 3;

    private final SilkController config;
    private final IpAddress underlay;
    private final Overlay overlay;
    private final boolean singleIp;
    private final ControllerClient client;
    private final PollSchedule schedule;
    private final LongSupplier nanoTime;
    private final AtomicBoolean another = new AtomicBoolean();
    private final PollLoop loop = new PollLoop("weft-silk-ctrl", this::cycle);
    private Listener listener;

    // Of the source's thread.
    private Lease own;
    private Lease reportedOwn;
    private Set<LeaseRecord> reported;
    private long renewedAt;
    private boolean lost;
    private int successes;
    private int failures;

    /**
     * Reads the TLS files; nothing is asked yet.
     *
     * @param underlay this host's address, which its lease is known by
     * @param singleIp whether to acquire a single address instead of a subnet
     * @throws OperatorException if a TLS file cannot be used
     */
    public ControllerLeases(SilkController config, IpAddress underlay, Overlay overlay, boolean singleIp) {
        this(config, underlay, overlay, singleIp, System::nanoTime);
    }

    ControllerLeases(
            SilkController config, IpAddress underlay, Overlay overlay, boolean singleIp, LongSupplier nanoTime) {
        this.config = config;
        this.underlay = underlay;
        this.overlay = overlay;
        this.singleIp = singleIp;
        this.client =
                new ControllerClient(config, config.tls() == null ? null : new TlsContext(config.tls(), LOG::warn));
        this.schedule = new PollSchedule(config.poll());
        this.nanoTime = nanoTime;
    }

    @Override
    public String name() {
        return "silk-controller " + config.url();
    }

    @Override
    public void start(Lease held, Instant confirmed, Listener listener) {
        this.listener = listener;
        // silk renews what it finds under the address that it is configured for, also after that has changed.
        own = held == null ? null : new Lease(underlay, held.subnet(), held.mac());
        renewedAt = nanoTime.getAsLong();
        loop.start();
    }

    @Override
    public void refresh() {
        loop.wake();
    }

    @Override
    public void acquireAnother() {
        another.set(true);
        loop.wake();
    }

    /** A renewal that overtook the release would take the lease back, so the poll under way is let come to its end. */
    @Override
    public void release() {
        loop.stop();
        loop.join(config.timeout().multipliedBy(REQUESTS_OF_A_POLL));
        try {
            client.release(underlay.toString());
            LOG.info("{}: the lease of {} is given back", name(), underlay);
        } catch (ControllerException e) {
            throw new OperatorException(
                    Kind.UNAVAILABLE,
                    e.getMessage() + "; the lease of " + underlay + " is not released, and stays until it expires",
                    e);
        }
    }

    @Override
    public void close() {
        loop.stop();
        client.close();
        loop.join(config.timeout());
    }

    /** One poll; returns how long to wait for the next, null if only for somebody to ask for one. */
    private Duration cycle() {
        if (another.getAndSet(false)) {
            own = null;
            lost = false;
            reported = null; // whatever is acquired is told, even if it is the same lease
        }
        if (lost) {
            return null;
        }
        double random = ThreadLocalRandom.current().nextDouble();
        if (polled()) {
            failures = 0;
            return lost ? null : successes++ == 0 ? schedule.second(random) : schedule.next(random);
        }
        return schedule.retry(++failures, random);
    }

    private boolean polled() {
        try {
            poll();
            return true;
        } catch (ControllerException e) {
            if (!loop.isStopped()) {
                listener.failed(e.getMessage());
            }
        } catch (RuntimeException e) {
            LOG.error("leases of {} could not be put to use", name(), e);
        }
        return false;
    }

    private void poll() throws ControllerException {
        if (own == null) {
            own = acquire();
            renewedAt = nanoTime.getAsLong();
        }
        String loss = renew();
        if (loss != null) {
            lost = true;
            listener.lost(loss);
            return;
        }
        report(client.leases());
    }

    private Lease acquire() throws ControllerException {
        LeaseRecord record = client.acquire(underlay.toString(), singleIp);
        try {
            Lease lease = LeaseTable.parse(overlay, record);
            if (!lease.underlay().equals(underlay)) {
                throw new IllegalArgumentException("it is for underlay_ip " + lease.underlay());
            }
            if (lease.singleIp() != singleIp) {
                throw new IllegalArgumentException(lease.subnetText() + " is left from when this host was "
                        + (singleIp ? "a" : "no") + " cell: release it (PUT /leases/release), or let it expire");
            }
            return lease;
        } catch (IllegalArgumentException e) {
            throw new ControllerException(
                    "the lease that " + config.url() + " gives " + underlay + " cannot be used: " + e.getMessage(), e);
        }
    }

    /** Why the lease cannot be kept; null if it can. */
    private String renew() throws ControllerException {
        if (!overlay.contains(own.base())) {
            return "the lease " + own.subnetText() + " that this host held is not in the overlay any more";
        }
        try {
            client.renew(own.record(""));
            renewedAt = nanoTime.getAsLong();
            return null;
        } catch (ControllerException e) {
            String loss = loss(e);
            if (loss == null) {
                throw e;
            }
            return loss;
        }
    }

    private String loss(ControllerException e) {
        if (e.isConflict()) {
            return "the lease " + own.subnetText() + " of " + underlay + " is refused for good: " + e.getMessage();
        }
        Duration since = Duration.ofNanos(nanoTime.getAsLong() - renewedAt);
        if (loop.isStopped() || since.compareTo(config.partitionTolerance()) < 0) {
            return null;
        }
        return "the lease " + own.subnetText() + " of " + underlay + " could not be renewed for " + since.toSeconds()
                + " s, and no longer than " + config.partitionTolerance().toSeconds() + " s are tolerated: "
                + e.getMessage();
    }

    private void report(List<LeaseRecord> all) {
        // The database keeps no order, and duplicates say nothing.
        Set<LeaseRecord> content = new HashSet<>();
        all.forEach(lease -> content.add(
                new LeaseRecord(lease.underlayIp(), lease.overlaySubnet(), lease.overlayHardwareAddr(), null)));
        if (loop.isStopped()) {
            return;
        }
        if (own.equals(reportedOwn) && content.equals(reported)) {
            listener.confirmed();
        } else {
            listener.leases(own, all);
            reportedOwn = own;
            reported = content;
        }
    }
}
