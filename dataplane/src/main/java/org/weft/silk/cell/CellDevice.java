package org.weft.silk.cell;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.config.VtepAttributes;
import org.weft.dataplane.engine.UnderlayPresence;
import org.weft.dataplane.host.HostNetwork;
import org.weft.dataplane.table.NeighbourTable.Neighbour;
import org.weft.dataplane.vtep.UnderlayMtu;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepEntries;
import org.weft.dataplane.vtep.VtepEntries.StaticFdbEntry;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.config.CellConfig;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.Overlay;

/** Brings the cell's VTEP up for a lease, and takes it down (silk: daemon/vtep/factory.go). */
final class CellDevice {
    private static final Logger LOG = LoggerFactory.getLogger(CellDevice.class);

    private final CellConfig config;
    private final Overlay overlay;
    private final VtepRegistry registry;
    private final UnderlayMtu underlayMtu;

    CellDevice(CellConfig config, Overlay overlay, VtepRegistry registry, UnderlayMtu underlayMtu) {
        this.config = config;
        this.overlay = overlay;
        this.registry = registry;
        this.underlayMtu = underlayMtu;
    }

    /** The VTEP, or null while there is none. */
    Vtep vtep() {
        return registry.vtep(config.vtepName());
    }

    /**
     * Makes the VTEP, or takes over the device that a daemon before left, with the entries of other hosts' leases.
     *
     * @throws RuntimeException if the device is unavailable; nothing is left behind then
     */
    Vtep up(Lease own, Collection<Lease> others) {
        removeOldAddresses(addresses(own));
        VtepConfig vtep = config(own, LOG::warn);
        requireUnderlay(vtep);
        List<Lease> remote = others.stream()
                .filter(lease -> !lease.subnet().equals(own.subnet()))
                .toList();
        Vtep made = registry.add(new VtepEntries(
                vtep,
                remote.stream()
                        .map(lease -> new StaticFdbEntry(lease.mac(), Converger.remote(lease)))
                        .toList(),
                remote.stream()
                        .map(lease -> new Neighbour(lease.base(), lease.mac()))
                        .toList(),
                config.tags(),
                false));
        made.keep();
        remote.forEach(
                lease -> made.neighbours().noteNetworkLength(lease.subnet().length()));
        return made;
    }

    /**
     * Containers get the MTU of the VTEP and keep it, so the underlay's MTU must be known first.
     */
    private void requireUnderlay(VtepConfig vtep) {
        String missing = UnderlayPresence.trouble(vtep);
        boolean needed = UnderlayPresence.isInterfaceMissing(vtep)
                || VtepAttributes.assumesMtu(config.vtepAttributes(), vtep, underlayMtu);
        if (missing != null && needed) {
            throw new OperatorException(Kind.UNAVAILABLE, missing);
        }
    }

    /** The MTU that {@link #up} would give the device now. */
    int mtu(Lease own) {
        return config(own, warning -> {}).device().mtu();
    }

    private VtepConfig config(Lease own, Consumer<String> warnings) {
        Map<String, String> attributes = new LinkedHashMap<>(config.vtepAttributes());
        attributes.put(
                "address",
                String.join(
                        " ",
                        addresses(own).stream()
                                .map(prefix -> prefix.address() + "/" + prefix.length())
                                .toList()));
        attributes.put("mac", MacAddress.toString(own.mac()));
        return VtepAttributes.create(config.vtepName(), attributes, underlayMtu, warnings);
    }

    /** The lease's base in its own network; in each other network, that network's first address, as newer silk has it. */
    private Set<IpPrefix> addresses(Lease own) {
        Set<IpPrefix> addresses = new LinkedHashSet<>();
        IpPrefix home = overlay.networkOf(own.base());
        addresses.add(new IpPrefix(own.base(), home.length()));
        overlay.networks().stream().filter(network -> !network.equals(home)).forEach(addresses::add);
        return addresses;
    }

    /** Our device that stayed from before another lease still has that one's address; the kernel's own vxlan is silk's. */
    private void removeOldAddresses(Set<IpPrefix> wanted) {
        String dev = config.vtepName();
        List<IpPrefix> present = HostNetwork.isTap(dev) ? HostNetwork.addresses(dev) : List.of();
        for (IpPrefix prefix : present) {
            if (overlay.contains(prefix.address()) && !wanted.contains(prefix)) {
                LOG.info("{}: Weft removes the address {} of an earlier lease", dev, prefix.address());
                HostNetwork.removeAddress(dev, prefix);
            }
        }
    }

    /** Removes the VTEP and its device; routes and neighbours go with it. */
    void down() {
        Vtep vtep = vtep();
        if (vtep != null) {
            registry.remove(vtep);
        } else if (HostNetwork.isTap(config.vtepName())) {
            HostNetwork.removeDevice(config.vtepName());
        }
    }
}
