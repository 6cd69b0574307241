package org.weft.dataplane.host;

import java.util.List;
import org.weft.dataplane.io.linux.Link;
import org.weft.dataplane.io.linux.Rtnetlink;
import org.weft.dataplane.table.NeighbourTable.Neighbour;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

/**
 * A device's own addresses and neighbours in the host's kernel. Never on a packet's way. A call waits for the kernel
 * alone, not for another process.
 *
 * <p>All methods with a device throw {@link org.weft.dataplane.io.linux.LinuxException} with ENODEV if it does not exist.
 */
public final class HostNetwork {
    private HostNetwork() {}

    /** Whether a TAP or TUN device has this name. */
    public static boolean isTap(String dev) {
        if (!Link.of(dev).exists()) {
            return false;
        }
        try (Rtnetlink kernel = Rtnetlink.of(dev)) {
            return kernel.kind().equals("tun");
        }
    }

    public static void removeDevice(String dev) {
        try (Rtnetlink kernel = Rtnetlink.of(dev)) {
            kernel.remove();
        }
    }

    /** Gives a device its overlay address; scope link, as silk does. */
    public static void addAddress(String dev, IpPrefix prefix) {
        try (Rtnetlink kernel = Rtnetlink.of(dev)) {
            kernel.replaceAddress(prefix);
        }
    }

    public static void removeAddress(String dev, IpPrefix prefix) {
        try (Rtnetlink kernel = Rtnetlink.of(dev)) {
            kernel.removeAddress(prefix);
        }
    }

    /** The addresses of a device with the lengths of their networks, in the kernel's order. */
    public static List<IpPrefix> addresses(String dev) {
        try (Rtnetlink kernel = Rtnetlink.of(dev)) {
            return kernel.addresses();
        }
    }

    /** A device's first IPv4 address; null if it has none or does not exist. */
    public static IpAddress ipv4Address(String dev) {
        if (!Link.of(dev).exists()) {
            return null;
        }
        return addresses(dev).stream()
                .map(IpPrefix::address)
                .filter(IpAddress::isIpv4)
                .findFirst()
                .orElse(null);
    }

    /** Installs neighbours as permanent ones in the kernel, up to the first that the kernel refuses. */
    public static void addNeighbours(String dev, List<Neighbour> neighbours) {
        try (Rtnetlink kernel = Rtnetlink.of(dev)) {
            neighbours.forEach(neighbour -> kernel.replaceNeighbour(neighbour.address(), neighbour.mac()));
        }
    }

    /** Takes neighbours out of the kernel, up to the first that it refuses. */
    public static void removeNeighbours(String dev, List<Neighbour> neighbours) {
        try (Rtnetlink kernel = Rtnetlink.of(dev)) {
            neighbours.forEach(neighbour -> kernel.removeNeighbour(neighbour.address()));
        }
    }
}
