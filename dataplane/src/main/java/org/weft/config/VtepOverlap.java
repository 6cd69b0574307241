package org.weft.config;

import java.util.Collection;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.IpAddress;

/** Whether two VTEPs would claim the same datagrams (kernel: vxlan_config_validate). */
public final class VtepOverlap {
    private VtepOverlap() {}

    /** A sentence about the first of the others that the VTEP cannot stand beside, or null. */
    public static String find(VtepConfig vtep, Collection<VtepConfig> others) {
        for (VtepConfig other : others) {
            if (vtep.vni() == other.vni() && vtep.port() == other.port() && sameSocket(vtep, other)) {
                return "a VTEP with VNI " + vtep.vni() + " on " + endpoint(other) + " exists already: " + other.name()
                        + "; give " + vtep.name() + " another vni, port or local address";
            }
        }
        return null;
    }

    private static boolean sameSocket(VtepConfig a, VtepConfig b) {
        boolean devicesDiffer = a.dev() != null && b.dev() != null && !a.dev().equals(b.dev());
        return !devicesDiffer && (a.local().equals(b.local()) || anyCovers(a.local(), b.local()));
    }

    private static boolean anyCovers(IpAddress a, IpAddress b) {
        return a.isIpv4() == b.isIpv4() && (a.isAny() || b.isAny());
    }

    private static String endpoint(VtepConfig vtep) {
        return (vtep.local().isIpv4() ? vtep.local() : "[" + vtep.local() + "]") + ":" + vtep.port();
    }
}
