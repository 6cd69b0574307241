package org.weft.silk.etcd;

import com.google.gson.JsonObject;

/**
 * What each of etcd's answers begins with.
 *
 * @param cluster id of the cluster; a cluster made anew has another
 * @param revision of the store, or of the member's copy of it
 */
record Header(String cluster, long revision) {
    static Header of(JsonObject answer) {
        JsonObject header = answer.getAsJsonObject("header");
        return header == null
                ? new Header("", 0)
                : new Header(KeyValue.text(header, "cluster_id"), KeyValue.number(header, "revision"));
    }
}
