package org.weft.dataplane.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.weft.dataplane.host.HostNetwork;
import org.weft.dataplane.host.VtepSysctls;
import org.weft.dataplane.io.linux.Link;
import org.weft.dataplane.table.NeighbourTable.Neighbour;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/**
 * Makes a VTEP's device what its configuration says, and compares the two. Asks the kernel each
 * time.
 */
final class DeviceSettings {
    /** systemd-networkd may set a MAC of its own on a new device; silk tries as often. */
    private static final int MAC_ATTEMPTS = 10;

    private DeviceSettings() {}

    /**
     * Sets the MAC address again, at most ten times, while the device has another one. The device
     * may still have that one then.
     */
    static void setMac(Link link, long mac) {
        for (int i = 0; i < MAC_ATTEMPTS && link.mac() != mac; i++) {
            link.mac(mac);
        }
    }

    /**
     * Refuses another MAC address than the wanted one.
     *
     * @param found the MAC address that the device has after {@link #setMac}
     */
    static void requireMac(String dev, long wanted, long found) {
        if (found != wanted) {
            throw new OperatorException(
                    Kind.OS_ERROR,
                    dev + ": something sets the MAC address " + MacAddress.toString(found) + " instead of "
                            + MacAddress.toString(wanted) + " again and again: configure it to leave this device alone"
                            + " (systemd-networkd: a .link file with MACAddressPolicy=none)");
        }
    }

    /**
     * Names each difference between the device and the configuration.
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

    /**
     * The kernel makes a route for the network of an address. The route can go while the address
     * stays.
     */
    private static boolean hasNetwork(String dev, IpPrefix address) {
        return !address.address().isIpv4()
                || address.length() == Integer.SIZE
                || HostNetwork.hasNetworkRoute(dev, address);
    }

    /**
     * Makes the device what the configuration says. Removes an address whose route has gone, and
     * adds it again.
     *
     * @throws OperatorException if something sets another MAC address again and again; the device
     *     has its other settings then
     */
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
        requireMac(link.name(), config.mac(), link.mac());
    }

    /** Whether a change of the configuration also changes the device. */
    static boolean differs(VtepConfig before, VtepConfig changed) {
        return changed.mtu() != before.mtu()
                || changed.mac() != before.mac()
                || !changed.addresses().equals(before.addresses())
                || changed.installNeighbours() != before.installNeighbours();
    }

    /**
     * Makes the device what a changed configuration says, while the VTEP still has the
     * configuration before. If the kernel refuses one setting, the device gets its other settings
     * back.
     */
    static void change(Link link, Vtep vtep, VtepConfig changed) {
        VtepConfig before = vtep.config();
        String dev = link.name();
        Steps steps = new Steps();
        if (changed.mtu() != before.mtu()) {
            int mtu = link.mtu();
            steps.take(() -> link.mtu(changed.mtu()), () -> link.mtu(mtu));
        }
        if (changed.mac() != before.mac()) {
            long mac = link.mac();
            steps.take(() -> link.mac(changed.mac()), () -> link.mac(mac));
        }
        boolean ipv6Neighbours = vtep.neighbours().hasIpv6();
        steps.take(
                () -> VtepSysctls.admit(dev, changed, ipv6Neighbours),
                () -> VtepSysctls.dismiss(dev, before, ipv6Neighbours));
        List<IpPrefix> present = HostNetwork.addresses(dev);
        // With the first address of a network the kernel removes the others of that network, which
        // come back: here if the change is undone, and below if it is not.
        steps.take(() -> {}, () -> addAll(dev, before.addresses()));
        changed.addresses().stream()
                .filter(address -> !before.addresses().contains(address))
                .forEach(address -> steps.take(() -> HostNetwork.addAddress(dev, address), () -> {
                    if (!present.contains(address)) {
                        HostNetwork.removeAddress(dev, address);
                    }
                }));
        before.addresses().stream()
                .filter(address -> !changed.addresses().contains(address))
                .forEach(address -> steps.take(
                        () -> HostNetwork.removeAddress(dev, address), () -> HostNetwork.addAddress(dev, address)));
        steps.take(() -> addAll(dev, changed.addresses()), () -> {});
        if (changed.installNeighbours() != before.installNeighbours()) {
            List<Neighbour> neighbours = vtep.neighbours().entries().toList();
            Runnable add = () -> HostNetwork.addNeighbours(dev, neighbours);
            Runnable remove = () -> HostNetwork.removeNeighbours(dev, neighbours);
            steps.take(changed.installNeighbours() ? add : remove, changed.installNeighbours() ? remove : add);
        }
        VtepSysctls.dismiss(dev, changed, ipv6Neighbours);
    }

    private static void addAll(String dev, Collection<IpPrefix> addresses) {
        addresses.forEach(address -> HostNetwork.addAddress(dev, address));
    }
}
