package org.weft.silk.etcd;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

/** Puts and deletions that etcd makes all at once if all conditions hold, or not at all (etcd: rpc.proto, TxnRequest). */
final class Transaction {
    private final JsonArray conditions = new JsonArray();
    private final JsonArray operations = new JsonArray();

    /** The key is as it was at this revision; 0: it is not there. */
    Transaction ifUnchanged(String key, long modRevision) {
        return condition(KeyRange.of(key), "MOD", "EQUAL", "mod_revision", Long.toString(modRevision));
    }

    /** No key of the range was created after this revision. */
    Transaction ifNoneNewer(KeyRange range, long revision) {
        return condition(range, "CREATE", "LESS", "create_revision", Long.toString(revision + 1));
    }

    Transaction ifValue(String key, String value) {
        return condition(KeyRange.of(key), "VALUE", "EQUAL", "value", KeyValue.encode(value));
    }

    private Transaction condition(KeyRange range, String target, String result, String operand, String value) {
        JsonObject condition = range.json();
        condition.addProperty("target", target);
        condition.addProperty("result", result);
        condition.addProperty(operand, value);
        conditions.add(condition);
        return this;
    }

    Transaction put(String key, String value, long lease) {
        JsonObject put = KeyRange.of(key).json();
        put.addProperty("value", KeyValue.encode(value));
        put.addProperty("lease", Long.toString(lease));
        return operation("request_put", put);
    }

    Transaction delete(String key) {
        return operation("request_delete_range", KeyRange.of(key).json());
    }

    private Transaction operation(String name, JsonObject request) {
        JsonObject operation = new JsonObject();
        operation.add(name, request);
        operations.add(operation);
        return this;
    }

    JsonObject json() {
        JsonObject json = new JsonObject();
        json.add("compare", conditions);
        json.add("success", operations);
        return json;
    }
}
