package org.weft.config;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.weft.dataplane.table.NeighbourTable.Neighbour;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.dataplane.vtep.UnderlayMtu;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepEntries;
import org.weft.dataplane.vtep.VtepEntries.StaticFdbEntry;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;

/** One item of {@code vteps}: its attributes over those of {@code underlay}, and what its tables hold at start. */
public final class VtepSection {
    public static final List<String> UNDERLAY_KEYS = List.of("local", "dev", "port", "dstport");

    private static final List<String> ENTRY_KEYS = List.of("mac", "dst", "port", "vni");
    private static final List<String> NEIGHBOUR_KEYS = List.of("ip", "mac");
    private static final List<String> TAG_KEYS = List.of("source", "tag");
    private static final Set<String> OWN_KEYS = Set.of("name", "fdb", "neighbours", "tags");

    private final YamlMapping section;
    private final YamlMapping underlay;

    /** Keys whose value is no text; reported when they were read. */
    private final Set<String> unreadable = new HashSet<>();

    /** @param underlay what VTEPs have in common, or null */
    public VtepSection(YamlMapping section, YamlMapping underlay) {
        this.section = section;
        this.underlay = underlay;
    }

    /** The VTEP with its entries; null if something is wrong with its attributes (reported). */
    public VtepEntries read(UnderlayMtu underlayMtu, Consumer<String> warnings) {
        String name = section.require("name", Values::deviceName);
        Map<String, String> attributes = attributes();
        VtepConfig config = VtepAttributes.create(
                name == null ? "unnamed" : name, attributes, underlayMtu, warnings, this::problem);
        if (config == null) {
            return null;
        }
        VtepEntries entries = new VtepEntries(
                config,
                fdb(config),
                neighbours(),
                tags(section),
                VtepAttributes.assumesMtu(attributes, config, underlayMtu));
        if (!entries.tags().isEmpty() && !config.encapsulation().gbp()) {
            warnings.accept(VtepAttributes.tagsWithoutGbp(config));
        }
        return entries;
    }

    private void problem(String key, String sentence) {
        if (unreadable.contains(key)) {
            return;
        }
        (section.has(key) || underlay == null || !underlay.has(key) ? section : underlay).problem(key, sentence);
    }

    private Map<String, String> attributes() {
        Map<String, String> attributes = new LinkedHashMap<>();
        if (underlay != null) {
            underlay.keys().stream()
                    .filter(key -> UNDERLAY_KEYS.contains(key) && !overridden(key))
                    .forEach(key -> put(underlay, key, attributes));
        }
        section.keys().stream().filter(key -> !OWN_KEYS.contains(key)).forEach(key -> put(section, key, attributes));
        return attributes;
    }

    private boolean overridden(String key) {
        return key.equals("port") || key.equals("dstport")
                ? section.has("port") || section.has("dstport")
                : section.has(key);
    }

    private void put(YamlMapping from, String key, Map<String, String> attributes) {
        String value = from.text(key);
        if (value == null) {
            unreadable.add(key);
        } else {
            attributes.put(key, value);
        }
    }

    private List<StaticFdbEntry> fdb(VtepConfig vtep) {
        List<StaticFdbEntry> entries = new ArrayList<>();
        Set<Object> seen = new HashSet<>();
        for (YamlMapping item : section.mappings("fdb")) {
            item.refuseUnknown(ENTRY_KEYS);
            Long mac = item.require("mac", MacAddress::parse);
            IpAddress dst = item.require("dst", text -> Values.remoteAddress(text, vtep));
            int port = item.read("port", 0, Values::port);
            int vni = item.read("vni", Remote.SAME_VNI, Values::vni);
            if (mac == null || dst == null) {
                continue;
            }
            StaticFdbEntry entry = new StaticFdbEntry(mac, Values.remote(vtep, dst, port, vni));
            boolean several = mac == 0 || MacAddress.isMulticast(mac);
            unique(item, "mac", MacAddress.toString(mac), several ? entry : mac, seen);
            entries.add(entry);
        }
        return entries;
    }

    private List<Neighbour> neighbours() {
        List<Neighbour> neighbours = new ArrayList<>();
        Set<Object> seen = new HashSet<>();
        for (YamlMapping item : section.mappings("neighbours")) {
            item.refuseUnknown(NEIGHBOUR_KEYS);
            IpAddress ip = item.require("ip", Values::hostAddress);
            Long mac = item.require("mac", Values::hostMac);
            if (ip != null && mac != null) {
                unique(item, "ip", ip.toString(), ip, seen);
                neighbours.add(new Neighbour(ip, mac));
            }
        }
        return neighbours;
    }

    /** What is under {@code tags}. */
    public static List<Tag> tags(YamlMapping section) {
        List<Tag> tags = new ArrayList<>();
        Set<Object> seen = new HashSet<>();
        for (YamlMapping item : section.mappings("tags")) {
            item.refuseUnknown(TAG_KEYS);
            IpPrefix source = item.require("source", Values::network);
            Integer tag = item.require("tag", Values::tag);
            if (source != null && tag != null) {
                unique(item, "source", source.toString(), source, seen);
                tags.add(new Tag(source, tag));
            }
        }
        return tags;
    }

    private static void unique(YamlMapping item, String key, String text, Object entry, Set<Object> seen) {
        if (!seen.add(entry)) {
            item.problem(key, text + " has an entry already: leave one out");
        }
    }
}
