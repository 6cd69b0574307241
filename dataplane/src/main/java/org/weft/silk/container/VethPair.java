package org.weft.silk.container;

import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.host.Iproute2;
import org.weft.dataplane.host.Sysctls;
import org.weft.dataplane.io.linux.Link;
import org.weft.encap.MacAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.lease.SilkNames;

/**
 * The veth pair between the host and a container, point to point and without ARP, as silk-cni lays it
 * (silk: cni/lib/pair_creator.go, host.go, container.go, common.go, link_operations.go).
 */
final class VethPair {
    private static final Logger LOG = LoggerFactory.getLogger(VethPair.class);

    /** systemd-networkd may overwrite the MAC address of a new device; silk tries as often. */
    private static final int MAC_ATTEMPTS = 10;

    private final Attachment attachment;
    private final String veth;
    private final String ifname;
    private final Path netns;
    private final String outside;
    private final String inside;

    VethPair(Attachment attachment) {
        this.attachment = attachment;
        this.veth = attachment.veth();
        this.ifname = attachment.key().ifname();
        this.netns = attachment.netns();
        this.outside = MacAddress.toString(SilkNames.vethMac(attachment.address()));
        this.inside = MacAddress.toString(SilkNames.containerMac(attachment.address()));
    }

    /** Whether the host's end is there. It goes with the container's, and that with its network namespace. */
    boolean exists() {
        return Link.of(veth).exists();
    }

    /** Makes the pair; if that fails, nothing of it is left. It must not be there already. */
    void lay() {
        Iproute2.requireNetns(netns);
        try {
            Iproute2.here().batch(creation() + hostEnd());
            setHostSysctls();
            settleContainerEnd(containerEnd("", "add"));
            settleHostEnd();
        } catch (RuntimeException e) {
            OperatorException clear = explain(e);
            removeAfter(clear);
            throw clear;
        }
    }

    /** Brings a pair that is there into the state that {@link #lay} leaves. */
    void repair() {
        setHostEnd();
        setHostSysctls();
        settleContainerEnd(containerEnd(setInside(), "replace"));
        settleHostEnd();
    }

    /** Brings the existing host's end into the state that {@link #lay} leaves. */
    void repairHostEnd() {
        setHostEnd();
        setHostSysctls();
        settleHostEnd();
    }

    private void setHostEnd() {
        Iproute2.here().batch("link set dev " + veth + " address " + outside + "\n" + hostEnd());
    }

    /** Removes the pair, if it is there. */
    void remove() {
        if (!exists()) {
            return;
        }
        try {
            Iproute2.here().batch("link del dev " + veth);
        } catch (OperatorException e) {
            // It may have gone with its namespace at the same moment.
            if (exists()) {
                throw e;
            }
        }
    }

    private void removeAfter(OperatorException failure) {
        try {
            remove();
        } catch (OperatorException e) {
            failure.addSuppressed(e);
        }
    }

    /** Without a queue length, as silk makes it. The container's end appears in its namespace, nowhere else before. */
    private String creation() {
        return "link add " + veth + " address " + outside + " mtu " + attachment.mtu()
                + " txqueuelen 0 type veth peer name " + ifname + " address " + inside + " mtu " + attachment.mtu()
                + " txqueuelen 0 netns " + netns + "\n";
    }

    private String hostEnd() {
        return """
                link set dev %1$s mtu %5$d arp off up
                address replace %2$s peer %3$s/32 dev %1$s scope link
                route replace %3$s dev %1$s proto kernel scope link src %2$s
                neighbour replace %3$s lladdr %4$s dev %1$s nud permanent
                """
                .formatted(veth, SilkNames.GATEWAY, attachment.address(), inside, attachment.mtu());
    }

    private void setHostSysctls() {
        // There is no carrier yet, so IPv6 has said nothing on it.
        letHostForward();
        hostSysctls(veth).forEach(Sysctls::set);
    }

    /** Lets the host forward IPv4 packets between its interfaces. */
    static void letHostForward() {
        Sysctls.set("ipv4/ip_forward", "1");
    }

