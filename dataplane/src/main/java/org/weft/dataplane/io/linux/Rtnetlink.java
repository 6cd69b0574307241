package org.weft.dataplane.io.linux;

import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.Errno;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

/**
 * The addresses and neighbours of an interface of this network namespace, as {@code ip address} and
 * {@code ip neighbour} change and show them (rtnetlink(7)). Each call is one exchange with the
 * kernel: it takes microseconds and waits for no other process. One thread uses an object, and
 * closes it.
 *
 * <p>All methods throw {@link LinuxException} with the kernel's reason if the kernel refuses.
 */
public final class Rtnetlink implements AutoCloseable {
    // include/uapi/linux/rtnetlink.h
    private static final int RTM_DELLINK = 17;
    private static final int RTM_GETLINK = 18;
    private static final int RTM_NEWADDR = 20;
    private static final int RTM_DELADDR = 21;
    private static final int RTM_GETADDR = 22;
    private static final int RTM_NEWNEIGH = 28;
    private static final int RTM_DELNEIGH = 29;
    private static final int RT_SCOPE_LINK = 253;

    /** struct ifinfomsg (include/uapi/linux/rtnetlink.h); IFLA_* of if_link.h. */
    private static final int LINK_LENGTH = 16;

    private static final int LINK_INDEX_OFFSET = 4;
    private static final int IFLA_LINKINFO = 18;
    private static final int IFLA_INFO_KIND = 1;

    /**
     * struct ifaddrmsg: family, prefix length, flags, scope, index (include/uapi/linux/if_addr.h).
     */
    private static final int ADDRESS_LENGTH = 8;

    private static final int PREFIX_LENGTH_OFFSET = 1;
    private static final int SCOPE_OFFSET = 3;
    private static final int ADDRESS_INDEX_OFFSET = 4;
    private static final int IFA_ADDRESS = 1;
    private static final int IFA_LOCAL = 2;
    private static final int IFA_FLAGS = 8;
    private static final int IFA_F_NODAD = 0x02;

    /** struct ndmsg: family, index, state, flags, type (include/uapi/linux/neighbour.h). */
    private static final int NEIGHBOUR_LENGTH = 12;

    private static final int NEIGHBOUR_INDEX_OFFSET = 4;
    private static final int STATE_OFFSET = 8;
    private static final int NUD_PERMANENT = 0x80;
    private static final int NDA_DST = 1;
    private static final int NDA_LLADDR = 2;
    private static final int MAC_LENGTH = 6;

    private final String dev;
    private final int index;
    private final Netlink netlink;

    private Rtnetlink(String dev, int index) {
        this.dev = dev;
        this.index = index;
        this.netlink = new Netlink(Netlink.NETLINK_ROUTE).explain();
    }

    /**
     * Opens a socket for the interface that has this name now.
     *
     * @throws LinuxException with ENODEV if there is none
     */
    public static Rtnetlink of(String dev) {
        return new Rtnetlink(dev, Link.of(dev).index());
    }

    /**
     * The kind of a virtual interface, such as {@code tun}, {@code veth} or {@code vxlan}; empty
     * for a physical one.
     */
    public String kind() {
        netlink.begin(RTM_GETLINK, LINK_LENGTH).putInt(netlink.fixed() + LINK_INDEX_OFFSET, index);
        check(netlink.exchange(), "RTM_GETLINK", dev);
        int info = netlink.find(IFLA_LINKINFO, LINK_LENGTH);
        int kind = info == 0 ? 0 : netlink.findIn(info, IFLA_INFO_KIND);
        return kind == 0 ? "" : netlink.text(kind);
    }

    /** Removes the interface. */
    public void remove() {
        netlink.begin(RTM_DELLINK, LINK_LENGTH).putInt(netlink.fixed() + LINK_INDEX_OFFSET, index);
        check(netlink.acknowledged(), "RTM_DELLINK", dev);
    }

    /**
     * Gives the interface an address, if it does not have it. An IPv4 address gets scope link, as
     * silk does; an IPv6 address does without duplicate address detection.
     */
    public void replaceAddress(IpPrefix prefix) {
        int flags = Netlink.NLM_F_CREATE | Netlink.NLM_F_REPLACE;
        beginAddress(RTM_NEWADDR, flags, prefix);
        if (prefix.address().isIpv4()) {
            netlink.buffer().putByte(netlink.fixed() + SCOPE_OFFSET, (byte) RT_SCOPE_LINK);
        } else {
            netlink.buffer().putInt(netlink.attribute(IFA_FLAGS, Integer.BYTES), IFA_F_NODAD);
        }
        check(netlink.acknowledged(), "RTM_NEWADDR", withLength(prefix) + " on " + dev);
    }

    public void removeAddress(IpPrefix prefix) {
        beginAddress(RTM_DELADDR, 0, prefix);
        check(netlink.acknowledged(), "RTM_DELADDR", withLength(prefix) + " on " + dev);
    }

