package org.weft.silk.controller;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.source.JsonAnswer;

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
        return record(JsonAnswer.object(answer), "the lease acquired");
    }

    static List<LeaseRecord> leases(byte[] answer) {
        JsonElement list = JsonAnswer.object(answer).get("leases");
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

    private static LeaseRecord record(JsonObject lease, String origin) {
        return new LeaseRecord(
                JsonAnswer.text(lease, UNDERLAY), JsonAnswer.text(lease, SUBNET), JsonAnswer.text(lease, MAC), origin);
    }
}