    /** The settings of the host's end, by name below {@code net}. */
    static Map<String, String> hostSysctls(String veth) {
        Map<String, String> sysctls = deviceSysctls(veth);
        sysctls.put("ipv4/conf/" + veth + "/forwarding", "1");
        return sysctls;
    }

    private static Map<String, String> deviceSysctls(String device) {
        Map<String, String> sysctls = new LinkedHashMap<>();
        sysctls.put("ipv6/conf/" + device + "/disable_ipv6", "1");
        sysctls.put("ipv4/conf/" + device + "/rp_filter", "1");
        return sysctls;
    }

    /** @return the MAC address that the container's end has then */
    private String containerEnd(String before, String routeAction) {
        String lines =
                """
                link set dev %1$s mtu %5$d arp off up
                address replace %3$s peer %2$s/32 dev %1$s scope link
                neighbour replace %2$s lladdr %4$s dev %1$s nud permanent
                route %6$s default via %2$s dev %1$s src %3$s
                link show dev %1$s
                """
                        .formatted(
                                ifname,
                                SilkNames.GATEWAY,
                                attachment.address(),
                                outside,
                                attachment.mtu(),
                                routeAction);
        String shown = Iproute2.in(netns).batch(deviceSysctls(ifname), before + lines);
        return JsonParser.parseString(shown)
                .getAsJsonArray()
                .get(0)
                .getAsJsonObject()
                .get("address")
                .getAsString();
    }

    private String setInside() {
        return "link set dev " + ifname + " address " + inside + "\n";
    }

    private void settleContainerEnd(String found) {
        settle(ifname + " in " + netns, inside, found, () -> containerEnd(setInside(), "replace"));
    }

    private void settleHostEnd() {
        settle(veth, outside, hostMac(), () -> {
            setHostEnd();
            return hostMac();
        });
    }

    private String hostMac() {
        return MacAddress.toString(Link.of(veth).mac());
    }

    /**
     * Sets an end again while it has another MAC address; what neighbours it had went with that.
     *
     * @param again gives the MAC address that it has then
     */
    static void settle(String end, String wanted, String found, Supplier<String> again) {
        String mac = found;
        for (int attempt = 0; !mac.equals(wanted); attempt++) {
            if (attempt == MAC_ATTEMPTS) {
                throw new OperatorException(
                        Kind.OS_ERROR,
                        end + ": something sets the MAC address " + mac + " instead of " + wanted
                                + " time and again: have it leave veth devices alone (systemd-networkd: a .link file with"
                                + " MACAddressPolicy=none)");
            }
            if (attempt == 0) {
                LOG.warn("{}: something has set the MAC address {}, Weft sets {} again", end, mac, wanted);
            }
            mac = again.get();
        }
    }

    /** What {@code ip} says of a failure to make a pair has several causes; asks which it was. */
    private OperatorException explain(RuntimeException e) {
        if (!(e instanceof OperatorException failure)) {
            return new OperatorException(Kind.OS_ERROR, "veth pair " + veth + ": " + e.getMessage(), e);
        }
        if (failure.kind() == Kind.UNAVAILABLE) {
            return failure; // The next command would not end either.
        }
        if (Files.notExists(netns)) {
            return new OperatorException(Kind.NO_INPUT, "network namespace " + netns + " is gone", e);
        }
        if (failure.getMessage().matches("ip route .*: .*File exists")) {
            return new OperatorException(
                    Kind.BAD_DATA,
                    "network namespace " + netns + " has a default route already: attach it to this network first",
                    e);
        }
        return exists() ? failure : explainCreation(failure);
    }

    private OperatorException explainCreation(OperatorException failure) {
        try {
            Iproute2.in(netns).json("link", "show", "dev", ifname);
            return new OperatorException(
                    Kind.USAGE, "network namespace " + netns + " has an interface " + ifname + " already", failure);
        } catch (OperatorException e) {
            return e.kind() == Kind.NO_INPUT ? e : failure;
        }
    }
}
