package org.weft.it;

import java.util.List;
import org.weft.it.CellHost.Container;
import org.weft.it.CellHost.Lease;

/** What silk-daemon and silk-cni lay on a host, with the kernel's vxlan. */
final class KernelCell {
    private static final int MTU = CellHost.UNDERLAY_MTU - 50;

    private final Netns netns;
    private final Lease lease;

    KernelCell(Netns netns, Lease lease) {
        this.netns = netns;
        this.lease = lease;
    }

    /** Whether the kernel has vxlan; if not, what it says. */
    static Command probe() {
        try (Netns netns = Netns.create("probe")) {
            return netns.attempt("ip", "link", "add", "probe", "type", "vxlan", "id", "1", "dstport", "4789");
        }
    }

    /** Device, routes, neighbours and forwarding entries. */
    void lay(List<Lease> leases) {
        KernelEndpoint kernel = new KernelEndpoint(netns);
        kernel.add(new Device(
                CellHost.DEVICE,
                lease.mac(),
                MTU,
                "id 1 local " + lease.underlay() + " dev eth0 dstport 4789 nolearning gbp"));
        netns.ip("address add " + lease.base() + "/16 scope link dev " + CellHost.DEVICE);
        for (Lease other : leases) {
            if (!other.equals(lease)) {
                kernel.fdb("append", other.mac(), CellHost.DEVICE, "dst " + other.underlay());
                kernel.neighbour(other.base(), other.mac(), CellHost.DEVICE);
                netns.ip("route add " + other.subnet() + " via " + other.base() + " dev " + CellHost.DEVICE + " src "
                        + lease.base());
            }
        }
    }

    /** A container's veth. */
    void attach(Container container) {
        String veth = CellHost.veth(container.ip());
        String end = "aa:aa:" + CellHost.hex(container.ip());
        String eth0 = "ee:ee:" + CellHost.hex(container.ip());
        netns.ip(
                """
                link add %1$s mtu %5$d type veth peer name eth0 mtu %5$d netns %6$s
                link set %1$s address %2$s arp off up
                address add 169.254.0.1 peer %4$s/32 scope link dev %1$s
                neigh replace %4$s lladdr %3$s dev %1$s nud permanent
                """
                        .formatted(
                                veth,
                                end,
                                eth0,
                                container.ip(),
                                MTU,
                                container.netns().name()));
        container
                .netns()
                .ip(
                        """
                link set eth0 address %2$s arp off up
                address add %3$s peer 169.254.0.1/32 scope link dev eth0
                neigh replace 169.254.0.1 lladdr %1$s dev eth0 nud permanent
                route add default via 169.254.0.1 dev eth0 src %3$s
                """
                                .formatted(end, eth0, container.ip()));
    }
}
