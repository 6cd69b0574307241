package org.weft.dataplane.config;

import org.weft.encap.IpAddress;

/** Tells the MTU of the underlay interface; handed in because this package opens no sockets. */
@FunctionalInterface
public interface UnderlayMtu {
    /** What is assumed where the MTU is not known: Ethernet's. */
    int ASSUMED = 1500;

    /** Outer Ethernet is not counted: IPv4, UDP, VXLAN and the inner Ethernet header. */
    int IPV4_OVERHEAD = 20 + 8 + 8 + 14;

    int IPV6_OVERHEAD = 40 + 8 + 8 + 14;

    /**
     * @param local underlay address, or {@link IpAddress#isAny()}
     * @param dev underlay interface, or null
     * @return MTU in bytes; 0 if it is not known
     */
    int of(IpAddress local, String dev);

    /** The largest MTU of a VTEP whose packets this underlay carries in one piece. */
    default int carried(IpAddress local, String dev) {
        int known = of(local, dev);
        return (known > 0 ? known : ASSUMED) - overhead(local);
    }

    /** The part of the underlay's MTU that the outer headers take. */
    static int overhead(IpAddress local) {
        return local.isIpv4() ? IPV4_OVERHEAD : IPV6_OVERHEAD;
    }
}
