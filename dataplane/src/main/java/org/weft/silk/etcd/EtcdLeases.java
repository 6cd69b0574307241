package org.weft.silk.etcd;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.watchdog.Heartbeat;
import org.weft.dataplane.watchdog.Heartbeats;
import org.weft.encap.IpAddress;
import org.weft.operator.OperatorException;
import org.weft.silk.config.CellConfig;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseSource;
import org.weft.silk.lease.Overlay;

/**
 * Leases in an etcd cluster, 3.4 or newer, through its JSON gateway. All happens in turns on one thread: a turn takes
 * what the watch brought, renews and claims what is due, and reports. A turn that fails ends the connection; the next
 * one, after a while, begins with another member and continues where the watch was.
 */
public final class EtcdLeases implements LeaseSource {
    private static final Logger LOG = LoggerFactory.getLogger(EtcdLeases.class);

    private static final Duration LONGEST_BACKOFF = Duration.ofSeconds(5);

    private final CellConfig.Etcd config;
    private final Cluster cluster;
    private final Roster roster;
    private final Tenure tenure;
    private final Acquisition acquisition;
    private final Feed feed;
    private final Backoff reconnecting;
    private final AtomicBoolean arrived = new AtomicBoolean();
    private final ScheduledThreadPoolExecutor loop;
    private final Heartbeat heartbeat;

    /** What follows is the loop's. */
    private Report report;

    private ScheduledFuture<?> next;
    private boolean released;
    private long connectAt = System.nanoTime();
    private long renewAt = connectAt;

