package org.weft.silk.container;

import java.util.List;
import org.weft.silk.lease.Lease;

/** The containers of this host, as far as its lease matters to them. */
public interface Tenants {
    /** How many there are. */
    int size();

    /**
     * Forgets those that went without a word.
     *
     * @return how many
     */
    int dropGone();

    /**
     * Tells the lease that they get addresses from.
     *
     * @param own null if there is none (yet); then none is taken
     * @param mtu the VTEP's
     */
    void lease(Lease own, int mtu);

    /** What keeps them from sending what is not theirs. */
    ContainerGuard guard();

    /**
     * Compares forwarding and the host's ends of containers with the state that attach left. Starts
     * a process if there are containers.
     *
     * @param device of the VTEP
     * @param repair whether to put back differences
     * @return the differences, put back or not
     */
    List<HostRepair> upkeep(String device, boolean repair);

    /** Whether no more are taken. */
    void draining(boolean draining);
}