    private void beginAddress(int type, int flags, IpPrefix prefix) {
        UnsafeBuffer buffer = netlink.begin(type, flags, ADDRESS_LENGTH);
        buffer.putByte(netlink.fixed(), family(prefix.address()));
        buffer.putByte(netlink.fixed() + PREFIX_LENGTH_OFFSET, (byte) prefix.length());
        buffer.putInt(netlink.fixed() + ADDRESS_INDEX_OFFSET, index);
        putAddress(IFA_LOCAL, prefix.address());
        putAddress(IFA_ADDRESS, prefix.address());
    }

    /** The addresses of the interface with the lengths of their networks, in the kernel's order. */
    public List<IpPrefix> addresses() {
        List<IpPrefix> addresses = new ArrayList<>();
        netlink.begin(RTM_GETADDR, ADDRESS_LENGTH);
        int result = netlink.dump(() -> {
            int fixed = netlink.fixed();
            UnsafeBuffer buffer = netlink.buffer();
            boolean ipv4 = buffer.getByte(fixed) == LibC.AF_INET;
            boolean known = ipv4 || buffer.getByte(fixed) == LibC.AF_INET6;
            // IFA_ADDRESS is the other end of a point-to-point link.
            int local = netlink.find(IFA_LOCAL, ADDRESS_LENGTH);
            int value = local == 0 ? netlink.find(IFA_ADDRESS, ADDRESS_LENGTH) : local;
            if (known && value != 0 && buffer.getInt(fixed + ADDRESS_INDEX_OFFSET) == index) {
                int length = buffer.getByte(fixed + PREFIX_LENGTH_OFFSET) & 0xff;
                addresses.add(new IpPrefix(address(value, ipv4), length));
            }
        });
        check(result, "RTM_GETADDR", dev);
        return addresses;
    }

    /** Adds a permanent neighbour, or changes the MAC address of the one that is there. */
    public void replaceNeighbour(IpAddress address, long mac) {
        beginNeighbour(RTM_NEWNEIGH, Netlink.NLM_F_CREATE | Netlink.NLM_F_REPLACE, address);
        netlink.buffer().putShort(netlink.fixed() + STATE_OFFSET, (short) NUD_PERMANENT);
        int value = netlink.attribute(NDA_LLADDR, MAC_LENGTH);
        netlink.buffer().putShort(value, (short) (mac >>> Integer.SIZE), ByteOrder.BIG_ENDIAN);
        netlink.buffer().putInt(value + Short.BYTES, (int) mac, ByteOrder.BIG_ENDIAN);
        check(netlink.acknowledged(), "RTM_NEWNEIGH", address + " on " + dev);
    }

    public void removeNeighbour(IpAddress address) {
        beginNeighbour(RTM_DELNEIGH, 0, address);
        check(netlink.acknowledged(), "RTM_DELNEIGH", address + " on " + dev);
    }

    private void beginNeighbour(int type, int flags, IpAddress address) {
        UnsafeBuffer buffer = netlink.begin(type, flags, NEIGHBOUR_LENGTH);
        buffer.putByte(netlink.fixed(), family(address));
        buffer.putInt(netlink.fixed() + NEIGHBOUR_INDEX_OFFSET, index);
        putAddress(NDA_DST, address);
    }

    private static byte family(IpAddress address) {
        return (byte) (address.isIpv4() ? LibC.AF_INET : LibC.AF_INET6);
    }

    private void putAddress(int attribute, IpAddress address) {
        UnsafeBuffer buffer = netlink.buffer();
        if (address.isIpv4()) {
            buffer.putInt(netlink.attribute(attribute, Integer.BYTES), address.ipv4(), ByteOrder.BIG_ENDIAN);
        } else {
            int value = netlink.attribute(attribute, 2 * Long.BYTES);
            buffer.putLong(value, address.high(), ByteOrder.BIG_ENDIAN);
            buffer.putLong(value + Long.BYTES, address.low(), ByteOrder.BIG_ENDIAN);
        }
    }

    private IpAddress address(int value, boolean ipv4) {
        UnsafeBuffer buffer = netlink.buffer();
        return ipv4
                ? IpAddress.ofIpv4(buffer.getInt(value, ByteOrder.BIG_ENDIAN))
                : new IpAddress(
                        buffer.getLong(value, ByteOrder.BIG_ENDIAN),
                        buffer.getLong(value + Long.BYTES, ByteOrder.BIG_ENDIAN));
    }

    private static String withLength(IpPrefix prefix) {
        return prefix.address() + "/" + prefix.length();
    }

    private void check(int result, String request, String subject) {
        LinuxException.check(
                result,
                request,
                subject,
                errno -> errno == Errno.EPERM ? "needs CAP_NET_ADMIN, run as root" : netlink.reason());
    }

    @Override
    public void close() {
        netlink.close();
    }
}
