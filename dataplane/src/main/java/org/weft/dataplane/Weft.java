package org.weft.dataplane;

import java.util.List;
import java.util.Map;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.config.DaemonConfig;
import org.weft.dataplane.config.DaemonConfig.VtepEntries;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.Offloads;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;

/**
 * Composition root: builds the devices, tables and agents of every VTEP, and takes them down again.
 *
 * <p>Its methods are called by the control thread only.
 */
public final class Weft implements AutoCloseable {
    /** What an operator sees of a VTEP beside its configuration: the state of its devices. */
    public record LinkState(
            boolean up, boolean carrier, int ifindex, long mac, int mtu, Offloads offloads, String trouble) {}

    /** Brings up what the configuration names; on failure nothing is left behind. */
    public Weft(DaemonConfig config) {}

    /** VTEPs in the order they were added. */
    public List<Vtep> vteps() {
        throw new AssertionError();
    }

    /** The VTEP of this name, or null. */
    public Vtep vtep(String name) {
        throw new AssertionError();
    }

    public LinkState state(Vtep vtep) {
        throw new AssertionError();
    }

    /** Counters of the underlay sockets, keyed by {@code address:port}. */
    public Map<String, Counters> underlays() {
        throw new AssertionError();
    }

    public Capture capture() {
        throw new AssertionError();
    }

    /** Adds a VTEP with its entries while the others run. */
    public Vtep add(VtepEntries entries) {
        throw new AssertionError();
    }

    /** Puts a changed configuration in force; the caller changed only what can change at run time. */
    public void change(Vtep vtep, VtepConfig changed) {
        throw new AssertionError();
    }

    public void remove(Vtep vtep) {
        throw new AssertionError();
    }

    @Override
    public void close() {}
}
