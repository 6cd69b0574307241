package org.weft.dataplane.io.linux;

import java.util.concurrent.TimeUnit;
import org.weft.dataplane.io.Errno;
import org.weft.encap.IpAddress;

/**
 * The interface that the kernel sends the datagrams of a flow through, and how long a packet may
 * be. An answer counts for a second.
 *
 * <p>Only routes to an Ethernet interface count, without encapsulation or encryption by the kernel
 * on the way, and no local ones. The {@link RedirectProgram} looks for the next hop on that
 * interface without ports (kernel: __bpf_redirect_neigh_v4, v6). A route does not count if the
 * program would choose another gateway.
 *
 * <p>One thread uses an object; a lookup allocates nothing.
 */
final class UnderlayRoutes implements AutoCloseable {
    private static final int CACHE_BITS = 10;
    private static final int CACHE = 1 << CACHE_BITS;
    private static final long LIFE_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** The bits of DSCP, without those of ECN, which no route depends on (include/net/inet_dscp.h). */
    private static final int DSCP_MASK = 0xfc;

    // include/uapi/linux/xfrm.h
    private static final int XFRM_MSG_GETSPDINFO = 0x25;
    private static final int XFRMA_SPD_INFO = 1;
    private static final int OUTGOING_COUNT_OFFSET = 4;

    // include/uapi/linux/sockios.h, if_arp.h
    private static final int SIOCGIFNAME = 0x8910;
    private static final int SIOCGIFMTU = 0x8921;
    private static final int SIOCGIFINDEX = 0x8933;
    private static final int SIOCGIFHWADDR = 0x8927;
    private static final int ARPHRD_ETHER = 1;

    /** Nothing is known of the place in the cache. */
    private static final int NEVER = 0;

    /** There is no route of use. */
    static final int NONE = 0;

    private RouteQuestion routes;

    /** Null if the kernel has no IPsec. */
    private Netlink policies;

    private int ioctls = -1;
    private final InterfaceRequest byIndex = new InterfaceRequest();

    /** The only interface to send through, or null. */
    private final InterfaceRequest dev;

    /** What is known, by hash of the flow: of its remote, and of ports and DSCP in one number. */
    private final long[] highs = new long[CACHE];

    private final long[] lows = new long[CACHE];
    private final long[] flows = new long[CACHE];
    private final long[] expiries = new long[CACHE];
    private final int[] ifindexes = new int[CACHE];
    private final int[] mtus = new int[CACHE];

    /** Where the flow of the last lookup is, or would be. */
    private int place;

    /** Whether packets may be encrypted, and until when that counts. */
    private boolean mayBeEncrypted;

    private long policiesExpiry = NEVER;

    /**
     * @param local source address
     * @param dev the only interface to send through, or null
     * @throws LinuxException if the kernel refuses the sockets; none is left open
     */
    UnderlayRoutes(IpAddress local, String dev) {
        this.dev = dev == null ? null : new InterfaceRequest(dev);
        try {
            routes = new RouteQuestion(local);
            policies = openPolicies();
            int type = LibC.SOCK_DGRAM | LibC.SOCK_CLOEXEC;
            ioctls = LinuxException.check(LibC.socket(LibC.AF_INET, type, 0), "socket", "for routes");
        } catch (LinuxException e) {
            close();
            throw e;
        }
    }

    private static Netlink openPolicies() {
        try {
            return new Netlink(Netlink.NETLINK_XFRM);
        } catch (LinuxException e) {
            if (e.errno() == Errno.EPROTONOSUPPORT) {
                return null;
            }
            throw e;
        }
    }

    /**
     * Index of the interface for the datagrams of a flow, or {@link #NONE}; see {@link #mtu()}.
     *
     * @param tos TOS or traffic class byte
     */
    int lookup(long high, long low, int sourcePort, int port, int tos) {
        int dscp = tos & DSCP_MASK;
        long flow = (long) sourcePort << 24 | port << 8 | dscp;
        place = place(high, low, flow);
        long now = System.nanoTime();
        if (expiries[place] == NEVER
                || lows[place] != low
                || highs[place] != high
                || flows[place] != flow
                || now - expiries[place] >= 0) {
            highs[place] = high;
            lows[place] = low;
            flows[place] = flow;
            expiries[place] = now + LIFE_NANOS | 1;
            ifindexes[place] = mayBeEncrypted(now) ? NONE : ask(high, low, sourcePort, port, dscp);
        }
        return ifindexes[place];
    }

    private static int place(long high, long low, long flow) {
        long hash = (high ^ low) * 0x9e37_79b9_7f4a_7c15L;
        hash = ((hash ^ hash >>> 32) + flow) * 0x9e37_79b9_7f4a_7c15L;
        return (int) (hash >>> Long.SIZE - CACHE_BITS);
    }

    /** Of the route of the last lookup: the longest IP packet. */
    int mtu() {
        return mtus[place];
    }

    private boolean mayBeEncrypted(long now) {
        if (policiesExpiry == NEVER || now - policiesExpiry >= 0) {
            policiesExpiry = now + LIFE_NANOS | 1;
            mayBeEncrypted = hasPolicies();
        }
        return mayBeEncrypted;
    }

    /**
     * Whether IPsec policies are in force for what this host sends, or that cannot be said: a frame that is handed over
     * would slip past them.
     */
    private boolean hasPolicies() {
        if (policies == null) {
            return false;
        }
        policies.begin(XFRM_MSG_GETSPDINFO, Integer.BYTES);
        int info = policies.exchange() < 0 ? 0 : policies.find(XFRMA_SPD_INFO, Integer.BYTES);
        return info == 0 || policies.buffer().getInt(info + OUTGOING_COUNT_OFFSET) != 0;
    }

    private int ask(long high, long low, int sourcePort, int port, int dscp) {
        routes.to(high, low, dscp).ports(sourcePort, port);
        if (dev != null) {
            if (dev.ioctl(ioctls, SIOCGIFINDEX) < 0) {
                return NONE;
            }
            routes.through(dev.value());
        }
        int ifindex = routes.ask();
        if (ifindex == RouteQuestion.NONE) {
            return NONE;
        }
        int routeMtu = routes.mtu();
        long gatewayHigh = routes.gatewayHigh();
        long gatewayLow = routes.gatewayLow();
        boolean same = routes.to(high, low, dscp).through(ifindex).ask() == ifindex
                && routes.gatewayHigh() == gatewayHigh
                && routes.gatewayLow() == gatewayLow;
        return same ? useInterface(ifindex, routeMtu) : NONE;
    }

    private int useInterface(int ifindex, int routeMtu) {
        byIndex.value(ifindex);
        if (byIndex.ioctl(ioctls, SIOCGIFNAME) < 0
                || byIndex.ioctl(ioctls, SIOCGIFHWADDR) < 0
                || byIndex.flags() != ARPHRD_ETHER
                || byIndex.ioctl(ioctls, SIOCGIFMTU) < 0) {
            return NONE;
        }
        mtus[place] = routeMtu == 0 ? byIndex.value() : Math.min(routeMtu, byIndex.value());
        return ifindex;
    }

    @Override
    public void close() {
        if (routes != null) {
            routes.close();
        }
        if (policies != null) {
            policies.close();
        }
        if (ioctls >= 0) {
            LibC.close(ioctls);
        }
    }
}
