package org.weft.it;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** A Weft daemon that begins with nothing and is given its devices over its control socket. */
final class WeftEndpoint implements Endpoint {
    private static final Set<String> SWITCHES =
            Set.of("learning", "proxy", "gbp", "udpcsum", "udp6zerocsumtx", "udp6zerocsumrx");

    private final Netns host;
    private final WeftDaemon daemon;

    private WeftEndpoint(Netns host, WeftDaemon daemon) {
        this.host = host;
        this.daemon = daemon;
    }

    static WeftEndpoint start(Netns host) {
        WeftDaemon daemon = new WeftDaemon(host, null);
        try {
            return new WeftEndpoint(host, daemon.start());
        } catch (Throwable e) {
            daemon.close();
            throw e;
        }
    }

    WeftDaemon daemon() {
        return daemon;
    }

    @Override
    public void add(Device device) {
        JsonObject attributes = attributes(device.attributes());
        attributes.addProperty("mac", device.mac());
        attributes.addProperty("mtu", device.mtu());
        JsonObject change = change("link", "add", device.name());
        change.add("attributes", attributes);
        daemon.control().post(change.toString());
        host.ip("link set " + device.name() + " up");
    }

    /** {@code id 1 nolearning srcport 1000 2000} as JSON attributes. */
    private static JsonObject attributes(String line) {
        JsonObject attributes = new JsonObject();
        Iterator<String> words = List.of(line.trim().split("\\s+")).iterator();
        while (words.hasNext()) {
            String word = words.next();
            if (SWITCHES.contains(word)) {
                attributes.addProperty(word, true);
            } else if (word.startsWith("no") && SWITCHES.contains(word.substring(2))) {
                attributes.addProperty(word.substring(2), false);
            } else if (word.equals("srcport")) {
                attributes.addProperty(word, words.next() + " " + words.next());
            } else {
                addValue(attributes, word, words.next());
            }
        }
        return attributes;
    }

    private static void addValue(JsonObject object, String name, String value) {
        if (value.matches("0x[0-9a-f]+|\\d+")) {
            object.addProperty(name, Integer.decode(value));
        } else {
            object.addProperty(name, value);
        }
    }

    private static JsonObject change(String object, String action, String device) {
        JsonObject change = new JsonObject();
        change.addProperty("object", object);
        change.addProperty("action", action);
        change.addProperty("dev", device);
        return change;
    }

    @Override
    public void remove(String device) {
        daemon.control().post(change("link", "del", device).toString());
    }

    @Override
    public void fdb(String action, String mac, String device, String arguments) {
        JsonObject change = change("fdb", action, device);
        change.addProperty("mac", mac);
        Iterator<String> words = List.of(arguments.trim().split("\\s+")).iterator();
        while (words.hasNext()) {
            String word = words.next();
            switch (word) {
                case "self" -> {}
                case "permanent" -> change.addProperty("state", word);
                default -> addValue(change, word, words.next());
            }
        }
        daemon.control().post(change.toString());
    }

    @Override
    public void neighbour(String ip, String mac, String device) {
        JsonObject change = change("neigh", "replace", device);
        change.addProperty("dst", ip);
        change.addProperty("lladdr", mac);
        daemon.control().post(change.toString());
    }

    @Override
    public void tag(String sourceIp, int tag, String device) {
        JsonObject change = change("tag", "replace", device);
        change.addProperty("source", sourceIp);
        change.addProperty("tag", tag);
        daemon.control().post(change.toString());
    }

    @Override
    public List<String> remotes(String mac, String device) {
        List<String> remotes = new ArrayList<>();
        for (JsonElement entry : daemon.control().get("/v1/fdb?dev=" + device).getAsJsonArray()) {
            JsonObject fields = entry.getAsJsonObject();
            if (fields.get("mac").getAsString().equals(mac)) {
                remotes.add(fields.get("dst").getAsString());
            }
        }
        return remotes;
    }

    @Override
    public Map<String, Long> drops(String direction) {
        return drops(daemon, "/v1/drops", direction);
    }

    static Map<String, Long> drops(WeftDaemon daemon, String path, String direction) {
        Map<String, Long> drops = new TreeMap<>();
        for (JsonElement entry : daemon.control().get(path).getAsJsonArray()) {
            JsonObject fields = entry.getAsJsonObject();
            if (fields.get("direction").getAsString().equals(direction)) {
                drops.merge(
                        fields.get("reason").getAsString(), fields.get("count").getAsLong(), Long::sum);
            }
        }
        return drops;
    }

    @Override
    public void close() {
        daemon.close();
    }
}
