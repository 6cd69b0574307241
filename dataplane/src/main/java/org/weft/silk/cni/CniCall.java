package org.weft.silk.cni;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.cni.CniException.Code;
import org.weft.silk.container.AttachRequest;
import org.weft.silk.container.Attachment;

/** What a container runtime hands to a CNI plugin: variables of its environment and a network's configuration. */
final class CniCall {
    private final Map<String, String> environment;
    private final JsonObject config;
    private final CniVersion version;

    /**
     * @param stdin the network's configuration; keys that are not known are passed over
     * @throws CniException if it cannot be read, or is of a version that is not known
     */
    CniCall(Map<String, String> environment, String stdin) {
        this.environment = environment;
        this.config = parse(stdin);
        String text = text(config, "cniVersion");
        // As the specification has it, a configuration without is of the first version.
        this.version = CniVersion.of(text == null ? "0.1.0" : text);
    }

    private static JsonObject parse(String stdin) {
        try {
            return JsonParser.parseString(stdin).getAsJsonObject();
        } catch (JsonParseException | IllegalStateException e) {
            throw new CniException(
                    Code.DECODING_FAILURE, "the network configuration on standard input is not a JSON object", e);
        }
    }

    CniVersion version() {
        return version;
    }

    Attachment.Key key() {
        String ifname = variable("CNI_IFNAME");
        try {
            AttachRequest.requireIfname(ifname);
        } catch (RuntimeException e) {
            throw new CniException(Code.INVALID_ENVIRONMENT, "CNI_IFNAME: " + e.getMessage(), e);
        }
        String id = variable("CNI_CONTAINERID");
        requireName(id, "CNI_CONTAINERID", Code.INVALID_ENVIRONMENT);
        return new Attachment.Key(network(), id, ifname);
    }

    String network() {
        String name = text(config, "name");
        if (name == null) {
            throw new CniException(Code.INVALID_CONFIG, "name: the network has none");
        }
        requireName(name, "name", Code.INVALID_CONFIG);
        return name;
    }

    private static void requireName(String text, String field, Code code) {
        if (!text.matches("[A-Za-z0-9][A-Za-z0-9_.-]*")) {
            throw new CniException(
                    code,
                    field + ": \"" + text
                            + "\" is not a letter or digit, then letters, digits, underscores, dots and hyphens");
        }
    }

    String netns() {
        return variable("CNI_NETNS");
    }

    /** Null where it is not named, or no path. */
    Path netnsIfAny() {
        String netns = environment.getOrDefault("CNI_NETNS", "");
        return netns.startsWith("/") && netns.indexOf('\0') < 0 ? Path.of(netns) : null;
    }

    AttachRequest request() {
        refuseMac();
        Attachment.Key key = key();
        try {
            return new AttachRequest(key, Path.of(netns()), address(), mtu());
        } catch (RuntimeException e) {
            throw e instanceof CniException known
                    ? known
                    : new CniException(Code.INVALID_ENVIRONMENT, "CNI_NETNS: " + e.getMessage(), e);
        }
    }

    private String variable(String name) {
        String value = environment.get(name);
        if (value == null || value.isEmpty()) {
            throw new CniException(Code.INVALID_ENVIRONMENT, name + " is not set");
        }
        return value;
    }

    /** The address that is asked for, by any of the three conventions; null if none is. */
    private IpAddress address() {
        Set<IpAddress> wanted = new LinkedHashSet<>();
        String argument = argument("IP");
        if (argument != null) {
            wanted.add(address("IP in CNI_ARGS", argument));
        }
        wanted.addAll(addresses("args.cni.ips", object(object(config, "args"), "cni")));
        wanted.addAll(addresses("runtimeConfig.ips", object(config, "runtimeConfig")));
        if (wanted.size() > 1) {
            throw new CniException(
                    Code.INVALID_CONFIG,
                    "a container has one address, and " + wanted.size() + " are asked for: " + wanted);
        }
        return wanted.isEmpty() ? null : wanted.iterator().next();
    }

    private static List<IpAddress> addresses(String field, JsonObject parent) {
        JsonElement ips = parent.get("ips");
        if (ips == null || ips.isJsonNull()) {
            return List.of();
        }
        if (!ips.isJsonArray()) {
            throw new CniException(Code.INVALID_CONFIG, field + " is not a list");
        }
        return ips.getAsJsonArray().asList().stream()
                .map(ip -> address(field, ip.isJsonPrimitive() ? ip.getAsString() : ip.toString()))
                .toList();
    }

