package org.weft.silk.container;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.host.Iproute2;
import org.weft.encap.IpAddress;
import org.weft.encap.MacAddress;
import org.weft.operator.OperatorException;
import org.weft.silk.lease.SilkNames;

/**
 * The containers that the veth pairs of this host tell of: an {@code s-*} interface has the address in its name, and the
 * MAC address of its other end has it, too.
 */
final class FoundPairs {
    private static final Logger LOG = LoggerFactory.getLogger(FoundPairs.class);

    /** A network namespace's own file, which is the same wherever it is found. */
    private static final Path HERE = Path.of("/proc/thread-self/ns/net");

    private static final Path NAMED = Path.of("/run/netns");
    private static final Path PROCESSES = Path.of("/proc");

    /** An end in a container. */
    private record Inside(Path netns, String ifname) {}

    private FoundPairs() {}

    /** Looks at all interfaces of this host, and then into namespaces until the other ends are found. */
    static List<Attachment> look() {
        List<Attachment> found = new ArrayList<>();
        try {
            Map<IpAddress, JsonObject> outside = new LinkedHashMap<>();
            for (JsonObject link : veths(Iproute2.here())) {
                IpAddress address = SilkNames.containerOfVeth(link.get("ifname").getAsString());
                if (address != null) {
                    outside.put(address, link);
                }
            }
            Map<IpAddress, Inside> inside = outside.isEmpty() ? Map.of() : insides(outside);
            outside.forEach((address, link) -> found.add(
                    attachment(address, inside.get(address), link.get("mtu").getAsInt())));
        } catch (OperatorException e) {
            LOG.warn("the containers of this host cannot be found: {}", e.getMessage());
        }
        found.forEach(attachment -> LOG.info(
                "found {}: address {} is taken by {}", attachment.veth(), attachment.address(), attachment.key()));
        return found;
    }

    private static Attachment attachment(IpAddress address, Inside inside, int mtu) {
        Attachment.Key key = inside == null
                ? new Attachment.Key("", SilkNames.veth(address), "eth0")
                : Attachment.Key.byHand(inside.netns, inside.ifname);
        return new Attachment(key, address, inside == null ? Attachment.UNKNOWN : inside.netns, mtu, true, true);
    }

    private static List<JsonObject> veths(Iproute2 namespace) {
        String json = namespace.json("link", "show", "type", "veth");
        List<JsonObject> links = new ArrayList<>();
        if (!json.isBlank()) {
            for (JsonElement link : JsonParser.parseString(json).getAsJsonArray()) {
                // ip leaves an empty object where it passes a device over.
                if (link.getAsJsonObject().has("ifname")) {
                    links.add(link.getAsJsonObject());
                }
            }
        }
        return links;
    }

    private static Map<IpAddress, Inside> insides(Map<IpAddress, JsonObject> outside) {
        Map<IpAddress, Inside> inside = new LinkedHashMap<>();
        for (Path netns : namespaces()) {
            if (inside.size() == outside.size()) {
                break;
            }
            try {
                for (JsonObject link : veths(Iproute2.in(netns))) {
                    IpAddress address = SilkNames.addressOfMac(
                            MacAddress.parse(link.get("address").getAsString()));
                    if (outside.containsKey(address)) {
                        String ifname = link.get("ifname").getAsString();
                        AttachRequest.requireIfname(ifname);
                        AttachRequest.requirePath(netns.toString());
                        inside.putIfAbsent(address, new Inside(netns, ifname));
                    }
                }
            } catch (OperatorException e) {
                LOG.debug("{} is passed over: {}", netns, e.getMessage());
            }
        }
        return inside;
    }

    /** One file of each network namespace but this one; those with names first. */
    private static Collection<Path> namespaces() {
        Map<Object, Path> byFile = new LinkedHashMap<>();
        note(HERE, byFile);
        Object here = byFile.isEmpty() ? null : byFile.keySet().iterator().next();
        each(NAMED, "*", file -> note(file, byFile));
        each(PROCESSES, "[0-9]*", process -> note(process.resolve("ns/net"), byFile));
        byFile.remove(here);
        return byFile.values();
    }

    private static void each(Path directory, String glob, Consumer<Path> action) {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, glob)) {
            entries.forEach(action);
        } catch (IOException e) {
            LOG.debug("{}: {}", directory, e.getMessage());
        }
    }

    private static void note(Path netns, Map<Object, Path> byFile) {
        try {
            Object file = Files.readAttributes(netns, BasicFileAttributes.class).fileKey();
            byFile.putIfAbsent(file, netns);
        } catch (IOException e) {
            // A process that has ended.
        }
    }
}
