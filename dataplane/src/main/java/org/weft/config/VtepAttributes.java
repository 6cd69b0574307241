package org.weft.config;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.weft.dataplane.vtep.UnderlayMtu;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepConfig.Checksums;
import org.weft.dataplane.vtep.VtepConfig.Device;
import org.weft.dataplane.vtep.VtepConfig.Df;
import org.weft.dataplane.vtep.VtepConfig.Encapsulation;
import org.weft.dataplane.vtep.VtepConfig.Forwarding;
import org.weft.dataplane.vtep.VtepConfig.SourcePorts;
import org.weft.dataplane.vtep.VtepConfig.Switches;
import org.weft.dataplane.vtep.VtepConfig.Underlay;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/**
 * Turns attributes under iproute2's names into a valid {@link VtepConfig}, whether they come from the configuration
 * file or over the control socket. Values are text; those of a list are joined by a space.
 *
 * <p>Defaults are iproute2's, but for learning, which is off as silk wants it, and proxy, which is the opposite of
 * learning: where a control plane fills the tables every neighbour is known and can be answered here, and there is no
 * remote to flood to; where addresses are learned, requests have to be flooded to reach a host for the first time.
 */
public final class VtepAttributes {
    private static final VtepConfig DEFAULTS = new VtepConfig(
            0,
            new Device(null, List.of(), 0, 0, false),
            new Underlay(IpAddress.ANY_IPV4, null, 4789, SourcePorts.OF_HOST, Checksums.ALWAYS),
            new Encapsulation(VtepConfig.TTL_AUTO, 0, Df.UNSET, false),
            new Forwarding(false, true, 300, VtepConfig.DEFAULT_MAX_ADDRESSES, false, false),
            Switches.ALL);

    private VtepAttributes() {}

    /**
     * A new VTEP.
     *
     * @param warnings hears of what is allowed but hardly meant, one sentence each
     * @throws OperatorException with a sentence for each attribute that is wrong
     */
    public static VtepConfig create(
            String name, Map<String, String> attributes, UnderlayMtu underlay, Consumer<String> warnings) {
        return orRefuse(problems -> create(name, attributes, underlay, warnings, problems));
    }

    /** As {@link #create(String, Map, UnderlayMtu, Consumer)}, but reports problems; null if there were some. */
    public static VtepConfig create(
            String name,
            Map<String, String> attributes,
            UnderlayMtu underlay,
            Consumer<String> warnings,
            AttributeReader.Problems problems) {
        AttributeReader reader = new AttributeReader(attributes, problems);
        checkName(name, reader);
        VtepConfig read = read(DEFAULTS, name, reader);
        if (!reader.has("id", "vni")) {
            reader.problem("vni", "is missing: a VTEP needs a VXLAN network identifier");
        }
        reader.refuseUnknown();
        if (reader.failed()) {
            return null;
        }
        int carried = underlay.carried(read.underlay().local(), read.underlay().dev());
        VtepConfig complete = complete(read, reader, carried);
        warnOfMtu(complete, carried, warnings);
        return complete;
    }

    /** Whether the MTU of a new VTEP is neither given nor known from the underlay. */
    public static boolean assumesMtu(Map<String, String> attributes, VtepConfig config, UnderlayMtu underlay) {
        return !attributes.containsKey("mtu")
                && underlay.of(config.underlay().local(), config.underlay().dev()) == 0;
    }

    private static void checkName(String name, AttributeReader reader) {
        try {
            Values.deviceName(name);
        } catch (IllegalArgumentException e) {
            reader.problem("name", e.getMessage());
        }
    }

    /**
     * A running VTEP with some attributes changed; the same values as before are never refused.
     *
     * @throws OperatorException with a sentence for each attribute that is wrong, or that the kernel too takes only
     *     when a device is made
     */
    public static VtepConfig change(
            VtepConfig current, Map<String, String> attributes, UnderlayMtu underlay, Consumer<String> warnings) {
        return orRefuse(problems -> {
            AttributeReader reader = new AttributeReader(attributes, problems);
            VtepConfig changed = read(current, current.name(), reader);
            reader.refuseUnknown();
            if (!reader.failed()) {
                refuseFixed(current, changed, reader);
            }
            if (reader.has("mtu")) {
                Underlay ports = changed.underlay();
                warnOfMtu(changed, underlay.carried(ports.local(), ports.dev()), warnings);
            }
            return changed;
        });
    }

