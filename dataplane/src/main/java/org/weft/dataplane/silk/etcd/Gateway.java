package org.weft.dataplane.silk.etcd;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The gRPC gateway of one member: protobuf's JSON over HTTP/1.1 (etcd: dev-guide/api_grpc_gateway, rpc.proto). Calls
 * wait for the answer, no longer than the timeout.
 */
final class Gateway {
    /** Keys that one answer to a list may have; it stays well below the 4 MiB of a gRPC message. */
    private static final int PAGE = 4096;

    /** What a list found: all keys as they were at the header's revision. */
    record Listing(Header header, List<KeyValue> keys) {}

    private final URI endpoint;
    private final HttpClient http;
    private final Credentials credentials;
    private final Duration timeout;
    private String token;

    /** @param credentials null without authentication */
    Gateway(URI endpoint, HttpClient http, Credentials credentials, Duration timeout) {
        this.endpoint = endpoint;
        this.http = http;
        this.credentials = credentials;
        this.timeout = timeout;
    }

    URI endpoint() {
        return endpoint;
    }

    /** One key, or null. */
    KeyValue get(String key) throws EtcdException {
        List<KeyValue> found = keyValues(call("kv/range", KeyRange.of(key).json()));
        return found.isEmpty() ? null : found.get(0);
    }

    /** All keys of a range at one revision. */
    Listing list(KeyRange range) throws EtcdException {
        JsonObject request = range.json();
        request.addProperty("limit", PAGE);
        JsonObject answer = call("kv/range", request);
        Header header = Header.of(answer);
        if (header.revision() == 0) {
            throw foreign(endpoint, 200, "");
        }
        List<KeyValue> keys = new ArrayList<>(keyValues(answer));
        while (answer.has("more")) {
            request.addProperty("key", keyAfterLast(answer));
            request.addProperty("revision", Long.toString(header.revision()));
            answer = call("kv/range", request);
            keys.addAll(keyValues(answer));
        }
        return new Listing(header, keys);
    }

    private static List<KeyValue> keyValues(JsonObject answer) {
        JsonArray kvs = answer.getAsJsonArray("kvs");
        List<KeyValue> all = new ArrayList<>();
        if (kvs != null) {
            kvs.forEach(kv -> all.add(KeyValue.of(kv.getAsJsonObject())));
        }
        return all;
    }

    private static String keyAfterLast(JsonObject answer) {
        JsonArray kvs = answer.getAsJsonArray("kvs");
        byte[] last = Base64.getDecoder()
                .decode(kvs.get(kvs.size() - 1).getAsJsonObject().get("key").getAsString());
        return Base64.getEncoder().encodeToString(Arrays.copyOf(last, last.length + 1));
    }

    /** The revision it was committed at; 0 if its conditions do not hold. */
    long commit(Transaction transaction) throws EtcdException {
        JsonObject answer = call("kv/txn", transaction.json());
        return answer.has("succeeded") ? Header.of(answer).revision() : 0;
    }

    /** A new lease of etcd's; it may last longer than asked for. */
    long grant(Duration ttl) throws EtcdException {
        JsonObject request = new JsonObject();
        request.addProperty("TTL", Long.toString(seconds(ttl)));
        return KeyValue.number(call("lease/grant", request), "ID");
    }

    /** Seconds that it lasts from now; 0 if it is gone. */
    long keepAlive(long lease) throws EtcdException {
        JsonObject answer = call("lease/keepalive", leaseId(lease));
        if (!answer.has("result")) {
            throw foreign(endpoint, 200, "");
        }
        return KeyValue.number(answer.getAsJsonObject("result"), "TTL");
    }

    private static JsonObject leaseId(long lease) {
        JsonObject request = new JsonObject();
        request.addProperty("ID", Long.toString(lease));
        return request;
    }

    /** etcd counts leases in whole seconds. */
    static long seconds(Duration ttl) {
        return Math.max(1, ttl.plusMillis(999).toSeconds());
    }

