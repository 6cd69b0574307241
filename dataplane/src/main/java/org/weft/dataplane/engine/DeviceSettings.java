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
import org.weft.dataplane.vtep.VtepConfig.Device;
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
        if (mac != config.device().mac()) {
            found.add("MAC address " + MacAddress.toString(mac) + " and not "
                    + MacAddress.toString(config.device().mac()));
        }
        int mtu = link.mtu();
        if (mtu != config.device().mtu()) {
            found.add("MTU " + mtu + " and not " + config.device().mtu());
        }
        boolean up = link.up();
        if (!up && !down) {
            found.add("down");
        }
        List<IpPrefix> present = HostNetwork.addresses(link.name());
        for (IpPrefix address : config.device().addresses()) {
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
        link.mtu(config.device().mtu());
        setMac(link, config.device().mac());
        if (!down) {
            link.up(true);
        }
        List<IpPrefix> present = HostNetwork.addresses(link.name());
        for (IpPrefix address : config.device().addresses()) {
            if (present.contains(address) && !hasNetwork(link.name(), address)) {
                HostNetwork.removeAddress(link.name(), address);
            }
            HostNetwork.addAddress(link.name(), address);
        }
        requireMac(link.name(), config.device().mac(), link.mac());
    }

    /** Whether a change of the configuration also changes the device. */
    static boolean differs(VtepConfig before, VtepConfig changed) {
        Device current = before.device();
        Device after = changed.device();
        return after.mtu() != current.mtu()
                || after.mac() != current.mac()
                || !after.addresses().equals(current.addresses())
                || changed.forwarding().installNeighbours()
                        != before.forwarding().installNeighbours();
    }

    /**
     * Makes the device what a changed configuration says, while the VTEP still has the
     * configuration before. If the kernel refuses one setting, the device gets its other settings
     * back.
     */
    static void change(Link link, Vtep vtep, VtepConfig changed) {
        VtepConfig before = vtep.config();
        Device current = before.device();
        Device after = changed.device();
        String dev = link.name();
        Steps steps = new Steps();
        if (after.mtu() != current.mtu()) {
            int mtu = link.mtu();
            steps.take(() -> link.mtu(after.mtu()), () -> link.mtu(mtu));
        }
        if (after.mac() != current.mac()) {
            long mac = link.mac();
            steps.take(() -> link.mac(after.mac()), () -> link.mac(mac));
        }
        boolean ipv6Neighbours = vtep.neighbours().hasIpv6();
        steps.take(
                () -> VtepSysctls.admit(dev, changed, ipv6Neighbours),
                () -> VtepSysctls.dismiss(dev, before, ipv6Neighbours));
        List<IpPrefix> present = HostNetwork.addresses(dev);
        // With the first address of a network the kernel removes the others of that network, which
        // come back: here if the change is undone, and below if it is not.
        steps.take(() -> {}, () -> addAll(dev, current.addresses()));
        after.addresses().stream()
                .filter(address -> !current.addresses().contains(address))
                .forEach(address -> steps.take(() -> HostNetwork.addAddress(dev, address), () -> {
                    if (!present.contains(address)) {
                        HostNetwork.removeAddress(dev, address);
                    }
                }));
        current.addresses().stream()
                .filter(address -> !after.addresses().contains(address))
                .forEach(address -> steps.take(
                        () -> HostNetwork.removeAddress(dev, address), () -> HostNetwork.addAddress(dev, address)));
        steps.take(() -> addAll(dev, after.addresses()), () -> {});
        boolean install = changed.forwarding().installNeighbours();
        if (install != before.forwarding().installNeighbours()) {
            List<Neighbour> neighbours = vtep.neighbours().entries().toList();
            Runnable add = () -> HostNetwork.addNeighbours(dev, neighbours);
            Runnable remove = () -> HostNetwork.removeNeighbours(dev, neighbours);
            steps.take(install ? add : remove, install ? remove : add);
        }
        VtepSysctls.dismiss(dev, changed, ipv6Neighbours);
    }

    private static void addAll(String dev, Collection<IpPrefix> addresses) {
        addresses.forEach(address -> HostNetwork.addAddress(dev, address));
    }
}
