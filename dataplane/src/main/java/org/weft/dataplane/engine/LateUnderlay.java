package org.weft.dataplane.engine;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.weft.dataplane.vtep.UnderlayMtu;
import org.weft.dataplane.vtep.Vtep;

/**
 * VTEPs that were made before their underlay was there. The lock of {@link Engine} guards this
 * object.
 */
final class LateUnderlay {
    /**
     * VTEPs without devices, because their sockets would be bound to an interface that does not
     * exist.
     */
    private final Set<Vtep> unopened = new HashSet<>();

    /** VTEPs whose MTU is assumed, because the underlay's MTU is not known yet; with that MTU. */
    private final Map<Vtep, Integer> assumedMtus = new HashMap<>();

    void awaitInterface(Vtep vtep) {
        unopened.add(vtep);
    }

    void awaitMtu(Vtep vtep) {
        assumedMtus.put(vtep, vtep.config().device().mtu());
    }

    boolean awaitsInterface(Vtep vtep) {
        return unopened.contains(vtep);
    }

    void opened(Vtep vtep) {
        unopened.remove(vtep);
    }

    /**
     * The MTU that a VTEP should have. It follows from the underlay's MTU if the present one is
     * assumed and unchanged, until {@link #mtuKnown}.
     */
    int mtu(Vtep vtep, int underlayMtu) {
        int now = vtep.config().device().mtu();
        Integer assumed = assumedMtus.get(vtep);
        return assumed != null && assumed == now
                ? UnderlayMtu.defaultMtu(vtep.config().underlay().local(), underlayMtu)
                : now;
    }

    /** Notes that the VTEP has the MTU that it should have. */
    void mtuKnown(Vtep vtep) {
        assumedMtus.remove(vtep);
    }

    void forget(Vtep vtep) {
        unopened.remove(vtep);
        assumedMtus.remove(vtep);
    }
}
