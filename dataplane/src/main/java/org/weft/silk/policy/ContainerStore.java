package org.weft.silk.policy;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.weft.config.Values;
import org.weft.encap.IpAddress;
import org.weft.file.FollowedFile;
import org.weft.operator.OperatorException;
import org.weft.silk.source.JsonAnswer;

/**
 * This host's containers, as silk's CNI plugin stores their metadata (silk: lib/datastore): a JSON file keyed by handle. It is
 * followed; a file that is half-written, or gone, changes nothing. Any thread may ask.
 */
final class ContainerStore implements AutoCloseable {
    /**
     * A container.
     *
     * @param group its app, as policies know it; null if it has none
     * @param ports that the ingress router may open, as written; null without
     */
    record Container(String handle, IpAddress address, String group, Workload workload, String ports) {}

    /**
     * The containers of a moment, by handle.
     *
     * @param skipped what of the file cannot be used, in sentences
     */
    record Contents(List<Container> containers, List<String> skipped) {}

    private final Path path;
    private final FollowedFile file;
    private final Runnable changed;
    private volatile Contents contents;
    private volatile String trouble;

    /** @param changed called when {@link #contents} or {@link #trouble} are others */
    ContainerStore(Path path, Runnable changed) {
        this.path = path;
        this.changed = changed;
        this.file = new FollowedFile(path, "weft-metadata", this::look, () -> {});
    }

    void start() {
        file.start();
    }

    /** What the file said when it could be used last; null if it never could. */
    Contents contents() {
        return contents;
    }

    /** Why the file cannot be used now, in a sentence; null if it can. */
    String trouble() {
        return trouble;
    }

    void refresh() {
        file.refresh();
    }

    @Override
    public void close() {
        file.close();
    }

    private void look() {
        String wrong = null;
        try {
            contents = parse(path.toString(), file.contents());
        } catch (OperatorException e) {
            wrong = e.getMessage();
        } catch (IllegalArgumentException e) {
            wrong = path + " is no store of containers: " + e.getMessage();
        }
        trouble = wrong;
        changed.run();
    }

    /** @throws IllegalArgumentException in half a sentence, if it cannot be used */
    static Contents parse(String file, String text) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("it is empty, probably half-written; without containers it is {}");
        }
        List<String> skipped = new ArrayList<>();
        Map<String, Container> containers = new TreeMap<>();
        for (Map.Entry<String, JsonElement> entry :
                JsonAnswer.object(text.getBytes(StandardCharsets.UTF_8)).entrySet()) {
            try {
                containers.put(entry.getKey(), container(entry.getKey(), entry.getValue()));
            } catch (IllegalArgumentException e) {
                skipped.add(file + ": container " + entry.getKey() + ": " + e.getMessage());
            }
        }
        return new Contents(ofOneAddressEach(file, containers.values(), skipped), List.copyOf(skipped));
    }

    private static Container container(String handle, JsonElement value) {
        if (!value.isJsonObject()) {
            throw new IllegalArgumentException("is not a JSON object");
        }
        JsonObject object = value.getAsJsonObject();
        String ip = JsonAnswer.text(object, "ip");
        if (ip == null) {
            throw new IllegalArgumentException("has no ip");
        }
        JsonObject metadata = object.get("metadata") instanceof JsonObject given ? given : new JsonObject();
        String id = JsonAnswer.text(metadata, "policy_group_id");
        String group = id == null || id.isBlank() ? null : id;
        String app = JsonAnswer.text(metadata, "app_id");
        Workload workload = new Workload(
                handle,
                app == null ? group : app,
                JsonAnswer.text(metadata, "space_id"),
                JsonAnswer.text(metadata, "org_id"));
        return new Container(handle, Values.hostAddress(ip), group, workload, JsonAnswer.text(metadata, "ports"));
    }

    /** Nobody can tell the packets of two containers with one address apart. */
    private static List<Container> ofOneAddressEach(String file, Iterable<Container> containers, List<String> skipped) {
        Map<IpAddress, Container> byAddress = new HashMap<>();
        List<Container> kept = new ArrayList<>();
        for (Container container : containers) {
            Container other = byAddress.putIfAbsent(container.address(), container);
            if (other == null) {
                kept.add(container);
            } else {
                skipped.add(file + ": container " + container.handle() + ": " + container.address() + " is that of "
                        + other.handle() + " already, which keeps it");
            }
        }
        return List.copyOf(kept);
    }
}
