package org.weft.dataplane;

import java.util.ArrayList;
import java.util.List;
import org.weft.dataplane.host.HostNetwork;
import org.weft.dataplane.io.linux.Link;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;

/** Compares what the kernel has for a VTEP's device with its configuration, and puts that back. Asks the kernel each time. */
final class DeviceSettings {
    /** systemd-networkd may set a MAC of its own on a new device; silk tries as often. */
    private static final int MAC_ATTEMPTS = 10;

    private DeviceSettings() {}

    static void setMac(Link link, long mac) {
        for (int i = 0; i < MAC_ATTEMPTS && link.mac() != mac; i++) {
            link.mac(mac);
        }
    }

    /**
     * What differs from the configuration, each in words.
     *
     * @param down whether the device is to be down
     */
    static List<String> deviations(Link link, VtepConfig config, boolean down) {
        List<String> found = new ArrayList<>();
        long mac = link.mac();
        if (mac != config.mac()) {
            found.add("MAC address " + MacAddress.toString(mac) + " and not " + MacAddress.toString(config.mac()));
        }
        int mtu = link.mtu();
        if (mtu != config.mtu()) {
            found.add("MTU " + mtu + " and not " + config.mtu());
        }
        boolean up = link.up();
        if (!up && !down) {
            found.add("down");
        }
        List<IpPrefix> present = HostNetwork.addresses(link.name());
        for (IpPrefix address : config.addresses()) {
            if (!present.contains(address)) {
                found.add("without address " + address);
            } else if (up && !hasNetwork(link.name(), address)) {
                found.add("without the route of address " + address);
            }
        }
        return found;
    }

    /** The kernel makes a route for the network of an address, which can go while the address stays. */
    private static boolean hasNetwork(String dev, IpPrefix address) {
        return !address.address().isIpv4()
                || address.length() == Integer.SIZE
                || HostNetwork.hasNetworkRoute(dev, address);
    }

    /** Makes the device what the configuration says. An address whose route has gone is removed first. */
    static void restore(Link link, VtepConfig config, boolean down) {
        link.mtu(config.mtu());
        setMac(link, config.mac());
        if (!down) {
            link.up(true);
        }
        List<IpPrefix> present = HostNetwork.addresses(link.name());
        for (IpPrefix address : config.addresses()) {
            if (present.contains(address) && !hasNetwork(link.name(), address)) {
                HostNetwork.removeAddress(link.name(), address);
            }
            HostNetwork.addAddress(link.name(), address);
        }
    }
}