    /** Kernel: vxlan_nl2conf, where it says "Cannot change". Our sockets are bound to local and dev for good too. */
    private static void refuseFixed(VtepConfig current, VtepConfig changed, AttributeReader reader) {
        List<Object> before = fixed(current);
        List<Object> after = fixed(changed);
        List<String> names = List.of(
                "id",
                "local",
                "dev",
                "dstport",
                "srcport",
                "gbp",
                "udpcsum",
                "udp6zerocsumtx",
                "udp6zerocsumrx",
                "maxaddress");
        for (int i = 0; i < names.size(); i++) {
            if (!Objects.equals(before.get(i), after.get(i))) {
                reader.problem(
                        names.get(i),
                        "can be set only when the VTEP is added: delete " + current.name() + " and add it again");
            }
        }
    }

    private static List<Object> fixed(VtepConfig config) {
        Underlay underlay = config.underlay();
        return Arrays.asList(
                config.vni(),
                underlay.local(),
                underlay.dev(),
                underlay.port(),
                underlay.sourcePorts(),
                config.encapsulation().gbp(),
                underlay.checksums().ipv4(),
                underlay.checksums().ipv6ZeroSent(),
                underlay.checksums().ipv6ZeroAccepted(),
                config.forwarding().maxAddresses());
    }

    private static VtepConfig read(VtepConfig base, String name, AttributeReader reader) {
        int vni = reader.read(base.vni(), Values::vni, "id", "vni");
        Underlay underlay = underlay(base.underlay(), reader);
        return new VtepConfig(
                vni,
                device(base.device(), name, reader),
                underlay,
                encapsulation(base.encapsulation(), reader),
                forwarding(base.forwarding(), reader),
                switches(base.switches(), reader));
    }

    private static Device device(Device base, String name, AttributeReader reader) {
        return new Device(
                name,
                reader.read(base.addresses(), VtepAttributes::addresses, "address"),
                reader.read(base.mac(), Values::hostMac, "mac"),
                reader.integer("mtu", base.mtu(), UnderlayMtu.MIN_VTEP_MTU, UnderlayMtu.MAX_VTEP_MTU),
                reader.bool("persist", base.persist()));
    }

    private static Underlay underlay(Underlay base, AttributeReader reader) {
        return new Underlay(
                reader.read(base.local(), VtepAttributes::local, "local"),
                reader.read(base.dev(), Values::deviceName, "dev"),
                reader.read(base.port(), Values::port, "dstport", "port"),
                reader.read(base.sourcePorts(), VtepAttributes::sourcePorts, "srcport"),
                checksums(base.checksums(), reader));
    }

    private static Checksums checksums(Checksums base, AttributeReader reader) {
        return new Checksums(
                reader.bool("udpcsum", base.ipv4()),
                reader.bool("udp6zerocsumtx", base.ipv6ZeroSent()),
                reader.bool("udp6zerocsumrx", base.ipv6ZeroAccepted()));
    }

    private static Encapsulation encapsulation(Encapsulation base, AttributeReader reader) {
        return new Encapsulation(
                reader.read(base.ttl(), VtepAttributes::ttl, "ttl"),
                reader.read(base.tos(), VtepAttributes::tos, "tos"),
                reader.read(base.df(), VtepAttributes::df, "df"),
                reader.bool("gbp", base.gbp()));
    }

    private static Forwarding forwarding(Forwarding base, AttributeReader reader) {
        return new Forwarding(
                reader.bool("learning", base.learning()),
                reader.bool("proxy", base.proxy()),
                reader.integer("ageing", base.ageing(), 0, Integer.MAX_VALUE),
                reader.integer("maxaddress", base.maxAddresses(), 0, Integer.MAX_VALUE),
                reader.bool("install-neighbours", base.installNeighbours()),
                reader.bool("known-peers", base.knownPeers()));
    }

    private static Switches switches(Switches base, AttributeReader reader) {
        return new Switches(
                reader.read(base.tso(), Values::onOff, "tso"),
                reader.read(base.uso(), Values::onOff, "uso"),
                reader.read(base.gso(), Values::onOff, "gso"),
                reader.read(base.tunnelGso(), Values::onOff, "tunnel-gso"),
                reader.read(base.gro(), Values::onOff, "gro"));
    }

