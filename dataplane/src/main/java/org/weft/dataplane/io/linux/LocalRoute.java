package org.weft.dataplane.io.linux;

import java.nio.ByteOrder;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.encap.IpAddress;

/**
 * Routes of type local: the kernel treats their addresses as this host's, for example all of
 * 127.0.0.0/8.
 */
final class LocalRoute {
    // include/uapi/linux/rtnetlink.h
    private static final int RTM_GETROUTE = 26;
    private static final int ROUTE_LENGTH = 12;
    private static final int DESTINATION_LENGTH_OFFSET = 1;
    private static final int TYPE_OFFSET = 7;
    private static final int RTN_LOCAL = 2;
    private static final int RTA_DST = 1;

    private LocalRoute() {}

    /** Whether such a route leads to an address, on an interface or not. */
    static boolean leadsTo(IpAddress address) {
        try (Netlink netlink = new Netlink(Netlink.NETLINK_ROUTE)) {
            UnsafeBuffer buffer = netlink.begin(RTM_GETROUTE, ROUTE_LENGTH);
            int fixed = netlink.fixed();
            buffer.putByte(fixed, (byte) (address.isIpv4() ? LibC.AF_INET : LibC.AF_INET6));
            buffer.putByte(fixed + DESTINATION_LENGTH_OFFSET, (byte) address.bits());
            if (address.isIpv4()) {
                buffer.putInt(netlink.attribute(RTA_DST, Integer.BYTES), address.ipv4(), ByteOrder.BIG_ENDIAN);
            } else {
                int value = netlink.attribute(RTA_DST, 2 * Long.BYTES);
                buffer.putLong(value, address.high(), ByteOrder.BIG_ENDIAN);
                buffer.putLong(value + Long.BYTES, address.low(), ByteOrder.BIG_ENDIAN);
            }
            return netlink.exchange() >= 0 && buffer.getByte(netlink.fixed() + TYPE_OFFSET) == RTN_LOCAL;
        }
    }
}
