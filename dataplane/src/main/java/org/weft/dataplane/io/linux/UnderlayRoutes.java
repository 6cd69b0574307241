package org.weft.dataplane.io.linux;

import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.encap.IpAddress;
import org.weft.encap.UdpHeader;

/**
 * The interface that the kernel sends the datagrams of a flow through, and how long a packet may
 * be. An answer counts for a second. The question has the fields that rules and multipath routes
 * may look at: protocol, ports and TOS, as in a socket's own datagrams (kernel: udp_sendmsg,
 * udpv6_sendmsg; their mark is 0).
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

    // include/uapi/linux/rtnetlink.h
    private static final int RTM_GETROUTE = 26;
    private static final int ROUTE_LENGTH = 12;
    private static final int FAMILY_OFFSET = Netlink.HEADER_LENGTH;
    private static final int DESTINATION_LENGTH_OFFSET = Netlink.HEADER_LENGTH + 1;
    private static final int SOURCE_LENGTH_OFFSET = Netlink.HEADER_LENGTH + 2;
    private static final int TOS_OFFSET = Netlink.HEADER_LENGTH + 3;
    private static final int TYPE_OFFSET = Netlink.HEADER_LENGTH + 7;
    private static final int RTN_UNICAST = 1;
    private static final int RTA_DST = 1;
    private static final int RTA_SRC = 2;
    private static final int RTA_OIF = 4;
    private static final int RTA_GATEWAY = 5;
    private static final int RTA_METRICS = 8;
    private static final int RTA_VIA = 18;
    private static final int RTA_ENCAP = 22;
    private static final int RTA_IP_PROTO = 27;
    private static final int RTA_SPORT = 28;
    private static final int RTA_DPORT = 29;
    private static final int RTAX_MTU = 2;

    /**
     * The bits of DSCP, without those of ECN, which no route depends on (include/net/inet_dscp.h).
     */
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

    private final IpAddress local;
    private Netlink routes;

    /** Null if the kernel has no IPsec. */
    private Netlink policies;

    private int ioctls = -1;
    private final InterfaceRequest byIndex = new InterfaceRequest();

    /** The only interface to send through, or null. */
    private final InterfaceRequest dev;

    /**
     * The cached answers, by a hash of the flow. Each has the remote, and ports and DSCP in one
     * number.
     */
    private final long[] highs = new long[CACHE];

    private final long[] lows = new long[CACHE];
    private final long[] flows = new long[CACHE];
    private final long[] expiries = new long[CACHE];
    private final int[] ifindexes = new int[CACHE];
    private final int[] mtus = new int[CACHE];

    /** The cache's index for the flow of the last lookup. */
    private int place;

    /** Whether the kernel may encrypt packets, and until when that answer counts. */
    private boolean mayBeEncrypted;

    private long policiesExpiry = NEVER;

    /** The gateway of the last answer; 0 without one. */
    private long gatewayHigh;

    private long gatewayLow;

    /**
     * @param local source address
     * @param dev the only interface to send through, or null
     * @throws LinuxException if the kernel refuses the sockets; none is left open
     */
    UnderlayRoutes(IpAddress local, String dev) {
        this.local = local;
        this.dev = dev == null ? null : new InterfaceRequest(dev);
        try {
            routes = new Netlink(Netlink.NETLINK_ROUTE);
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
        UnsafeBuffer buffer = begin(high, low, dscp);
        buffer.putShort(routes.attribute(RTA_SPORT, Short.BYTES), (short) sourcePort, ByteOrder.BIG_ENDIAN);
        buffer.putShort(routes.attribute(RTA_DPORT, Short.BYTES), (short) port, ByteOrder.BIG_ENDIAN);
        if (dev != null) {
            if (dev.ioctl(ioctls, SIOCGIFINDEX) < 0) {
                return NONE;
            }
            buffer.putInt(routes.attribute(RTA_OIF, Integer.BYTES), dev.value());
        }
        int ifindex = exchange();
        if (ifindex == NONE) {
            return NONE;
        }
        int routeMtu = routeMtu(buffer);
        long nextHigh = gatewayHigh;
        long nextLow = gatewayLow;
        begin(high, low, dscp);
        buffer.putInt(routes.attribute(RTA_OIF, Integer.BYTES), ifindex);
        boolean same = exchange() == ifindex && gatewayHigh == nextHigh && gatewayLow == nextLow;
        return same ? useInterface(ifindex, routeMtu) : NONE;
    }

    private UnsafeBuffer begin(long high, long low, int dscp) {
        boolean ipv4 = local.isIpv4();
        int bits = ipv4 ? Integer.SIZE : 2 * Long.SIZE;
        UnsafeBuffer buffer = routes.begin(RTM_GETROUTE, ROUTE_LENGTH);
        buffer.putByte(FAMILY_OFFSET, (byte) (ipv4 ? LibC.AF_INET : LibC.AF_INET6));
        buffer.putByte(DESTINATION_LENGTH_OFFSET, (byte) bits);
        buffer.putByte(SOURCE_LENGTH_OFFSET, (byte) bits);
        buffer.putByte(TOS_OFFSET, (byte) dscp);
        putAddress(RTA_DST, high, low);
        putAddress(RTA_SRC, local.high(), local.low());
        buffer.putByte(routes.attribute(RTA_IP_PROTO, Byte.BYTES), (byte) UdpHeader.PROTOCOL);
        return buffer;
    }

    /**
     * Sends the question. Returns the interface of the answer, or {@link #NONE}, and notes its
     * gateway.
     */
    private int exchange() {
        UnsafeBuffer buffer = routes.buffer();
        if (routes.exchange() < 0 || buffer.getByte(TYPE_OFFSET) != RTN_UNICAST) {
            return NONE;
        }
        int out = routes.find(RTA_OIF, ROUTE_LENGTH);
        if (out == 0 || routes.find(RTA_ENCAP, ROUTE_LENGTH) != 0) {
            return NONE;
        }
        noteGateway(buffer);
        return buffer.getInt(out);
    }

    /** An IPv6 gateway of an IPv4 route has its family in front (struct rtvia). */
    private void noteGateway(UnsafeBuffer buffer) {
        int gateway = routes.find(RTA_GATEWAY, ROUTE_LENGTH);
        int via = routes.find(RTA_VIA, ROUTE_LENGTH);
        gatewayHigh = 0;
        gatewayLow = 0;
        if (gateway != 0 && local.isIpv4()) {
            gatewayLow = buffer.getInt(gateway) & 0xffff_ffffL;
        } else if (gateway != 0 || via != 0) {
            int address = gateway != 0 ? gateway : via + Short.BYTES;
            gatewayHigh = buffer.getLong(address);
            gatewayLow = buffer.getLong(address + Long.BYTES);
        }
    }

    private void putAddress(int type, long high, long low) {
        UnsafeBuffer buffer = routes.buffer();
        if (local.isIpv4()) {
            buffer.putInt(routes.attribute(type, Integer.BYTES), (int) low, ByteOrder.BIG_ENDIAN);
        } else {
            int offset = routes.attribute(type, 2 * Long.BYTES);
            buffer.putLong(offset, high, ByteOrder.BIG_ENDIAN);
            buffer.putLong(offset + Long.BYTES, low, ByteOrder.BIG_ENDIAN);
        }
    }

    /** What the route itself says, or a router on the way has said; 0 for nothing. */
    private int routeMtu(UnsafeBuffer buffer) {
        int metrics = routes.find(RTA_METRICS, ROUTE_LENGTH);
        int mtu = metrics == 0 ? 0 : routes.findIn(metrics, RTAX_MTU);
        return mtu == 0 ? 0 : buffer.getInt(mtu);
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
