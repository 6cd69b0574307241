package org.weft.dataplane.vtep;

import java.util.List;
import java.util.Map;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

/**
 * The VTEPs of this daemon, and how they are added, changed and removed: the engine, as the control
 * side and the cell see it. Tests put a registry without devices in its place.
 *
 * <p>Thread-safe. Control, the cell, the policies and the start of the daemon call it. A change
 * waits for the one before it; questions wait for none.
 */
public interface VtepRegistry {
    /** VTEPs in the order they were added. */
    List<Vtep> vteps();

    /** The VTEP of this name, or null. */
    Vtep vtep(String name);

    LinkState state(Vtep vtep);

    /**
     * Why no packet of a VTEP passes the underlay, in one sentence; null if they can pass. A device
     * that is down is not such a reason.
     */
    String obstacle(Vtep vtep);

    /** The addresses that the device has; empty if it is not in this namespace. */
    List<IpPrefix> addresses(Vtep vtep);

    /**
     * Names each change that others made to the device; empty without changes, or if the device is
     * not in this namespace.
     */
    List<String> deviations(Vtep vtep);

    /** Makes the device what its configuration says. */
    void restore(Vtep vtep);

    /** Counters of the underlay sockets, keyed by {@code address:port}. */
    Map<String, Counters> underlays();

    /** Datagrams that the kernel dropped at the underlay sockets since they were opened, keyed likewise. */
    Map<String, Long> overflows();

    Capture capture();

    /** Adds a VTEP with its entries while the others run. */
    Vtep add(VtepEntries entries);

    /**
     * Puts a changed configuration in force; the caller changed only what can change at run time.
     * If the kernel refuses a part of it, everything stays as it was.
     */
    void change(Vtep vtep, VtepConfig changed);

    void remove(Vtep vtep);

    /**
     * Judges the packets of a VTEP so from now on, and of every later one of this name from its first packet. On failure
     * it stays as it was.
     *
     * @param tags what a later one has in its tag table at first, beside its own
     */
    void guard(String name, Enforcement enforcement, List<Tag> tags);

    /** How the packets of a VTEP of this name are judged, be there one or not yet. */
    Enforcement enforcement(String name);

    /** Sets the TAP device up or down. */
    void up(Vtep vtep, boolean up);

    /**
     * An entry of the neighbour table was set or removed. Called only where the VTEP installs its neighbours in the
     * kernel.
     *
     * @param mac where the address is now; {@link org.weft.dataplane.table.NeighbourTable#NONE} if it is gone
     */
    void neighbourChanged(Vtep vtep, IpAddress address, long mac);

    /** Now, on the clock that forwarding entries are stamped with. */
    long nowSeconds();
}
