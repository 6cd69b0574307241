package org.weft.dataplane.vtep;

import org.weft.encap.IpAddress;

/** Tells the MTU of the underlay interface; handed in because those who ask open no sockets. */
@FunctionalInterface
public interface UnderlayMtu {
    /** What is assumed where the MTU is not known: Ethernet's. */
    int ASSUMED = 1500;

    /** Outer Ethernet is not counted: IPv4, UDP, VXLAN and the inner Ethernet header. */
    int IPV4_OVERHEAD = 20 + 8 + 8 + 14;

    int IPV6_OVERHEAD = 40 + 8 + 8 + 14;

    /** The smallest MTU of a VTEP: that of IPv4. */
    int MIN_VTEP_MTU = 68;

    /** The largest MTU of a VTEP: a frame and its headers fit one UDP datagram over IPv4. */
    int MAX_VTEP_MTU = 0xffff - IPV4_OVERHEAD;

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

    /** The MTU of a VTEP without the attribute, on an underlay with this MTU. */
    static int defaultMtu(IpAddress local, int underlayMtu) {
        return allowed(underlayMtu - overhead(local));
    }

    /** The nearest MTU that a VTEP may have. */
    static int allowed(int mtu) {
        return Math.max(MIN_VTEP_MTU, Math.min(mtu, MAX_VTEP_MTU));
    }

    /** The part of the underlay's MTU that the outer headers take. */
    static int overhead(IpAddress local) {
        return local.isIpv4() ? IPV4_OVERHEAD : IPV6_OVERHEAD;
    }
}