    /** Fills in the defaults that depend on other attributes. */
    private static VtepConfig complete(VtepConfig read, AttributeReader reader, int carried) {
        Device device = read.device();
        Forwarding forwarding = read.forwarding();
        long mac = reader.has("mac") ? device.mac() : defaultMac(device.addresses());
        int mtu = reader.has("mtu") ? device.mtu() : UnderlayMtu.allowed(carried);
        VtepConfig complete = read.following(read.name(), mac, mtu);
        return reader.has("proxy") ? complete : complete.withForwarding(forwarding.withProxy(!forwarding.learning()));
    }

    /** Silk's rule: ee:ee and the overlay IPv4 address. Without one a random address, as the kernel gives. */
    private static long defaultMac(List<IpPrefix> addresses) {
        for (IpPrefix prefix : addresses) {
            if (prefix.address().isIpv4()) {
                return 0xeeee_0000_0000L | prefix.address().ipv4() & 0xffff_ffffL;
            }
        }
        long locallyAdministered = 0x0200_0000_0000L;
        long multicast = 0x0100_0000_0000L;
        return ThreadLocalRandom.current().nextLong() & 0xffff_ffff_ffffL & ~multicast | locallyAdministered;
    }

    private static void warnOfMtu(VtepConfig config, int carried, Consumer<String> warnings) {
        if (config.device().mtu() > carried) {
            warnings.accept("mtu " + config.device().mtu() + " of " + config.name()
                    + " is larger than the underlay carries: with " + carried + " no packet needs to be fragmented");
        }
    }

    /** The warning where tags are set that cannot leave. */
    public static String tagsWithoutGbp(VtepConfig config) {
        return config.name() + " runs without gbp, so its packets leave untagged";
    }

    public static IpAddress local(String text) {
        IpAddress address = IpAddress.parse(text);
        if (address.isMulticast()) {
            throw new IllegalArgumentException(text + " is a multicast address, not one of this host");
        }
        return address;
    }

    private static List<IpPrefix> addresses(String text) {
        return Arrays.stream(words(text)).map(Values::interfaceAddress).toList();
    }

    private static String[] words(String text) {
        return text.isBlank() ? new String[0] : text.strip().split("\\s+");
    }

    private static SourcePorts sourcePorts(String text) {
        String[] words = words(text);
        if (words.length != 2) {
            throw new IllegalArgumentException("\"" + text + "\" is not a range of ports such as 32768 61000");
        }
        int min = Values.integer(words[0], 0, 0xffff);
        int max = Values.integer(words[1], 0, 0xffff);
        if (min > max || min == 0 && max > 0) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is not a range of ports: the first must be above 0 and "
                            + "not above the second (0 0: the host's local port range)");
        }
        return new SourcePorts(min, max);
    }

    private static int ttl(String text) {
        return switch (text) {
            case "auto", "0" -> VtepConfig.TTL_AUTO;
            case "inherit" -> VtepConfig.TTL_INHERIT;
            default -> {
                try {
                    yield Values.integer(text, 1, 255);
                } catch (IllegalArgumentException e) {
                    throw new IllegalArgumentException(e.getMessage() + ", auto or inherit", e);
                }
            }
        };
    }

    /** The two low bits are ECN's and taken from the inner packet; 1 means inherit, as for iproute2. */
    private static int tos(String text) {
        if (text.equals("inherit")) {
            return VtepConfig.TOS_INHERIT;
        }
        if (text.matches("0[xX][0-9a-fA-F]{1,2}|\\d{1,3}") && Integer.decode(decimal(text)) <= 255) {
            int tos = Integer.decode(decimal(text));
            return tos == VtepConfig.TOS_INHERIT ? tos : tos & ~3;
        }
        throw new IllegalArgumentException(
                "\"" + text + "\" is not a number from 0 to 255 (or 0x00 to 0xff) or inherit");
    }

    /** Leading zeros would make it octal. */
    private static String decimal(String text) {
        return text.matches("\\d+") ? String.valueOf(Integer.parseInt(text)) : text;
    }

    private static Df df(String text) {
        return switch (text) {
            case "unset", "set", "inherit" -> Df.valueOf(text.toUpperCase(Locale.ROOT));
            default -> throw new IllegalArgumentException("\"" + text + "\" is not unset, set or inherit");
        };
    }

    private interface Reading {
        VtepConfig read(AttributeReader.Problems problems);
    }

    private static VtepConfig orRefuse(Reading reading) {
        List<String> sentences = new ArrayList<>();
        VtepConfig config = reading.read((attribute, sentence) -> sentences.add(attribute + ": " + sentence));
        if (!sentences.isEmpty()) {
            throw new OperatorException(Kind.BAD_DATA, String.join("; ", sentences));
        }
        return config;
    }
}
