package org.weft.silk.etcd;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/**
 * A key as etcd has it (etcd: mvccpb/kv.proto); one that was deleted has neither value nor lease.
 *
 * @param key its beginning, if it is longer than any of ours
 * @param value empty, if it is longer than any of ours
 * @param modRevision when it was put or deleted last
 * @param lease etcd's lease that it is attached to; 0 if to none
 * @param omitted how many bytes the value has that was left out; 0 if none was
 */
record KeyValue(String key, String value, long modRevision, long lease, int omitted) {
    /** Ours have less than 100 behind the prefix. In bytes, a multiple of 3, as base64 has it. */
    private static final int MAX_KEY = 1023;

    /** Ours have about 100. */
    static final int MAX_VALUE = 4095;

    KeyValue(String key, String value, long modRevision, long lease) {
        this(key, value, modRevision, lease, 0);
    }

    static KeyValue of(JsonObject kv) {
        String key = text(kv, "key");
        String value = text(kv, "value");
        boolean omitted = value.length() > base64(MAX_VALUE);
        return new KeyValue(
                decode(key.substring(0, Math.min(key.length(), base64(MAX_KEY)))),
                omitted ? "" : decode(value),
                number(kv, "mod_revision"),
                number(kv, "lease"),
                omitted ? bytes(value) : 0);
    }

    private static int bytes(String base64) {
        int padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
        return base64.length() / 4 * 3 - padding;
    }

    private static int base64(int bytes) {
        return bytes / 3 * 4;
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
