package org.weft.silk.lease;

import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

/**
 * The names and MAC addresses that silk derives from IPv4 addresses, in both directions (silk:
 * cni/config/device_name_generator.go, cni/config/hardware_address_generator.go, controller/leaser/hardware_address_generator.go).
 */
public final class SilkNames {
    /** What containers see as their gateway, each over its own veth pair. */
    public static final IpAddress GATEWAY = IpAddress.parse("169.254.0.1");

    private static final long INSIDE = 0xeeee_0000_0000L;
    private static final long OUTSIDE = 0xaaaa_0000_0000L;
    private static final long PREFIX_MASK = 0xffff_0000_0000L;

    private SilkNames() {}

    /** Name of the host's end of a container's veth pair: 10.255.108.184 has {@code s-010255108184}. */
    public static String veth(IpAddress container) {
        int address = ipv4(container);
        return String.format(
                "s-%03d%03d%03d%03d", address >>> 24, address >>> 16 & 0xff, address >>> 8 & 0xff, address & 0xff);
    }

    /** The container of a veth's name; null if silk gives no such name. */
    public static IpAddress containerOfVeth(String name) {
        if (!name.matches("s-\\d{12}")) {
            return null;
        }
        int address = 0;
        for (int i = 2; i < name.length(); i += 3) {
            int octet = Integer.parseInt(name.substring(i, i + 3));
            if (octet > 255) {
                return null;
            }
            address = address << 8 | octet;
        }
        return IpAddress.ofIpv4(address);
    }

    /** MAC address of a container's eth0: {@code ee:ee} and its address. */
    public static long containerMac(IpAddress container) {
        return INSIDE | ipv4(container) & 0xffff_ffffL;
    }

    /** MAC address of the host's end of a container's veth pair: {@code aa:aa} and the container's address. */
    public static long vethMac(IpAddress container) {
        return OUTSIDE | ipv4(container) & 0xffff_ffffL;
    }

    /** MAC address of the VTEP that holds a subnet: {@code ee:ee} and the subnet's first address. */
    public static long vtepMac(IpPrefix subnet) {
        return containerMac(base(subnet));
    }

    /** The address in a MAC address of {@link #containerMac} or {@link #vtepMac}; null if it is none. */
    public static IpAddress addressOfMac(long mac) {
        return (mac & PREFIX_MASK) == INSIDE ? IpAddress.ofIpv4((int) mac) : null;
    }

    /** A subnet's first address, which is its VTEP's. */
    public static IpAddress base(IpPrefix subnet) {
        int mask = subnet.length() == 0 ? 0 : -1 << 32 - subnet.length();
        return IpAddress.ofIpv4(ipv4(subnet.address()) & mask);
    }

    private static int ipv4(IpAddress address) {
        if (!address.isIpv4()) {
            throw new IllegalArgumentException(address + " is not an IPv4 address, and silk knows no others");
        }
        return address.ipv4();
    }
}