    /** Runtimes put a prefix length behind or not; it says nothing here, where every container is alone on its link. */
    private static IpAddress address(String field, String text) {
        try {
            IpAddress address = IpPrefix.parse(text).address();
            if (!address.isIpv4()) {
                throw new IllegalArgumentException(address + " is not an IPv4 address, and the overlay has no others");
            }
            return address;
        } catch (IllegalArgumentException e) {
            throw new CniException(Code.INVALID_CONFIG, field + ": " + e.getMessage(), e);
        }
    }

    /** A value in {@code CNI_ARGS}, which is {@code KEY=VALUE;KEY=VALUE}; null without. */
    private String argument(String key) {
        for (String pair : environment.getOrDefault("CNI_ARGS", "").split(";")) {
            int equals = pair.indexOf('=');
            if (!pair.isBlank() && equals < 0) {
                throw new CniException(Code.INVALID_ENVIRONMENT, "CNI_ARGS: \"" + pair + "\" is not KEY=VALUE");
            }
            if (equals > 0 && pair.substring(0, equals).equals(key)) {
                return pair.substring(equals + 1);
            }
        }
        return null;
    }

    /** The MAC address follows from the IP address, and hosts know it from there. */
    private void refuseMac() {
        String mac = argument("MAC");
        if (mac == null) {
            mac = text(object(config, "runtimeConfig"), "mac");
        }
        if (mac != null) {
            throw new CniException(
                    Code.UNSUPPORTED_FIELD, "mac: " + mac + " not possible: the MAC follows from the IP address");
        }
    }

    /** silk-cni's key {@code mtu}; 0 for the VTEP's. */
    private int mtu() {
        JsonElement mtu = config.get("mtu");
        if (mtu == null || mtu.isJsonNull()) {
            return 0;
        }
        String text = mtu.isJsonPrimitive() ? mtu.getAsString() : mtu.toString();
        if (!text.matches("0|[1-9]\\d{2,4}")) {
            throw new CniException(Code.INVALID_CONFIG, "mtu: " + text + " is not 0, for the VTEP's, or from 100");
        }
        return Integer.parseInt(text);
    }

    /** {@code dns} of the configuration, to be handed on; null without. */
    JsonObject dns() {
        JsonObject dns = object(config, "dns");
        return dns.isEmpty() ? null : dns;
    }

    /** What the plugin before this one, or the whole chain earlier, gave; null without. */
    JsonObject prevResult() {
        JsonObject result = object(config, "prevResult");
        return result.isEmpty() ? null : result;
    }

    /** For GC: what is still there. */
    Set<Attachment.Key> validAttachments() {
        JsonElement list = config.get("cni.dev/valid-attachments");
        if (list == null || !list.isJsonArray()) {
            throw new CniException(
                    Code.INVALID_CONFIG,
                    "cni.dev/valid-attachments is missing, and all containers would go without it");
        }
        String network = network();
        Set<Attachment.Key> valid = new LinkedHashSet<>();
        for (JsonElement element : list.getAsJsonArray()) {
            JsonObject attachment = element.isJsonObject() ? element.getAsJsonObject() : new JsonObject();
            String id = text(attachment, "containerID");
            String ifname = text(attachment, "ifname");
            if (id == null || ifname == null) {
                throw new CniException(
                        Code.INVALID_CONFIG,
                        "cni.dev/valid-attachments: " + element + " does not have containerID and ifname");
            }
            valid.add(new Attachment.Key(network, id, ifname));
        }
        return valid;
    }

    /** The object in a field; an empty one where there is none. */
    static JsonObject object(JsonObject parent, String field) {
        JsonElement value = parent.get(field);
        return value != null && value.isJsonObject() ? value.getAsJsonObject() : new JsonObject();
    }

    /** The objects in the list in a field. */
    static List<JsonObject> objects(JsonObject parent, String field) {
        JsonElement value = parent.get(field);
        JsonArray list = value != null && value.isJsonArray() ? value.getAsJsonArray() : new JsonArray();
        return list.asList().stream()
                .filter(JsonElement::isJsonObject)
                .map(JsonElement::getAsJsonObject)
                .toList();
    }

    /** The string in a field; null where there is none. */
    static String text(JsonObject parent, String field) {
        JsonElement value = parent.get(field);
        return value != null && value.isJsonPrimitive() ? value.getAsString() : null;
    }
}
