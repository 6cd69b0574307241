package org.weft.dataplane.silk.container;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.weft.dataplane.vtep.OperatorException;
import org.weft.dataplane.vtep.OperatorException.Kind;
import org.weft.encap.IpAddress;

/**
 * The file that attachments are kept in. It is replaced whole, and is on disk when {@link #write} returns: a reader finds
 * what was before or what is now, also after a crash.
 */
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

    private final Path file;

    AttachmentFile(Path directory) {
        this.file = directory.resolve("containers.json");
    }

    /** @throws OperatorException naming the file, if it is there and is not one that {@link #write} wrote */
    Content read() {
        if (Files.notExists(file)) {
            return Content.EMPTY;
        }
        try {
            return parse(JsonParser.parseString(Files.readString(file)));
        } catch (JsonParseException e) {
            throw broken("it is not whole JSON", e);
        } catch (IOException | IllegalArgumentException | IllegalStateException | UnsupportedOperationException e) {
            throw broken(e.getMessage(), e);
        }
    }

    private OperatorException broken(String reason, Exception cause) {
        return new OperatorException(
                Kind.BAD_DATA,
                file + " does not hold the addresses of containers (" + reason
                        + "): restore it, or move it away if no container runs on this host",
                cause);
    }

    /** @throws OperatorException naming the file; it then is as it was */
    void write(Content content) {
        Path next = file.resolveSibling(file.getFileName() + ".new");
        try {
            Files.createDirectories(file.getParent());
            try (FileChannel channel = FileChannel.open(
                    next, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
                ByteBuffer bytes = StandardCharsets.UTF_8.encode(GSON.toJson(json(content)) + "\n");
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
            try (FileChannel directory = FileChannel.open(file.getParent())) {
                directory.force(true);
            }
        } catch (IOException e) {
            throw new OperatorException(
                    Kind.CANNOT_CREATE, file + " cannot be written, and no address is given without: " + e, e);
        }
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
        return new Attachment(
                new Attachment.Key(text(json, "network"), text(json, "id"), text(json, "ifname")),
                address,
                Path.of(text(json, "netns")),
                require(json, "mtu").getAsInt(),
                require(json, "laid").getAsBoolean());
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
