package org.weft.silk.config;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.weft.config.UnderlayAddress;
import org.weft.config.Values;
import org.weft.config.VtepAttributes;
import org.weft.config.VtepOverlap;
import org.weft.config.VtepSection;
import org.weft.config.YamlMapping;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.dataplane.vtep.UnderlayMtu;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

/**
 * The VTEP of a cell: what {@code cell.vtep} says of it, over what {@code underlay} says, over silk's client-config.json
 * if there is one, over silk's defaults.
 */
final class CellVtep {
    private static final List<List<String>> ALIASES = List.of(List.of("vni", "id"), List.of("port", "dstport"));
    private static final String OF_LEASE = "follows from the lease: leave it out";
    private static final String OF_LEASES = "follow from the leases: leave them out";
    private static final Map<String, String> REFUSED =
            new TreeMap<>(Map.of("address", OF_LEASE, "mac", OF_LEASE, "fdb", OF_LEASES, "neighbours", OF_LEASES));

    private final YamlMapping cell;
    private final YamlMapping vtep;
    private final YamlMapping underlay;
    private final Map<String, String> attributes;
    private final boolean silkUnusable;
    private String name;
    private String underlayDev;

    /**
     * @param underlay what VTEPs have in common, or null
     * @param silk what silk-daemon would make
     * @param silkUnusable whether silk's configuration is named and wrong (reported), so its values
     *     are unknown
     */
    CellVtep(YamlMapping cell, YamlMapping underlay, SilkClientConfig silk, boolean silkUnusable) {
        this.cell = cell;
        this.silkUnusable = silkUnusable;
        this.vtep = cell.mapping("vtep");
        this.underlay = underlay;
        this.attributes = attributes(silk);
        this.name = silk.vtepName();
        if (underlay != null) {
            put(underlay, VtepSection.UNDERLAY_KEYS);
        }
        if (vtep != null) {
            readVtep();
        }
        if (!"true".equals(attributes.get("learning"))) {
            // All entries are those of leases, whose number is limited already; silk sets no limit.
            attributes.putIfAbsent("maxaddress", "0");
        }
    }

    /** As silk's VTEP; what a cell needs to continue through a restart of the daemon; and leases name all its peers. */
    private static Map<String, String> attributes(SilkClientConfig silk) {
        Map<String, String> attributes = new LinkedHashMap<>();
        attributes.put("vni", String.valueOf(silk.vni()));
        attributes.put("port", String.valueOf(silk.vtepPort()));
        attributes.put("gbp", "true");
        attributes.put("persist", "true");
        attributes.put("install-neighbours", "true");
        attributes.put("known-peers", "true");
        if (silk.underlay() != null) {
            attributes.put("local", silk.underlay().toString());
        }
        if (silk.device() != null) {
            attributes.put("dev", silk.device());
        }
        return attributes;
    }

    private void readVtep() {
        name = vtep.read("name", name, Values::deviceName);
        put(vtep, vtep.keys());
        REFUSED.keySet().stream().filter(vtep::has).forEach(key -> vtep.problem(key, REFUSED.get(key)));
    }

    private void put(YamlMapping from, Collection<String> keys) {
        ALIASES.stream().filter(names -> names.stream().anyMatch(from::has)).forEach(attributes.keySet()::removeAll);
        for (String key : keys) {
            boolean attribute = from.has(key)
                    && !REFUSED.containsKey(key)
                    && !List.of("name", "tags").contains(key);
            String value = attribute ? from.text(key) : null;
            if (value != null) {
                attributes.put(key, value);
            }
        }
    }

    /**
     * This host's underlay address, which then is that of the VTEP too; null if it is wrong
     * (reported), or not there yet.
     */
    IpAddress underlayAddress(UnderlayAddress addresses) {
        IpAddress local = local(addresses);
        if (local != null) {
            attributes.put("local", local.toString());
        }
        return local;
    }

    private IpAddress local(UnderlayAddress addresses) {
        String text = attributes.get("local");
        IpAddress local;
        try {
            local = text == null ? IpAddress.ANY_IPV4 : IpAddress.parse(text);
        } catch (IllegalArgumentException e) {
            return null; // Reported with the VTEP's other attributes.
        }
        if (!local.isAny()) {
            return local;
        }
        if (local.isIpv4() && attributes.containsKey("dev")) {
            underlayDev = attributes.get("dev");
            return addressOf(underlayDev, addresses);
        }
        if (text == null && silkUnusable) {
            return null;
        }
        problem(
                "local",
                (text == null ? "is missing" : text + " is no host's address")
                        + ": a cell's lease is known by this host's underlay address, so give it"
                        + (local.isIpv4() ? ", or its interface as dev" : ""));
        return null;
    }

    private static IpAddress addressOf(String dev, UnderlayAddress addresses) {
        try {
            return addresses.of(Values.deviceName(dev));
        } catch (IllegalArgumentException e) {
            return null; // Reported with the VTEP's other attributes.
        }
    }

    /** The interface that names the underlay address; null if the address itself is given. */
    String underlayDev() {
        return underlayDev;
    }

    /**
     * Checks the attributes, and that the VTEP can stand beside others.
     *
     * @param overlay network that its address will be in
     */
    void check(IpPrefix overlay, List<VtepConfig> others, UnderlayMtu underlayMtu, Consumer<String> warnings) {
        Map<String, String> complete = new LinkedHashMap<>(attributes);
        complete.put("address", overlay.address() + "/" + overlay.length());
        VtepConfig config = VtepAttributes.create(
                name,
                complete,
                underlayMtu,
                warning -> {}, // Given when the VTEP is made.
                this::problem);
        if (config == null) {
            return;
        }
        if (!config.encapsulation().gbp() && !tags().isEmpty()) {
            warnings.accept(VtepAttributes.tagsWithoutGbp(config));
        }
        if (others.stream().anyMatch(other -> other.name().equals(name))) {
            problem(
                    "name",
                    "a VTEP " + name + " exists already: the cell makes its own, so leave that one out or give"
                            + " one of them another name");
            return;
        }
        String overlap = VtepOverlap.find(config, others);
        if (overlap != null) {
            problem(vtep != null && vtep.has("id") ? "id" : "vni", overlap);
        }
    }

    /** Reports at the section that a key is in, or would best be in. */
    void problem(String key, String sentence) {
        if (vtep != null && vtep.has(key)) {
            vtep.problem(key, sentence);
        } else if (underlay != null && VtepSection.UNDERLAY_KEYS.contains(key)) {
            underlay.problem(key, sentence);
        } else {
            cell.problem("vtep." + key, sentence);
        }
    }

    String name() {
        return name;
    }

    Map<String, String> attributes() {
        return attributes;
    }

    List<Tag> tags() {
        return vtep == null ? List.of() : VtepSection.tags(vtep);
    }
}
