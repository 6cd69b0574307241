package org.weft.dataplane.io.linux;

import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.ByteOrder;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.encap.IpAddress;
import org.weft.encap.UdpHeader;

/**
 * Asks the kernel by which route UDP datagrams from a local address leave this host (RTM_GETROUTE).
 * The question has the fields that rules and multipath routes may look at: protocol, ports and TOS,
 * as in a socket's own datagrams (kernel: udp_sendmsg, udpv6_sendmsg; their mark is 0).
 *
 * <p>One thread uses an object; a question allocates nothing.
 */
final class RouteQuestion implements AutoCloseable {
    /** There is no route by which an unencapsulated packet leaves for another host. */
    static final int NONE = 0;

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

    private final IpAddress local;
    private final Netlink netlink = new Netlink(Netlink.NETLINK_ROUTE);

    /** The gateway in the last answer; 0 without one. The MTU is 0 if the route has none of its own. */
    private long gatewayHigh;

    private long gatewayLow;
    private int mtu;

    /** @throws LinuxException if there is no socket to ask through */
    RouteQuestion(IpAddress local) {
        this.local = local;
    }

    /**
     * The MTU of the path to a remote, as far as this host knows it.
     *
     * @param dev the only interface to send through, or null
     * @return 0 if no route leads to another host
     */
    static int mtuTowards(IpAddress local, String dev, IpAddress remote) {
        try (RouteQuestion question = new RouteQuestion(local)) {
            question.to(remote.high(), remote.low(), 0);
            if (dev != null) {
                question.through(Link.of(dev).index());
            }
            int ifindex = question.ask();
            NetworkInterface leaving = ifindex == NONE ? null : NetworkInterface.getByIndex(ifindex);
            if (leaving == null) {
                return 0;
            }
            return question.mtu == 0 ? leaving.getMTU() : Math.min(question.mtu, leaving.getMTU());
        } catch (SocketException e) {
            return 0; // the interface has gone meanwhile
        }
    }

    /** Begins a question about a remote of the local address's family. */
    RouteQuestion to(long high, long low, int dscp) {
        boolean ipv4 = local.isIpv4();
        int bits = ipv4 ? Integer.SIZE : 2 * Long.SIZE;
        UnsafeBuffer buffer = netlink.begin(RTM_GETROUTE, ROUTE_LENGTH);
        buffer.putByte(FAMILY_OFFSET, (byte) (ipv4 ? LibC.AF_INET : LibC.AF_INET6));
        buffer.putByte(DESTINATION_LENGTH_OFFSET, (byte) bits);
        buffer.putByte(SOURCE_LENGTH_OFFSET, (byte) bits);
        buffer.putByte(TOS_OFFSET, (byte) dscp);
        putAddress(RTA_DST, high, low);
        putAddress(RTA_SRC, local.high(), local.low());
        buffer.putByte(netlink.attribute(RTA_IP_PROTO, Byte.BYTES), (byte) UdpHeader.PROTOCOL);
        return this;
    }

    private void putAddress(int type, long high, long low) {
        UnsafeBuffer buffer = netlink.buffer();
        if (local.isIpv4()) {
            buffer.putInt(netlink.attribute(type, Integer.BYTES), (int) low, ByteOrder.BIG_ENDIAN);
        } else {
            int offset = netlink.attribute(type, 2 * Long.BYTES);
            buffer.putLong(offset, high, ByteOrder.BIG_ENDIAN);
            buffer.putLong(offset + Long.BYTES, low, ByteOrder.BIG_ENDIAN);
        }
    }

    /** Adds the ports. */
    RouteQuestion ports(int source, int destination) {
        putPort(RTA_SPORT, source);
        putPort(RTA_DPORT, destination);
        return this;
    }

    private void putPort(int type, int port) {
        netlink.buffer().putShort(netlink.attribute(type, Short.BYTES), (short) port, ByteOrder.BIG_ENDIAN);
    }

    /** Adds the only interface that counts. */
    RouteQuestion through(int ifindex) {
        netlink.buffer().putInt(netlink.attribute(RTA_OIF, Integer.BYTES), ifindex);
        return this;
    }

    /** Sends the question. Returns the index of the interface, or {@link #NONE}; then the rest of the answer is old. */
    int ask() {
        UnsafeBuffer buffer = netlink.buffer();
        if (netlink.exchange() < 0 || buffer.getByte(TYPE_OFFSET) != RTN_UNICAST) {
            return NONE;
        }
        int out = netlink.find(RTA_OIF, ROUTE_LENGTH);
        if (out == 0 || netlink.find(RTA_ENCAP, ROUTE_LENGTH) != 0) {
            return NONE;
        }
        noteGateway(buffer);
        int metrics = netlink.find(RTA_METRICS, ROUTE_LENGTH);
        int ownMtu = metrics == 0 ? 0 : netlink.findIn(metrics, RTAX_MTU);
        mtu = ownMtu == 0 ? 0 : buffer.getInt(ownMtu);
        return buffer.getInt(out);
    }

    /** An IPv6 gateway of an IPv4 route comes with its family in front (struct rtvia). */
    private void noteGateway(UnsafeBuffer buffer) {
        int gateway = netlink.find(RTA_GATEWAY, ROUTE_LENGTH);
        int via = netlink.find(RTA_VIA, ROUTE_LENGTH);
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

    /** Of the gateway of the last answer, in the byte order of the wire; to compare. */
    long gatewayHigh() {
        return gatewayHigh;
    }

    long gatewayLow() {
        return gatewayLow;
    }

    /** What the route itself says, or a router on the way has said; 0 for nothing. */
    int mtu() {
        return mtu;
    }

    @Override
    public void close() {
        netlink.close();
    }
}
