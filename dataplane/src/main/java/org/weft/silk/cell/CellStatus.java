package org.weft.silk.cell;

import java.util.List;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseTable.Skipped;

/**
 * The state of a cell at one moment.
 *
 * @param vtep name of the device
 * @param source the source of leases
 * @param ageMillis time since the source last said that the leases are as they are; -1 if it never did
 * @param trouble one sentence about a fault; null if there is none
 * @param obstacle why containers are cut off although a lease is in force, in a sentence; null if
 *     they are not, as far as the cell knows
 * @param own this host's lease; null without
 * @param leases other hosts' leases in force
 * @param skipped unusable records
 * @param failures changes that the kernel refused, in sentences
 * @param drainMillis how long the cell waits for its containers to leave; -1 if it does not wait
 * @param totals since the start
 */
public record CellStatus(
        Phase phase,
        String vtep,
        String source,
        long ageMillis,
        String trouble,
        String obstacle,
        Lease own,
        List<Lease> leases,
        List<Skipped> skipped,
        List<String> failures,
        long drainMillis,
        Totals totals) {
    /** What a cell is at. */
    public enum Phase {
        /** It has no lease yet, or no device yet. */
        WAITING,
        /** The leases are what the source says now. */
        CURRENT,
        /** The source does not answer; what it said last is in force. */
        STALE,
        /** Somebody else has this host's lease; the device is gone until the containers are. */
        LOST,
        /** It waits for its containers to leave. */
        DRAINING
    }

    /** Counts since the start: passes of convergence, and what they changed; what the source refused or garbled. */
    public record Totals(
            long passes, long added, long moved, long gone, long repaired, long refused, long sourceFailures) {}

    /** Whether a lease is in force, and so the device is up. */
    public boolean hasLease() {
        return own != null;
    }
}
