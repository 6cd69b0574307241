package org.weft.dataplane.config;

import java.util.List;
import org.weft.dataplane.table.NeighbourTable.Neighbour;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.dataplane.vtep.VtepConfig;

/**
 * The whole configuration of a daemon, valid.
 *
 * @param threading whether stages share the worker's thread or have one each
 * @param workers how many event loops share each device's queues
 * @param busyPollMicros how long a worker spins before it sleeps, in microseconds; 0: not at all
 * @param metrics TCP address for Prometheus as {@code host:port}, or null
 * @param vteps the VTEPs to begin with
 * @param cell the cell that this host is; null if it is none
 * @param policy how one of the VTEPs judges; null: none does
 */
public record DaemonConfig(
        Threading threading,
        int workers,
        int busyPollMicros,
        String metrics,
        List<VtepEntries> vteps,
        CellConfig cell,
        PolicyConfig policy) {
    /** How the stages of a packet's way are put on threads. */
    public enum Threading {
        /** Each direction runs to completion on the worker's event loop. */
        SHARED,
        /** Each stage has its own thread. */
        DEDICATED
    }

    /** A static forwarding entry. */
    public record StaticFdbEntry(long mac, Remote remote) {}

    /**
     * A VTEP and the entries of its tables at the start.
     *
     * @param mtuAssumed whether the MTU follows from an underlay that was not there yet, so Weft
     *     must still take the real one
     */
    public record VtepEntries(
            VtepConfig vtep, List<StaticFdbEntry> fdb, List<Neighbour> neighbours, List<Tag> tags, boolean mtuAssumed) {
        public VtepEntries {
            fdb = List.copyOf(fdb);
            neighbours = List.copyOf(neighbours);
            tags = List.copyOf(tags);
        }
    }

    public DaemonConfig {
        vteps = List.copyOf(vteps);
    }
}
