package org.weft.dataplane.silk.etcd;

import java.net.URI;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
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
import org.weft.dataplane.config.CellConfig;
import org.weft.dataplane.silk.lease.Lease;
import org.weft.dataplane.silk.lease.LeaseSource;
import org.weft.dataplane.silk.lease.Overlay;
import org.weft.dataplane.vtep.OperatorException;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

/**
 * Leases in an etcd cluster, 3.4 or newer, through its JSON gateway. All happens in turns on one thread: a turn takes
 * what the watch brought, renews and claims what is due, and reports. A turn that fails ends the connection; the next
 * one, after a while, begins with another member and goes on where the watch was.
 */
public final class EtcdLeases implements LeaseSource {
    private static final Logger LOG = LoggerFactory.getLogger(EtcdLeases.class);

    /** How often a claim is tried before it is called failed, as in silk's controller. */
    private static final int TRIES = 10;

    private static final Duration LONGEST_BACKOFF = Duration.ofSeconds(5);
    private static final long CONFLICT_NANOS = Duration.ofMillis(50).toNanos();

    private final CellConfig.Etcd config;
    private final Keys keys;
    private final Cluster cluster;
    private final Roster roster;
    private final Tenure tenure;
    private final Duration longestBackoff;
    private final Backoff reconnecting;
    private final Backoff claiming;
    private final AtomicBoolean arrived = new AtomicBoolean();
    private final ScheduledExecutorService loop;

    /** What follows is the loop's. */
    private Report report;

    private ScheduledFuture<?> next;
    private Gateway etcd;
    private WatchStream stream;
    private IpPrefix held;
    private boolean wanted = true;
    private boolean ended;
    private int conflicts;
    private String unclaimed;
    private boolean contacted;
    private long lastContact;
    private long connectAt = System.nanoTime();
    private long claimAt = connectAt;
    private long renewAt = connectAt;

