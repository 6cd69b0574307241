package org.weft.dataplane.silk.etcd;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/**
 * A key as etcd has it (etcd: mvccpb/kv.proto); one that was deleted has neither value nor lease.
 *
 * @param modRevision when it was put or deleted last
 * @param lease etcd's lease that it is attached to; 0 if to none
 */
record KeyValue(String key, String value, long modRevision, long lease) {
    static KeyValue of(JsonObject kv) {
        return new KeyValue(
                decode(text(kv, "key")), decode(text(kv, "value")), number(kv, "mod_revision"), number(kv, "lease"));
    }

    static String encode(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String decode(String base64) {
        return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
    }

    /** A field that the gateway leaves out if it is empty. */
    static String text(JsonObject object, String field) {
        JsonElement value = object.get(field);
        return value == null ? "" : value.getAsString();
    }

    /** A field that the gateway leaves out if it is 0, and writes as a string if it has 64 bits. */
    static long number(JsonObject object, String field) {
        JsonElement value = object.get(field);
        return value == null ? 0 : value.getAsLong();
    }
}
