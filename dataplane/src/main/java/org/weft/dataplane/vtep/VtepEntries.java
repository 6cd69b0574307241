package org.weft.dataplane.vtep;

import java.util.List;
import org.weft.dataplane.table.NeighbourTable.Neighbour;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.table.TagTable.Tag;

/**
 * A VTEP and the entries of its tables at the start. Immutable.
 *
 * @param mtuAssumed whether the MTU follows from an underlay that was not there yet, so Weft
 *     must still take the real one
 */
public record VtepEntries(
        VtepConfig vtep, List<StaticFdbEntry> fdb, List<Neighbour> neighbours, List<Tag> tags, boolean mtuAssumed) {
    /** A static forwarding entry. */
    public record StaticFdbEntry(long mac, Remote remote) {}

    public VtepEntries {
        fdb = List.copyOf(fdb);
        neighbours = List.copyOf(neighbours);
        tags = List.copyOf(tags);
    }
}
