package org.weft.dataplane.silk;

import org.weft.dataplane.silk.lease.Lease;

/** The containers of this host, as far as its lease matters to them. */
public interface Tenants {
    /** How many there are. */
    int size();

    /** The network they get addresses from, from now on; null if there is none. */
    void lease(Lease own, int mtu);

    /** Whether no more are taken. */
    void draining(boolean draining);
}
