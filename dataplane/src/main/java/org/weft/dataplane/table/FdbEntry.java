package org.weft.dataplane.table;

import java.util.List;

/**
 * A forwarding entry as an operator sees it.
 *
 * @param mac destination MAC; 0 for the default entry
 * @param remotes where its frames go, in the order they were added
 * @param permanent set by the operator or the control plane; false for a learned one
 * @param updatedSeconds when it was set, learned or last refreshed, on the clock that {@link FdbTable} is given
 */
public record FdbEntry(long mac, List<Remote> remotes, boolean permanent, long updatedSeconds) {
    public FdbEntry {
        remotes = List.copyOf(remotes);
    }
}
