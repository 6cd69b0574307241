package org.weft.silk.lease;

import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;

/**
 * One host's part of the overlay, checked.
 *
 * @param underlay address of the host on the underlay
 * @param subnet IPv4 network without bits beyond its length; a /32 is a host that is no cell
 * @param mac address of the host's VTEP
 */
public record Lease(IpAddress underlay, IpPrefix subnet, long mac) {
    /** The VTEP's address on the overlay. */
    public IpAddress base() {
        return subnet.address();
    }

    /** Whether it is one address for a host that is no cell, and not a network of containers. */
    public boolean singleIp() {
        return subnet.length() == 32;
    }

    public boolean overlaps(Lease other) {
        return Overlay.contains(subnet, other.base()) || Overlay.contains(other.subnet, base());
    }

    /** {@code 10.255.43.0/24}; {@link IpPrefix} leaves out the length of a /32. */
    public String subnetText() {
        return subnet.address() + "/" + subnet.length();
    }

    /** As silk writes it. */
    public LeaseRecord record(String origin) {
        return new LeaseRecord(underlay.toString(), subnetText(), MacAddress.toString(mac), origin);
    }
}
