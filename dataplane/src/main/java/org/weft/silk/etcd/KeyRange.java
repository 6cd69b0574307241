package org.weft.silk.etcd;

import com.google.gson.JsonObject;

/**
 * Keys in etcd's order of bytes.
 *
 * @param first the first one
 * @param end the first that is not in the range; null if it is the one key only
 */
record KeyRange(String first, String end) {
    static KeyRange of(String key) {
        return new KeyRange(key, null);
    }

    /** All keys that begin so; the last character is an ASCII one. */
    static KeyRange startingWith(String prefix) {
        return new KeyRange(prefix, after(prefix));
    }

    /** The first key behind all that begin so. */
    static String after(String prefix) {
        int last = prefix.length() - 1;
        return prefix.substring(0, last) + (char) (prefix.charAt(last) + 1);
    }

    /** With the fields of RangeRequest, DeleteRangeRequest, Compare and WatchCreateRequest. */
    JsonObject json() {
        JsonObject json = new JsonObject();
        json.addProperty("key", KeyValue.encode(first));
        if (end != null) {
            json.addProperty("range_end", KeyValue.encode(end));
        }
        return json;
    }
}
