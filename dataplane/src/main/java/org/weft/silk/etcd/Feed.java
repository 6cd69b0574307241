package org.weft.silk.etcd;

import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.silk.config.CellConfig;

/**
 * A connection to one member, whose watch keeps the roster up to date. A new connection goes on where the watch was;
 * all is listed anew only if etcd no longer has what came between.
 */
final class Feed {
    private static final Logger LOG = LoggerFactory.getLogger(Feed.class);

    private final Keys keys;
    private final Cluster cluster;
    private final Roster roster;
    private final Runnable arrived;
    private final long silence;
    private final Duration doubt;

    private Gateway etcd;
    private volatile WatchStream stream;
    private long lastContact;
    private boolean contacted;

    /**
     * A feed that is closed.
     *
     * @param finding how long a host may take to find one member that answers
     * @param arrived run when {@link #read} has something to read
     */
    Feed(CellConfig.Etcd config, Keys keys, Cluster cluster, Roster roster, Duration finding, Runnable arrived) {
        this.keys = keys;
        this.cluster = cluster;
        this.roster = roster;
        this.arrived = arrived;
        this.silence = config.ttl().toNanos() / 2;
        this.doubt = config.ttl().plus(finding.multipliedBy(cluster.size()));
    }

    boolean isOpen() {
        return stream != null;
    }

    /** The member; only while the feed is open. */
    Gateway etcd() {
        return etcd;
    }

    void open() throws EtcdException {
        etcd = cluster.member();
        if (roster.revision() > 0) {
            stream = etcd.watch(keys.followed(), roster.revision() + 1, arrived);
        }
        if (stream == null || !roster.continues(stream.header())) {
            list();
        }
        doubt();
        contact();
    }

    private void list() throws EtcdException {
        close();
        Gateway.Listing all = etcd.list(keys.followed(), roster.newcomers());
        doubt();
        roster.replace(all.header(), all.keys(), System.nanoTime());
        stream = etcd.watch(keys.followed(), all.header().revision() + 1, arrived);
    }

    /** etcd was away, or this host was: all hosts have a ttl and the time that it takes them to find etcd again. */
    private void doubt() {
        roster.doubt(System.nanoTime() + doubt.toNanos());
    }

    /** Takes what the watch brought. */
    void read() throws EtcdException {
        for (WatchStream.Message message = stream.poll(); message != null; message = stream.poll()) {
            if (message.failure() != null) {
                throw message.failure();
            }
            contact();
            if (message.compacted()) {
                LOG.info("etcd: changes after revision {} are compacted, listing all leases again", roster.revision());
                list();
            } else {
                long now = System.nanoTime();
                message.changes().forEach(change -> roster.apply(change, now));
                etcd.checkNumber(roster.size());
            }
        }
    }

    /**
     * Something was heard of etcd. If there was nothing for long, etcd may have stood still without anybody's noticing:
     * hosts renew each third of the ttl, so that none of them is forgotten within less than two thirds.
     */
    void contact() {
        long now = System.nanoTime();
        if (now - lastContact > silence) {
            doubt();
        }
        lastContact = now;
        contacted = true;
    }

    /** Whether there was contact since this was asked last. */
    boolean takeContacted() {
        boolean was = contacted;
        contacted = false;
        return was;
    }

    void close() {
        WatchStream open = stream;
        stream = null;
        if (open != null) {
            open.close();
        }
    }
}
