package org.weft.config;

import java.util.Collection;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepConfig.Underlay;
import org.weft.encap.IpAddress;

/** Whether two VTEPs would claim the same datagrams (kernel: vxlan_config_validate). */
public final class VtepOverlap {
    private VtepOverlap() {}

    /** A sentence about the first of the others that the VTEP cannot stand beside, or null. */
    public static String find(VtepConfig vtep, Collection<VtepConfig> others) {
        for (VtepConfig other : others) {
            if (vtep.vni() == other.vni() && collide(vtep.underlay(), other.underlay())) {
                return "a VTEP with VNI " + vtep.vni() + " on " + endpoint(other.underlay()) + " exists already: "
                        + other.name() + "; give " + vtep.name() + " another vni, port or local address";
            }
        }
        return null;
    }

    private static boolean collide(Underlay a, Underlay b) {
        boolean devicesDiffer = a.dev() != null && b.dev() != null && !a.dev().equals(b.dev());
        return a.port() == b.port()
                && !devicesDiffer
                && (a.local().equals(b.local()) || anyCovers(a.local(), b.local()));
    }

    private static boolean anyCovers(IpAddress a, IpAddress b) {
        return a.isIpv4() == b.isIpv4() && (a.isAny() || b.isAny());
    }

    private static String endpoint(Underlay underlay) {
        IpAddress local = underlay.local();
        return (local.isIpv4() ? local : "[" + local + "]") + ":" + underlay.port();
    }
}
