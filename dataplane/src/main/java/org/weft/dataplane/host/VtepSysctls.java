package org.weft.dataplane.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.IpPrefix;
import org.weft.operator.OperatorException;

/**
 * What the host's IP stack believes and says on a VTEP. A neighbour in the overlay must not become the host's router, so
 * no VTEP takes router advertisements, redirects or addresses from the overlay, nor packets with a source route, which the
 * host would send on to a container that policies were not asked about; and a VTEP without an IPv6 address says nothing
 * over IPv6. Never called per packet; never throws, because packets pass without these settings, too.
 */
public final class VtepSysctls {
    private static final Logger LOG = LoggerFactory.getLogger(VtepSysctls.class);

    private static final Path IPV6_ADDRESSES = Path.of("/proc/net/if_inet6");

    // include/uapi/linux/if_addr.h, include/net/ipv6.h; the columns of if_inet6 are address, index, length, scope,
    // flags and name, in hexadecimal
    private static final int IFA_F_PERMANENT = 0x80;
    private static final int SCOPE_LINK = 0x20;

    /** IN6_ADDR_GEN_MODE_NONE: no link-local address, so neither router solicitations nor multicast reports. */
    private static final String NO_LINK_LOCAL = "1";

    /** Refusals that are in the log; the same settings are made every ten seconds. */
    private static final Set<String> SAID = ConcurrentHashMap.newKeySet();

    private VtepSysctls() {}

    /** Refuses what the overlay says of routers, routes and addresses, again if somebody let it in. */
    public static void refuseRouters(String dev) {
        set(dev, "ipv6", "accept_ra", "0");
        set(dev, "ipv6", "accept_redirects", "0");
        set(dev, "ipv6", "autoconf", "0");
        set(dev, "ipv4", "accept_redirects", "0");
        set(dev, "ipv4", "accept_source_route", "0");
    }

    /**
     * Lets IPv6 on a device for what a configuration will put there. Call it before it does.
     *
     * @param neighbours whether IPv6 neighbours are among what may be installed
     */
    public static void admit(String dev, VtepConfig config, boolean neighbours) {
        if (hasIpv6(config.device().addresses())) {
            set(dev, "ipv6", "disable_ipv6", "0");
        } else if (othersMayUseIpv6(config, neighbours)) {
            set(dev, "ipv6", "addr_gen_mode", NO_LINK_LOCAL);
            if ("0".equals(read("ipv6/conf/default/disable_ipv6"))) {
                set(dev, "ipv6", "disable_ipv6", "0");
            }
        }
    }

    /**
     * Takes IPv6 off a device whose configuration has no use for it. Call it when the device's own IPv6 addresses are gone.
     *
     * @param neighbours whether IPv6 neighbours are among what may be installed
     */
    public static void dismiss(String dev, VtepConfig config, boolean neighbours) {
        if (!hasIpv6(config.device().addresses()) && !othersMayUseIpv6(config, neighbours) && !hasPermanentIpv6(dev)) {
            set(dev, "ipv6", "disable_ipv6", "1");
        }
    }

    private static boolean hasIpv6(List<IpPrefix> addresses) {
        return addresses.stream().anyMatch(prefix -> !prefix.address().isIpv4());
    }

    /** Without {@code address}, {@code ip address} gives them; and IPv6 neighbours cannot be installed without IPv6. */
    private static boolean othersMayUseIpv6(VtepConfig config, boolean neighbours) {
        return config.device().addresses().isEmpty()
                || neighbours && config.forwarding().installNeighbours();
    }

    /** Whether an operator gave the device an IPv6 address; those from router advertisements are not permanent. */
    private static boolean hasPermanentIpv6(String dev) {
        try {
            return Files.readAllLines(IPV6_ADDRESSES).stream()
                    .map(line -> line.strip().split("\\s+"))
                    .anyMatch(columns -> columns.length == 6
                            && columns[5].equals(dev)
                            && Integer.parseInt(columns[3], 16) != SCOPE_LINK
                            && (Integer.parseInt(columns[4], 16) & IFA_F_PERMANENT) != 0);
        } catch (IOException e) {
            // The kernel has no IPv6.
            return false;
        }
    }

    private static String read(String name) {
        try {
            return Sysctls.get(name);
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException e) {
            LOG.warn("{} cannot be read: {}", name, e.getMessage());
            return null;
        }
    }

    private static void set(String dev, String family, String key, String value) {
        try {
            Sysctls.set(family + "/conf/" + dev + "/" + key, value);
        } catch (OperatorException e) {
            if (SAID.add(e.getMessage())) {
                LOG.warn("{}; a host in the overlay may change the routes of this host", e.getMessage());
            }
        }
    }
}
