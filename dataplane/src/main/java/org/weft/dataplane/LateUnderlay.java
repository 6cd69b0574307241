package org.weft.dataplane;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.weft.dataplane.config.VtepAttributes;
import org.weft.dataplane.vtep.Vtep;

/**
 * VTEPs that were made before their underlay was there. The lock of {@link Weft} guards this
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
        assumedMtus.put(vtep, vtep.config().mtu());
    }

    boolean awaitsInterface(Vtep vtep) {
        return unopened.contains(vtep);
    }

    void opened(Vtep vtep) {
        unopened.remove(vtep);
    }

    /**
     * Takes note of the underlay's MTU.
     *
     * @return the MTU that the VTEP should have: a new one once, if the present one is assumed and
     *     unchanged
     */
    int mtu(Vtep vtep, int underlayMtu) {
        int now = vtep.config().mtu();
        Integer assumed = assumedMtus.remove(vtep);
        return assumed != null && assumed == now
                ? VtepAttributes.defaultMtu(vtep.config().local(), underlayMtu)
                : now;
    }

    void forget(Vtep vtep) {
        unopened.remove(vtep);
        assumedMtus.remove(vtep);
    }
}