    /**
     * Opens a stream of changes and waits until etcd says that it is there.
     *
     * @param from the first revision
     * @param arrived run, by a thread of the client's, when {@link WatchStream#poll} has something new
     */
    WatchStream watch(KeyRange range, long from, Runnable arrived) throws EtcdException {
        JsonObject create = range.json();
        create.addProperty("start_revision", Long.toString(from));
        JsonObject request = new JsonObject();
        request.add("create_request", create);
        WatchStream stream = new WatchStream(endpoint, arrived);
        http.sendAsync(request("watch", request, token()), HttpResponse.BodyHandlers.fromLineSubscriber(stream))
                .whenComplete((answer, failure) -> stream.ended(failure));
        stream.awaitCreated(timeout);
        return stream;
    }

    private JsonObject call(String method, JsonObject request) throws EtcdException {
        try {
            return post(method, request, token());
        } catch (EtcdException e) {
            if (!e.isTokenRefused() || token == null) {
                throw e;
            }
            token = null;
            return post(method, request, token());
        }
    }

    private String token() throws EtcdException {
        if (token == null && credentials != null) {
            token = KeyValue.text(post("auth/authenticate", credentials.request(endpoint), null), "token");
        }
        return token;
    }

    private HttpRequest request(String method, JsonObject body, String authorization) {
        HttpRequest.Builder request = HttpRequest.newBuilder(endpoint.resolve("/v3/" + method))
                .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
                .header("Content-Type", "application/json");
        if (authorization != null) {
            request.header("Authorization", authorization);
        }
        return request.build();
    }

    private JsonObject post(String method, JsonObject body, String authorization) throws EtcdException {
        CompletableFuture<HttpResponse<String>> answer = http.sendAsync(
                request(method, body, authorization), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
        try {
            HttpResponse<String> response = answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
            return answer(endpoint, response.statusCode(), response.body());
        } catch (TimeoutException e) {
            throw silent(endpoint, timeout);
        } catch (ExecutionException e) {
            throw new EtcdException(endpoint + ": " + Reasons.of(e.getCause()), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EtcdException(endpoint + ": interrupted", e);
        } finally {
            answer.cancel(true);
        }
    }

    static EtcdException silent(URI endpoint, Duration timeout) {
        return new EtcdException(endpoint + ": no answer within " + timeout.toMillis() + " ms", (IOException) null);
    }

    /** Reads an answer. An error is {@code {"error": "...", "code": n}}, in a stream {@code {"error": {"message": ...}}}. */
    static JsonObject answer(URI endpoint, int status, String body) throws EtcdException {
        JsonElement json;
        try {
            json = JsonParser.parseString(body);
        } catch (JsonParseException e) {
            json = null;
        }
        if (json == null || !json.isJsonObject()) {
            throw foreign(endpoint, status, body);
        }
        JsonElement error = json.getAsJsonObject().get("error");
        if (error == null) {
            return json.getAsJsonObject();
        }
        JsonObject detail = error.isJsonObject() ? error.getAsJsonObject() : json.getAsJsonObject();
        long code = Math.max(KeyValue.number(detail, "code"), KeyValue.number(detail, "grpc_code"));
        throw new EtcdException(endpoint + ": " + KeyValue.text(detail, "message"), (int) code);
    }

    /** Why an answer is not the gateway's. Of certificates see etcd: embed/serve.go, and CVE-2018-16886. */
    private static EtcdException foreign(URI endpoint, int status, String body) {
        String reason = body.startsWith("CommonName of client")
                ? "with users and passwords etcd's gateway takes no client certificate that has a common name (CN);"
                        + " use one without"
                : "the answer (HTTP " + status
                        + ") is not that of etcd's gateway; is this etcd 3.4 or newer, with enable-grpc-gateway?";
        return new EtcdException(endpoint + ": " + reason, (IOException) null);
    }
}