    /**
     * A source that does nothing before {@link #start}.
     *
     * @param tls asked for when a connection is made, so that renewed certificates are used; null without TLS of ours
     * @param underlay this host's underlay address, which its lease is known by
     * @param singleIp whether this host is no cell and gets a /32
     */
    public EtcdLeases(
            CellConfig.Etcd config, Supplier<SSLContext> tls, Overlay overlay, IpAddress underlay, boolean singleIp) {
        this.config = config;
        this.keys = new Keys(config.prefix());
        this.cluster = new Cluster(config, tls);
        Duration quarter = config.ttl().dividedBy(4);
        this.longestBackoff = quarter.compareTo(LONGEST_BACKOFF) < 0 ? quarter : LONGEST_BACKOFF;
        this.roster = new Roster(overlay, keys, config.ttl().dividedBy(6));
        this.tenure = new Tenure(config, overlay, keys, underlay, singleIp);
        this.reconnecting = new Backoff(longestBackoff);
        this.claiming = new Backoff(LONGEST_BACKOFF);
        ScheduledThreadPoolExecutor executor = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "weft-etcd");
            thread.setDaemon(true);
            return thread;
        });
        executor.setRemoveOnCancelPolicy(true);
        this.loop = executor;
    }

    @Override
    public String name() {
        return "etcd "
                + String.join(
                        ",", config.endpoints().stream().map(URI::toString).toList());
    }

    @Override
    public void start(Lease lastHeld, Listener listener) {
        loop.execute(() -> {
            report = new Report(listener);
            held = lastHeld == null ? null : lastHeld.subnet();
            turn();
        });
    }

    @Override
    public void refresh() {
        loop.execute(() -> {
            connectAt = System.nanoTime();
            renewAt = connectAt;
            turn();
        });
    }

    @Override
    public void acquireAnother() {
        loop.execute(() -> {
            held = null;
            wanted = true;
            claimAt = System.nanoTime();
            turn();
        });
    }

    private void turn() {
        if (ended || report == null) {
            return;
        }
        try {
            arrived.set(false);
            advance();
        } catch (EtcdException e) {
            disconnect(e);
        } catch (RuntimeException e) {
            LOG.error("etcd: unexpected", e);
            disconnect(new EtcdException(name() + ": " + e, e));
        }
        schedule();
    }

    private void advance() throws EtcdException {
        if (tenure.expire(System.nanoTime())) {
            lost();
        }
        if (stream == null) {
            if (connectAt - System.nanoTime() > 0) {
                return;
            }
            connect();
        }
        follow();
        renew();
        keep();
        cluster.succeeded();
        reconnecting.reset();
        roster.lapse(System.nanoTime());
        tell();
    }

    private void connect() throws EtcdException {
        etcd = cluster.member();
        if (roster.revision() > 0) {
            stream = etcd.watch(keys.followed(), roster.revision() + 1, this::signal);
        }
        if (stream == null || !roster.continues(stream.header())) {
            list();
        }
        doubt();
        tenure.renew(etcd, true);
        renewed();
    }

    /** Begins anew: all keys, and a watch from there. */
    private void list() throws EtcdException {
        if (stream != null) {
            stream.close();
        }
        Gateway.Listing all = etcd.list(keys.followed());
        doubt();
        roster.replace(all.header(), all.keys(), System.nanoTime());
        stream = etcd.watch(keys.followed(), all.header().revision() + 1, this::signal);
    }

    /**
     * etcd was away, or this host was: hosts have a ttl and the time that it takes them to find etcd again.
     */
    private void doubt() {
        Duration finding = config.timeout().plus(longestBackoff).multipliedBy(cluster.size());
        roster.doubt(System.nanoTime() + config.ttl().plus(finding).toNanos());
    }

    private void follow() throws EtcdException {
        for (WatchStream.Message message = stream.poll(); message != null; message = stream.poll()) {
            if (message.failure() != null) {
                throw message.failure();
            }
            contact();
            if (message.compacted()) {
                LOG.info("etcd: revisions after {} are compacted, listing all leases anew", roster.revision());
                list();
            } else {
                long now = System.nanoTime();
                message.changes().forEach(change -> roster.apply(change, now));
            }
        }
    }

    /**
     * Something was heard of etcd. If there was nothing for long, etcd may have stood still without anybody's noticing;
     * hosts renew each third of the ttl, so that none of them is forgotten within less than two thirds.
     */
    private void contact() {
        long now = System.nanoTime();
        if (now - lastContact > config.ttl().toNanos() / 2) {
            doubt();
        }
        lastContact = now;
        contacted = true;
    }

    private void renew() throws EtcdException {
        if (renewAt - System.nanoTime() > 0) {
            return;
        }
        if (tenure.lease() == null) {
            etcd.get(keys.lease("")); // asks nothing but whether etcd is there
        } else {
            tenure.renew(etcd, false);
        }
        renewed();
    }

    private void renewed() {
        contact();
        long period = Math.min(
                config.ttl().dividedBy(3).toNanos(),
                config.timeout().multipliedBy(2).toNanos());
        renewAt = lastContact + (long) (period * ThreadLocalRandom.current().nextDouble(0.75, 1));
    }

    /** Sees to it that this host has what it should. */
    private void keep() throws EtcdException {
        boolean written = tenure.lease() == null ? !wanted : tenure.isWritten(roster);
        if (written || claimAt - System.nanoTime() > 0) {
            return;
        }
        Tenure.Outcome outcome =
                tenure.lease() == null ? tenure.claim(etcd, roster, held) : tenure.restore(etcd, roster);
        switch (outcome) {
            case HELD -> claimed();
            case CONFLICT -> conflict();
            case EXHAUSTED -> claimLater(tenure.exhausted());
            case LOST -> lost();
        }
    }

    private void claimed() {
        conflicts = 0;
        unclaimed = null;
        claiming.reset();
        claimAt = System.nanoTime();
    }

    private void conflict() {
        conflicts++;
        if (conflicts % TRIES == 0) {
            claimLater("no subnet in etcd yet: others were quicker " + TRIES + " times");
        } else {
            claimAt = System.nanoTime() + ThreadLocalRandom.current().nextLong(CONFLICT_NANOS / 5, CONFLICT_NANOS);
        }
    }

    private void claimLater(String sentence) {
        unclaimed = sentence;
        claimAt = System.nanoTime() + claiming.nanos();
    }

    private void lost() {
        wanted = false;
        LOG.warn("etcd: {}", tenure.loss());
        report.lost(tenure.loss());
    }

    private void tell() {
        boolean settled = tenure.lease() != null || !wanted || unclaimed != null;
        boolean news = settled && (roster.takeChanged() || !report.isTold(tenure.lease()));
        boolean told = news && report.leases(tenure.lease(), roster.records());
        if (unclaimed != null) {
            report.failed(unclaimed);
        } else {
            report.recovered();
            if (contacted && settled && !told) {
                report.confirmed();
            }
        }
        contacted = false;
    }

    private void disconnect(EtcdException failure) {
        if (stream != null) {
            stream.close();
            stream = null;
        }
        if (loop.isShutdown()) {
            return;
        }
        boolean nobodyLeft = cluster.failed(failure);
        if (nobodyLeft) {
            report.failed(cluster.failure());
        }
        long delay = nobodyLeft ? reconnecting.nanos() : new Backoff(Duration.ZERO).nanos();
        connectAt = System.nanoTime() + delay;
    }

    private void schedule() {
        if (next != null) {
            next.cancel(false);
        }
        long now = System.nanoTime();
        long delay = tenure.untilExpiry(now);
        if (stream == null) {
            delay = Math.min(delay, connectAt - now);
        } else {
            boolean claims = tenure.lease() == null ? wanted : !tenure.isWritten(roster);
            delay = Math.min(delay, Math.min(renewAt - now, roster.untilLapse(now)));
            delay = claims ? Math.min(delay, claimAt - now) : delay;
        }
        try {
            next = loop.schedule(this::turn, Math.max(0, delay), TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("etcd: closed");
        }
    }

    /** The watch has something; run by a thread of the HTTP client's. */
    private void signal() {
        if (arrived.compareAndSet(false, true)) {
            try {
                loop.execute(this::turn);
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
        ended = true;
        if (stream != null) {
            stream.close();
        }
    }

    @Override
    public void close() {
        loop.shutdownNow();
        try {
            if (loop.awaitTermination(config.timeout().toMillis(), TimeUnit.MILLISECONDS) && stream != null) {
                stream.close();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
