package org.weft.silk.cni;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.List;
import org.weft.encap.MacAddress;
import org.weft.silk.cni.CniException.Code;
import org.weft.silk.container.Attachment;
import org.weft.silk.lease.SilkNames;

/** The result of an ADD, with what silk-cni puts into its own (silk: cni/config/config.go, AsCNIResult). */
final class CniResult {
    private static final String ANYWHERE = "0.0.0.0/0";

    private CniResult() {}

    /** An attachment in the form of the call's version, behind the result of the plugin before, if there is one. */
    static JsonObject of(CniCall call, Attachment attachment) {
        JsonObject before = call.prevResult() == null ? new JsonObject() : call.prevResult();
        JsonArray interfaces = array(before, "interfaces");
        int container = interfaces.size() + 1;
        interfaces.add(device(call, attachment, attachment.veth(), SilkNames.vethMac(attachment.address()), null));
        interfaces.add(device(
                call,
                attachment,
                attachment.key().ifname(),
                SilkNames.containerMac(attachment.address()),
                call.netns()));
        JsonArray ips = array(before, "ips");
        ips.add(ip(call.version(), attachment, container));
        JsonArray routes = array(before, "routes");
        routes.add(route());
        JsonObject result = new JsonObject();
        result.addProperty("cniVersion", call.version().toString());
        result.add("interfaces", interfaces);
        result.add("ips", ips);
        result.add("routes", routes);
        result.add("dns", call.dns() == null ? CniCall.object(before, "dns") : call.dns());
        return result;
    }

    private static JsonArray array(JsonObject before, String field) {
        JsonArray array = new JsonArray();
        CniCall.objects(before, field).forEach(array::add);
        return array;
    }

    private static JsonObject device(CniCall call, Attachment attachment, String name, long mac, String sandbox) {
        JsonObject device = new JsonObject();
        device.addProperty("name", name);
        device.addProperty("mac", MacAddress.toString(mac));
        if (!call.version().isBefore(CniVersion.V1_1_0)) {
            device.addProperty("mtu", attachment.mtu());
        }
        if (sandbox != null) {
            device.addProperty("sandbox", sandbox);
        }
        return device;
    }

    private static JsonObject ip(CniVersion version, Attachment attachment, int device) {
        JsonObject ip = new JsonObject();
        if (version.isBefore(CniVersion.V1_0_0)) {
            ip.addProperty("version", "4");
        }
        ip.addProperty("interface", device);
        ip.addProperty("address", attachment.address() + "/32");
        ip.addProperty("gateway", SilkNames.GATEWAY.toString());
        return ip;
    }

    private static JsonObject route() {
        JsonObject route = new JsonObject();
        route.addProperty("dst", ANYWHERE);
        route.addProperty("gw", SilkNames.GATEWAY.toString());
        return route;
    }

    /** Refuses a result that does not have an attachment's two interfaces and its address. */
    static void requireNames(JsonObject result, Attachment attachment, String netns) {
        List<JsonObject> interfaces = CniCall.objects(result, "interfaces");
        boolean outside =
                interfaces.stream().anyMatch(found -> attachment.veth().equals(CniCall.text(found, "name")));
        boolean inside = interfaces.stream()
                .anyMatch(found -> attachment.key().ifname().equals(CniCall.text(found, "name"))
                        && netns.equals(CniCall.text(found, "sandbox")));
        boolean address = CniCall.objects(result, "ips").stream()
                .anyMatch(found -> (attachment.address() + "/32").equals(CniCall.text(found, "address")));
        if (!outside || !inside || !address) {
            throw new CniException(
                    Code.INVALID_CONFIG,
                    "prevResult does not have the interfaces " + attachment.veth() + " and "
                            + attachment.key().ifname() + " in " + netns + " and the address " + attachment.address()
                            + "/32, which " + attachment.key() + " has");
        }
    }

    /** Whether a result still has the default route; a later plugin of the chain may have taken it away. */
    static boolean hasDefaultRoute(JsonObject result) {
        return CniCall.objects(result, "routes").stream()
                .anyMatch(route -> ANYWHERE.equals(CniCall.text(route, "dst"))
                        && SilkNames.GATEWAY.toString().equals(CniCall.text(route, "gw")));
    }
}
