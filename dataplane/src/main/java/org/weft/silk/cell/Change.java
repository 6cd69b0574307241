package org.weft.silk.cell;

import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;
import org.weft.silk.lease.Lease;

/**
 * One difference between the leases and this host.
 *
 * @param subnet whose it is
 * @param before what is installed; null if nothing is, or it is not known what
 * @param after what is to be installed; null if nothing is
 * @param parts what of it is not as it is to be
 */
public record Change(Kind kind, IpPrefix subnet, Lease before, Lease after, Parts parts) {
    /** What a change is to an operator. */
    public enum Kind {
        ADDED,
        /** Another underlay address or MAC address. */
        MOVED,
        GONE,
        /** Somebody else changed what was installed. */
        REPAIRED
    }

    /**
     * @param route to be written; of a route that is there but differs, see {@code staleRoute}
     * @param staleRoute to be removed first
     * @param neighbour the kernel's neighbour is to be written or removed
     * @param table the VTEP's tables are to be written
     */
    record Parts(boolean route, boolean staleRoute, boolean neighbour, boolean table) {
        static final Parts TABLE = new Parts(false, false, false, true);

        boolean any() {
            return route || staleRoute || neighbour || table;
        }
    }

    @Override
    public String toString() {
        String name = subnet.address() + "/" + subnet.length();
        return switch (kind) {
            case ADDED -> "added " + name + ": " + place(after);
            case MOVED -> "moved " + name + ": " + place(after) + ", was " + place(before);
            case GONE -> "gone " + name + (before == null ? "" : ": " + place(before));
            case REPAIRED ->
                "repaired " + name + ": " + place(after) + (parts.route() ? ", route" : "")
                        + (parts.neighbour() ? ", neighbour" : "") + (parts.table() ? ", forwarding entry" : "");
        };
    }

    private static String place(Lease lease) {
        return lease.underlay() + " " + MacAddress.toString(lease.mac());
    }
}
