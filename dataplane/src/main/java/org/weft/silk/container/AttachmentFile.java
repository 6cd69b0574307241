package org.weft.silk.container;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.weft.encap.IpAddress;
import org.weft.file.StateFile;

/** The file that attachments are kept in; on disk when {@link #write} returns. */
final class AttachmentFile {
    private static final int VERSION = 1;
    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    /**
     * What is in the file.
     *
     * @param last the address given last; null if none was given yet
     * @param byKey in the order they were attached
     */
    record Content(IpAddress last, Map<Attachment.Key, Attachment> byKey) {
        static final Content EMPTY = new Content(null, Map.of());
    }

    private final StateFile file;

    AttachmentFile(Path directory) {
        this.file = new StateFile(directory.resolve("containers.json"));
    }

    /**
     * What was written last.
     *
     * @return null if it is damaged; the file was put aside then, and that was said
     */
    Content read() {
        StateFile.Loaded<Content> loaded = file.load(
                reader -> parse(JsonParser.parseReader(reader)),
                "the s-* interfaces of this host tell which addresses are taken");
        if (loaded.damaged()) {
            return null;
        }
        return loaded.value() == null ? Content.EMPTY : loaded.value();
    }

    /** @throws org.weft.operator.OperatorException naming the file; it then is as it was */
    void write(Content content) {
        file.write(GSON.toJson(json(content)) + "\n");
    }

    private static JsonObject json(Content content) {
        JsonObject json = new JsonObject();
        json.addProperty("version", VERSION);
        json.addProperty("last", content.last == null ? null : content.last.toString());
        JsonArray containers = new JsonArray();
        content.byKey.values().forEach(attachment -> containers.add(json(attachment)));
        json.add("containers", containers);
        return json;
    }

    private static JsonObject json(Attachment attachment) {
        JsonObject json = new JsonObject();
        json.addProperty("address", attachment.address().toString());
        json.addProperty("network", attachment.key().network());
        json.addProperty("id", attachment.key().id());
        json.addProperty("ifname", attachment.key().ifname());
        json.addProperty("netns", attachment.netns().toString());
        json.addProperty("mtu", attachment.mtu());
        json.addProperty("laid", attachment.laid());
        if (attachment.found()) {
            json.addProperty("found", true);
        }
        return json;
    }

    private static Content parse(JsonElement element) {
        JsonObject json = element.getAsJsonObject();
        int version = require(json, "version").getAsInt();
        if (version != VERSION) {
            throw new IllegalArgumentException("version " + version + ", and this program knows " + VERSION);
        }
        JsonElement last = json.get("last");
        Map<Attachment.Key, Attachment> byKey = new LinkedHashMap<>();
        Set<IpAddress> addresses = new HashSet<>();
        for (JsonElement container : require(json, "containers").getAsJsonArray()) {
            Attachment attachment = attachment(container.getAsJsonObject());
            if (!addresses.add(attachment.address()) || byKey.put(attachment.key(), attachment) != null) {
                throw new IllegalArgumentException(attachment.address() + ", " + attachment.key() + ", is there twice");
            }
        }
        return new Content(
                last == null || last.isJsonNull() ? null : IpAddress.parse(last.getAsString()),
                Collections.unmodifiableMap(byKey));
    }

    private static Attachment attachment(JsonObject json) {
        IpAddress address = IpAddress.parse(text(json, "address"));
        if (!address.isIpv4()) {
            throw new IllegalArgumentException(address + " is not an IPv4 address");
        }
        Attachment.Key key = new Attachment.Key(text(json, "network"), text(json, "id"), text(json, "ifname"));
        AttachRequest.requireIfname(key.ifname());
        Path netns = Path.of(text(json, "netns"));
        boolean found = json.has("found") && json.get("found").getAsBoolean();
        if (!found || !netns.equals(Attachment.UNKNOWN)) {
            AttachRequest.requirePath(netns.toString());
        }
        int mtu = require(json, "mtu").getAsInt();
        return new Attachment(key, address, netns, mtu, require(json, "laid").getAsBoolean(), found);
    }

    private static String text(JsonObject json, String field) {
        return require(json, field).getAsString();
    }

    private static JsonElement require(JsonObject json, String field) {
        JsonElement value = json.get(field);
        if (value == null) {
            throw new IllegalArgumentException(field + " is missing");
        }
        return value;
    }
}
