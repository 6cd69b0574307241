package org.weft.silk.container;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonStreamParser;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.weft.dataplane.host.Iproute2;
import org.weft.dataplane.host.Sysctls;

/**
 * The host's ends of all veth pairs, as the kernel has them at one moment. One process asks for all
 * of them.
 */
final class HostEnds {
    private static final String QUESTIONS =
            """
            address show type veth
            neighbour show nud permanent
            route show scope link
            """;

    private final Map<String, JsonObject> devices = new HashMap<>();
    private final Map<String, JsonArray> neighbours = new HashMap<>();
    private final Map<String, JsonArray> routes = new HashMap<>();

    private HostEnds() {}

    /** Asks the kernel for all ends; starts a process. */
    static HostEnds read() {
        HostEnds ends = new HostEnds();
        List<JsonElement> answers = new ArrayList<>();
        new JsonStreamParser(Iproute2.here().batch(Map.of(), QUESTIONS)).forEachRemaining(answers::add);
        answers.get(0).getAsJsonArray().forEach(device -> {
            // Devices of other kinds are empty objects.
            if (device.getAsJsonObject().has("ifname")) {
                ends.devices.put(device.getAsJsonObject().get("ifname").getAsString(), device.getAsJsonObject());
            }
        });
        group(answers.get(1), ends.neighbours);
        group(answers.get(2), ends.routes);
        return ends;
    }

    private static void group(JsonElement answer, Map<String, JsonArray> byDevice) {
        for (JsonElement element : answer.getAsJsonArray()) {
            JsonElement device = element.getAsJsonObject().get("dev");
            if (device != null) {
                byDevice.computeIfAbsent(device.getAsString(), name -> new JsonArray())
                        .add(element);
            }
        }
    }

    /**
     * Names each difference from the end that {@link VethPair} lays; empty without differences, or
     * if the end does not exist.
     */
    List<String> faults(Attachment attachment) {
        String veth = attachment.veth();
        JsonObject device = devices.get(veth);
        if (device == null) {
            return List.of();
        }
        List<String> faults = new ArrayList<>(
                PairInspection.hostFaults(attachment, device, neighbours.getOrDefault(veth, new JsonArray())));
        int mtu = device.get("mtu").getAsInt();
        if (mtu != attachment.mtu()) {
            faults.add(veth + " has the MTU " + mtu + " and not " + attachment.mtu());
        }
        String container = attachment.address().toString();
        Predicate<JsonElement> route =
                found -> found.getAsJsonObject().get("dst").getAsString().equals(container);
        if (routes.getOrDefault(veth, new JsonArray()).asList().stream().noneMatch(route)) {
            faults.add(veth + " has no route to " + container);
        }
        VethPair.hostSysctls(veth).forEach((name, value) -> {
            if (!Sysctls.has(name, value)) {
                faults.add("net/" + name + " is not " + value);
            }
        });
        return faults;
    }

    /** The attachments whose ends have faults, with these faults. */
    Map<Attachment, List<String>> faults(List<Attachment> attachments) {
        Map<Attachment, List<String>> found = new LinkedHashMap<>();
        for (Attachment attachment : attachments) {
            List<String> faults = attachment.laid() ? faults(attachment) : List.of();
            if (!faults.isEmpty()) {
                found.put(attachment, faults);
            }
        }
        return found;
    }
}
