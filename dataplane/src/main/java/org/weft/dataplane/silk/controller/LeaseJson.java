package org.weft.dataplane.silk.controller;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.weft.dataplane.silk.lease.LeaseRecord;

/**
 * Leases as silk-controller writes and reads them (silk: controller/client.go). What is no such answer throws
 * IllegalArgumentException; what is only a bad lease among others becomes a record like them, for whoever checks it.
 */
final class LeaseJson {
    private static final String UNDERLAY = "underlay_ip";
    private static final String SUBNET = "overlay_subnet";
    private static final String MAC = "overlay_hardware_addr";

    private LeaseJson() {}

    static String acquire(String underlay, boolean singleIp) {
        JsonObject request = new JsonObject();
        request.addProperty(UNDERLAY, underlay);
        request.addProperty("single_overlay_ip", singleIp);
        return request.toString();
    }

    static String renew(LeaseRecord lease) {
        JsonObject request = new JsonObject();
        request.addProperty(UNDERLAY, lease.underlayIp());
        request.addProperty(SUBNET, lease.overlaySubnet());
        request.addProperty(MAC, lease.overlayHardwareAddr());
        return request.toString();
    }

    static String release(String underlay) {
        JsonObject request = new JsonObject();
        request.addProperty(UNDERLAY, underlay);
        return request.toString();
    }

    static LeaseRecord lease(byte[] answer) {
        return record(object(answer), "the lease acquired");
    }

    static List<LeaseRecord> leases(byte[] answer) {
        JsonElement list = object(answer).get("leases");
        if (list == null) {
            throw new IllegalArgumentException("it has no \"leases\"");
        }
        // Go writes an empty list so.
        if (list.isJsonNull()) {
            return List.of();
        }
        if (!(list instanceof JsonArray array)) {
            throw new IllegalArgumentException("\"leases\" is not a list");
        }
        List<LeaseRecord> leases = new ArrayList<>(array.size());
        for (JsonElement element : array) {
            JsonObject lease = element.isJsonObject() ? element.getAsJsonObject() : new JsonObject();
            leases.add(record(lease, "leases[" + leases.size() + "]"));
        }
        return leases;
    }

    /** The reason that silk gives beside a status other than 200; null if there is none. */
    static String error(byte[] answer) {
        try {
            return text(object(answer), "error");
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static LeaseRecord record(JsonObject lease, String origin) {
        return new LeaseRecord(text(lease, UNDERLAY), text(lease, SUBNET), text(lease, MAC), origin);
    }

    private static String text(JsonObject object, String field) {
        JsonElement value = object.get(field);
        if (value == null || value.isJsonNull()) {
            return null;
        }
        return value.isJsonPrimitive() ? value.getAsString() : value.toString();
    }

    private static JsonObject object(byte[] answer) {
        try (JsonReader reader =
                new JsonReader(new InputStreamReader(new ByteArrayInputStream(answer), StandardCharsets.UTF_8))) {
            reader.setStrictness(Strictness.STRICT);
            JsonElement element = JsonParser.parseReader(reader);
            if (!element.isJsonObject() || reader.peek() != JsonToken.END_DOCUMENT) {
                throw new IllegalArgumentException("it is not a JSON object");
            }
            return element.getAsJsonObject();
        } catch (JsonParseException | IOException e) {
            throw new IllegalArgumentException("it is not JSON, or only the beginning of it", e);
        }
    }
}
