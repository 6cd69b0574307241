package org.weft.silk.container;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonStreamParser;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.weft.dataplane.host.Iproute2;
import org.weft.encap.IpAddress;
import org.weft.encap.MacAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.lease.SilkNames;

/** Compares a container's veth pair with what {@link VethPair} lays. More than that may be there. */
final class PairInspection {
    private final Attachment attachment;
    private final List<String> faults = new ArrayList<>();

    private PairInspection(Attachment attachment) {
        this.attachment = attachment;
    }

    /**
     * What is missing or otherwise than laid, in words; empty if nothing is.
     *
     * @param defaultRoute whether the container's default route counts
     */
    static List<String> faults(Attachment attachment, boolean defaultRoute) {
        PairInspection inspection = new PairInspection(attachment);
        inspection.hostEnd();
        inspection.containerEnd(defaultRoute);
        return inspection.faults;
    }

    /**
     * Names each difference at the host's end from the pair that Weft laid.
     *
     * @param device as {@code ip address} shows it
     * @param neighbours the device's permanent neighbours
     */
    static List<String> hostFaults(Attachment attachment, JsonObject device, JsonArray neighbours) {
        PairInspection inspection = new PairInspection(attachment);
        JsonArray devices = new JsonArray();
        devices.add(device);
        inspection.hostEnd(List.of(devices, neighbours));
        return inspection.faults;
    }

    private void hostEnd() {
        String veth = attachment.veth();
        List<JsonElement> shown = show(Iproute2::here, veth, veth, "");
        if (!shown.isEmpty()) {
            hostEnd(shown);
        }
    }

    private void hostEnd(List<JsonElement> shown) {
        IpAddress container = attachment.address();
        end(
                attachment.veth(),
                shown,
                SilkNames.vethMac(container),
                SilkNames.GATEWAY,
                container,
                SilkNames.containerMac(container));
    }

    private void containerEnd(boolean defaultRoute) {
        String ifname = attachment.key().ifname();
        String place = ifname + " in " + attachment.netns();
        IpAddress container = attachment.address();
        List<JsonElement> shown = show(() -> Iproute2.in(attachment.netns()), ifname, place, "route show\n");
        if (shown.isEmpty()) {
            return;
        }
        end(
                place,
                shown,
                SilkNames.containerMac(container),
                container,
                SilkNames.GATEWAY,
                SilkNames.vethMac(container));
        Predicate<JsonObject> route = found -> has(found, "dst", "default")
                && has(found, "gateway", SilkNames.GATEWAY.toString())
                && has(found, "dev", ifname)
                && has(found, "prefsrc", container.toString());
        require(
                !defaultRoute || any(shown.get(2), route),
                place + " is not on the default route via " + SilkNames.GATEWAY + " with source " + container);
    }

    /** Arrays of the device, its neighbours and what else is asked for; none if there is no such device. */
    private List<JsonElement> show(Supplier<Iproute2> namespace, String device, String place, String more) {
        List<JsonElement> shown = new ArrayList<>();
        try {
            String lines = "address show dev " + device + "\nneighbour show dev " + device + "\n" + more;
            new JsonStreamParser(namespace.get().batch(Map.of(), lines)).forEachRemaining(shown::add);
        } catch (OperatorException e) {
            if (e.kind() == Kind.UNAVAILABLE) {
                throw e; // The host is too slow to tell.
            }
            faults.add(place + " is not there (" + e.getMessage() + ")");
        }
        return shown;
    }

    private void end(String place, List<JsonElement> shown, long mac, IpAddress local, IpAddress peer, long peerMac) {
        JsonObject device = shown.get(0).getAsJsonArray().get(0).getAsJsonObject();
        require(has(device, "address", MacAddress.toString(mac)), place + " has not the MAC address " + text(mac));
        require(hasFlag(device, "UP"), place + " is not up");
        require(hasFlag(device, "NOARP"), place + " does ARP");
        Predicate<JsonObject> address =
                found -> has(found, "local", local.toString()) && has(found, "address", peer.toString());
        require(any(device.get("addr_info"), address), place + " has not the address " + local + " peer " + peer);
        Predicate<JsonObject> neighbour = found -> has(found, "dst", peer.toString())
                && has(found, "lladdr", text(peerMac))
                && found.getAsJsonArray("state").toString().contains("PERMANENT");
        require(
                any(shown.get(1), neighbour),
                place + " has not the permanent neighbour " + peer + " at " + text(peerMac));
    }

    private void require(boolean holds, String fault) {
        if (!holds) {
            faults.add(fault);
        }
    }

    private static boolean any(JsonElement array, Predicate<JsonObject> wanted) {
        for (JsonElement element : array.getAsJsonArray()) {
            if (wanted.test(element.getAsJsonObject())) {
                return true;
            }
        }
        return false;
    }

    private static boolean hasFlag(JsonObject device, String flag) {
        return device.getAsJsonArray("flags").toString().contains("\"" + flag + "\"");
    }

    private static boolean has(JsonObject object, String field, String value) {
        JsonElement found = object.get(field);
        return found != null && found.getAsString().equals(value);
    }

    private static String text(long mac) {
        return MacAddress.toString(mac);
    }
}
