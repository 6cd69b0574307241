package org.weft.silk.lease;

import java.util.List;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

/**
 * The overlay that leases are parts of.
 *
 * @param networks IPv4 networks, without bits beyond their lengths; the first one's first block is for /32 leases
 * @param subnetLength prefix length of a cell's subnet, longer than that of every network
 */
public record Overlay(List<IpPrefix> networks, int subnetLength) {
    public Overlay {
        networks = List.copyOf(networks);
    }

    /** The network that an address is in; null if it is in none. */
    public IpPrefix networkOf(IpAddress address) {
        for (IpPrefix network : networks) {
            if (contains(network, address)) {
                return network;
            }
        }
        return null;
    }

    public boolean contains(IpAddress address) {
        return networkOf(address) != null;
    }

    /** Whether an IPv4 network contains an address. */
    public static boolean contains(IpPrefix network, IpAddress address) {
        return address.isIpv4()
                && SilkNames.base(new IpPrefix(address, network.length())).equals(network.address());
    }
}
