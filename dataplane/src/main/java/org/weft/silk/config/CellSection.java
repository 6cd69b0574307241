package org.weft.silk.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.weft.config.UnderlayAddress;
import org.weft.config.Values;
import org.weft.config.YamlMapping;
import org.weft.dataplane.vtep.UnderlayMtu;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.config.CellConfig.Leases;
import org.weft.silk.config.CellConfig.SilkController;

/** The section {@code cell}. */
public final class CellSection {
    private static final List<String> KEYS =
            List.of("overlay", "subnet-prefix-length", "single-ip", "state", "network-info", "vtep", "leases");
    private static final int MAX_SUBNET_LENGTH = 30;
    private static final Path STATE = Path.of("/var/lib/weft");

    /** As silk-release's (jobs/silk-daemon/spec, jobs/silk-controller/spec); the underlay address has none. */
    private static final SilkClientConfig DEFAULTS = new SilkClientConfig(
            null,
            null,
            List.of(IpPrefix.parse("10.255.0.0/16")),
            24,
            false,
            "silk-vtep",
            1,
            4789,
            "127.0.0.1:23954",
            null);

    private final YamlMapping cell;
    private final YamlMapping underlay;

    /** @param underlay what VTEPs have in common, or null */
    public CellSection(YamlMapping cell, YamlMapping underlay) {
        this.cell = cell;
        this.underlay = underlay;
    }

    /**
     * The cell, to be used only if no problem was reported.
     *
     * @param others VTEPs that the cell's must stand beside
     */
    public CellConfig read(
            List<VtepConfig> others, UnderlayMtu underlayMtu, UnderlayAddress addresses, Consumer<String> warnings) {
        cell.refuseUnknown(KEYS);
        LeasesSection leases = new LeasesSection(cell, warnings);
        SilkClientConfig defaults = leases.client() == null ? DEFAULTS : leases.client();
        int subnetLength = cell.read(
                "subnet-prefix-length", defaults.subnetLength(), text -> Values.integer(text, 1, MAX_SUBNET_LENGTH));
        List<IpPrefix> overlay = cell.read("overlay", defaults.overlay(), CellSection::overlay);
        refuseNoRoom(overlay, subnetLength);
        CellVtep vtep = new CellVtep(cell, underlay, defaults, leases.hasUnusableClient());
        IpAddress local = vtep.underlayAddress(addresses);
        vtep.check(overlay.get(0), others, underlayMtu, warnings);
        refuseUnderlay(vtep, local, overlay, leases.source());
        return new CellConfig(
                local,
                vtep.underlayDev(),
                overlay,
                subnetLength,
                cell.read("single-ip", defaults.singleIp(), Values::bool),
                vtep.name(),
                vtep.attributes(),
                vtep.tags(),
                cell.read("state", STATE, Values::path),
                cell.read("network-info", defaults.networkInfo(), Values::hostAndPort),
                leases.source());
    }

    private static List<IpPrefix> overlay(String text) {
        List<IpPrefix> networks = new ArrayList<>();
        for (String word : text.split(" +")) {
            IpPrefix network = Values.network(word);
            if (!network.address().isIpv4() || network.address().isMulticast()) {
                throw new IllegalArgumentException(
                        word + " cannot be an overlay: silk knows networks of IPv4 hosts only");
            }
            for (IpPrefix other : networks) {
                if (contains(other, network.address()) || contains(network, other.address())) {
                    throw new IllegalArgumentException(word + " overlaps " + other + ": leave one out");
                }
            }
            networks.add(network);
        }
        return networks;
    }

    static boolean contains(IpPrefix network, IpAddress address) {
        int shift = 32 - network.length();
        return address.isIpv4() && (address.low() ^ network.address().low()) >>> shift == 0;
    }

    private void refuseNoRoom(List<IpPrefix> overlay, int subnetLength) {
        for (IpPrefix network : overlay) {
            if (network.length() >= subnetLength) {
                cell.problem(
                        cell.has("subnet-prefix-length") ? "subnet-prefix-length" : "overlay",
                        "a cell's subnet of length " + subnetLength + " is no part of the overlay network "
                                + network.address() + "/" + network.length() + ": it must be longer");
            }
        }
    }

    static String inOverlay(IpAddress local, IpPrefix network) {
        return local + " is in the overlay network " + network
                + ": packets to the underlay would be sent into the overlay again";
    }

    private static void refuseUnderlay(CellVtep vtep, IpAddress local, List<IpPrefix> overlay, Leases leases) {
        if (local == null) {
            return;
        }
        for (IpPrefix network : overlay) {
            if (contains(network, local)) {
                vtep.problem("local", inOverlay(local, network));
            }
        }
        if (!local.isIpv4() && leases instanceof SilkController) {
            vtep.problem(
                    "local", local + " is IPv6, and silk knows IPv4 only: with silk-controller give an IPv4 address");
        }
    }
}
