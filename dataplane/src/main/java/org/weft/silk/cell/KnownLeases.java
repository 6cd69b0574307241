package org.weft.silk.cell;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.lease.LeaseTable;
import org.weft.silk.lease.LeaseTable.Skipped;
import org.weft.silk.lease.Overlay;

/** What the source said last, and what of it can be used. What cannot is said once. */
final class KnownLeases {
    private static final Logger LOG = LoggerFactory.getLogger(KnownLeases.class);

    /** Of one change of the leases; the status has all. */
    private static final int MOST_LOGGED = 20;

    private final Overlay overlay;
    private Collection<LeaseRecord> records = List.of();
    private LeaseTable table = LeaseTable.empty();

    KnownLeases(Overlay overlay) {
        this.overlay = overlay;
    }

    void hear(Collection<LeaseRecord> said) {
        records = said;
    }

    /** @param own this host's lease, which wins over all others; null without */
    void check(Lease own) {
        Set<Skipped> before = new HashSet<>(table.skipped());
        table = LeaseTable.of(overlay, own, records);
        List<Skipped> fresh = table.skipped().stream()
                .filter(record -> !before.contains(record))
                .limit(MOST_LOGGED + 1)
                .toList();
        fresh.stream().limit(MOST_LOGGED).forEach(record -> LOG.warn("lease skipped: {}", record.reason()));
        if (fresh.size() > MOST_LOGGED) {
            LOG.warn(
                    "{} leases are skipped in all: see 'weft lease show'",
                    table.skipped().size());
        }
    }

    /** Another host's lease that takes a part of this host's; null if the source knows of none. */
    Lease rivalOf(Lease own) {
        return LeaseTable.of(overlay, null, records).leases().stream()
                .filter(other -> !other.underlay().equals(own.underlay()) && other.overlaps(own))
                .findFirst()
                .orElse(null);
    }

    /** Leases that can be used, this host's among them. */
    Collection<Lease> leases() {
        return table.leases();
    }

    List<Skipped> skipped() {
        return table.skipped();
    }
}