    /**
     * A source that does nothing before {@link #start}.
     *
     * @param tls asked for at first and whenever TLS failed, so that renewed certificates are used; null without TLS of
     *     ours
     * @param underlay this host's underlay address, which its lease is known by
     * @param singleIp whether this host is no cell and gets a /32
     */
    public EtcdLeases(
            CellConfig.Etcd config, Supplier<SSLContext> tls, Overlay overlay, IpAddress underlay, boolean singleIp) {
        this.config = config;
        this.cluster = new Cluster(config, tls);
        Keys keys = new Keys(config.prefix());
        this.roster = new Roster(overlay, keys, config.ttl().dividedBy(6));
        this.tenure = new Tenure(config, overlay, keys, underlay, singleIp);
        this.acquisition = new Acquisition(tenure, roster);
        Duration quarter = config.ttl().dividedBy(4);
        Duration longest = quarter.compareTo(LONGEST_BACKOFF) < 0 ? quarter : LONGEST_BACKOFF;
        this.reconnecting = new Backoff(longest);
        this.feed = new Feed(config, keys, cluster, roster, config.timeout().plus(longest), this::signal);
        this.loop = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "weft-etcd");
            thread.setDaemon(true);
            return thread;
        });
        loop.setRemoveOnCancelPolicy(true);
        // A turn asks one after another, and each answer takes no longer than the timeout.
        heartbeat = Heartbeats.PROCESS.register(
                "weft-etcd", Heartbeats.CONTROL.plus(config.timeout().multipliedBy(10)));
    }

    @Override
    public String name() {
        return "etcd "
                + String.join(
                        ",", config.endpoints().stream().map(URI::toString).toList());
    }

    @Override
    public void start(Lease held, Instant confirmed, Listener listener) {
        Duration age = held == null ? null : Duration.between(confirmed, Instant.now());
        run(() -> {
            report = new Report(listener);
            try {
                if (held != null) {
                    tenure.resume(held, age);
                }
            } finally {
                acquisition.want(held == null ? null : held.subnet());
                turn();
            }
        });
        long period = Heartbeats.PERIOD.toNanos();
        loop.scheduleWithFixedDelay(heartbeat::beat, period, period, TimeUnit.NANOSECONDS);
    }

    @Override
    public void refresh() {
        run(() -> {
            connectAt = System.nanoTime();
            renewAt = connectAt;
            turn();
        });
    }

    @Override
    public void acquireAnother() {
        run(() -> {
            acquisition.want(null);
            turn();
        });
    }

    private void run(Runnable task) {
        loop.execute(heartbeat.guard(task));
    }

    private void turn() {
        if (released || report == null) {
            return;
        }
        try {
            arrived.set(false);
            advance();
        } catch (EtcdException e) {
            disconnect(e);
        } catch (RuntimeException | Error e) {
            heartbeat.failed(e);
            disconnect(new EtcdException(name() + ": " + e, e));
        } finally {
            schedule();
        }
    }

    private void advance() throws EtcdException {
        boolean had = tenure.lease() != null;
        if (tenure.expire(System.nanoTime())) {
            acquisition.giveUp();
            lost();
            had = false;
        }
        if (!feed.isOpen() && connectAt - System.nanoTime() > 0) {
            return;
        }
        if (feed.isOpen()) {
            feed.read();
        } else {
            feed.open();
            renew(true);
        }
        if (renewAt - System.nanoTime() <= 0) {
            renew(false);
        }
        acquisition.advance(feed.etcd());
        if (had && tenure.lease() == null) {
            lost();
        }
        cluster.succeeded();
        reconnecting.reset();
        roster.lapse(System.nanoTime());
        tell();
    }

    private void renew(boolean ownership) throws EtcdException {
        tenure.renew(feed.etcd(), ownership);
        feed.contact();
        double third = config.ttl().toNanos() / 3.0;
        renewAt =
                System.nanoTime() + (long) (third * ThreadLocalRandom.current().nextDouble(0.75, 1));
    }

    private void lost() {
        LOG.warn("etcd: {}", tenure.loss());
        report.lost(tenure.loss());
    }

    private void tell() {
        boolean settled = acquisition.isSettled();
        boolean news = settled && (roster.takeChanged() || !report.isTold(tenure.lease()));
        boolean told = news && report.leases(tenure.lease(), roster.records());
        boolean contacted = feed.takeContacted();
        if (acquisition.problem() != null) {
            report.failed(acquisition.problem());
            return;
        }
        report.recovered();
        if (contacted && settled && !told) {
            report.confirmed();
        }
    }

    private void disconnect(EtcdException failure) {
        feed.close();
        if (loop.isShutdown()) {
            return;
        }
        boolean nobodyLeft = cluster.failed(failure);
        if (nobodyLeft && report != null) {
            report.failed(cluster.failure());
        }
        connectAt = System.nanoTime() + (nobodyLeft ? reconnecting : new Backoff(Duration.ZERO)).nanos();
    }

    private void schedule() {
        if (next != null) {
            next.cancel(false);
        }
        long now = System.nanoTime();
        long delay = feed.isOpen()
                ? Math.min(renewAt - now, Math.min(acquisition.untilDue(now), roster.untilLapse(now)))
                : connectAt - now;
        delay = Math.max(0, Math.min(delay, tenure.untilExpiry(now)));
        try {
            next = loop.schedule(heartbeat.guard(this::turn), delay, TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("etcd: closed");
        }
    }

    /** The watch has something; run by a thread of the HTTP client's. */
    private void signal() {
        if (arrived.compareAndSet(false, true)) {
            try {
                run(this::turn);
            } catch (RejectedExecutionException e) {
                LOG.debug("etcd: closed");
            }
        }
    }

    @Override
    public void release() {
        Callable<Void> release = () -> {
            try {
                giveBack();
            } finally {
                schedule();
            }
            return null;
        };
        // What the loop waits for already, and then a call and its authentication for each member.
        long limit = config.timeout().toMillis() * (2 + 2L * cluster.size());
        Future<Void> done = loop.submit(release);
        try {
            done.get(limit, TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw notReleased(e.getCause().getMessage(), e);
        } catch (TimeoutException e) {
            done.cancel(true);
            throw notReleased("no answer within " + limit + " ms", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw notReleased("interrupted", e);
        }
    }

    private OperatorException notReleased(String reason, Exception cause) {
        return new OperatorException(
                OperatorException.Kind.UNAVAILABLE,
                "the lease was not given back to etcd (" + reason + "); release it again, or it stays this host's for "
                        + config.expiry().toSeconds() + " s",
                cause);
    }

    private void giveBack() throws EtcdException {
        for (int tries = 1; tenure.lease() != null; tries++) {
            try {
                tenure.giveBack(cluster.member());
            } catch (EtcdException e) {
                disconnect(e);
                if (tries >= cluster.size()) {
                    throw e;
                }
            }
        }
        released = true;
        feed.close();
    }

    @Override
    public void close() {
        heartbeat.close();
        loop.shutdownNow();
        try {
            loop.awaitTermination(config.timeout().toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        feed.close();
    }
}
