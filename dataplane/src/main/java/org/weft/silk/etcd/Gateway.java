package org.weft.silk.etcd;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
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
import java.util.function.Predicate;
import org.weft.silk.config.CellConfig.TlsFiles;
import org.weft.silk.http.HttpCalls;
import org.weft.silk.http.LimitedBody;
import org.weft.silk.http.LimitedLines;
import org.weft.silk.source.JsonAnswer;

/**
 * The gRPC gateway of one member: protobuf's JSON over HTTP/1.1 (etcd: dev-guide/api_grpc_gateway, rpc.proto). Calls
 * wait for the answer, no longer than the timeout.
 */
final class Gateway {
    /** Keys that one answer to a list may have; it stays well below the 4 MiB of a gRPC message. */
    private static final int PAGE = 4096;

    /** Keys of a list that was too much in one answer; doubled as long as answers are not. */
    private static final int SMALL_PAGE = 16;

    /** A page of ours has about 1.5 MB. */
    private static final int MAX_ANSWER = 4 << 20;

    /** etcd sends the changes of many revisions in pieces of the size of one request to it, 1.5 MB unless it is set. */
    private static final int MAX_LINE = 8 << 20;

    /** Twice as many as hosts: they take about 90 MB of a heap of 256. */
    static final int MAX_KEYS = 131_072;

    /** What a list found: all keys as they were at the header's revision. */
    record Listing(Header header, List<KeyValue> keys) {}

    private final URI endpoint;
    private final HttpClient http;
    private final Credentials credentials;
    private final TlsFiles files;
    private final Duration timeout;
    private String token;

    /**
     * A member that was not asked yet.
     *
     * @param credentials null without authentication
     * @param files that sentences name; null without TLS
     */
    Gateway(URI endpoint, HttpClient http, Credentials credentials, TlsFiles files, Duration timeout) {
        this.endpoint = endpoint;
        this.http = http;
        this.credentials = credentials;
        this.files = files;
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

    /**
     * All keys of a range at one revision. Where others have put large values, it is asked for fewer at a time.
     *
     * @param wanted keys that are not are left out
     */
    Listing list(KeyRange range, Predicate<KeyValue> wanted) throws EtcdException {
        JsonObject request = range.json();
        List<KeyValue> keys = new ArrayList<>();
        Header header = null;
        JsonObject answer;
        int limit = PAGE;
        do {
            request.addProperty("limit", limit);
            try {
                answer = call("kv/range", request);
            } catch (EtcdException e) {
                if (!e.isTooMuch() || limit == 1 || e.isSilence() && limit <= SMALL_PAGE) {
                    throw e;
                }
                limit = Math.max(1, Math.min(SMALL_PAGE, limit / 8));
                answer = null;
                continue;
            }
            if (header == null) {
                header = Header.of(answer);
                if (header.revision() == 0) {
                    throw foreign(endpoint, 200, "");
                }
                request.addProperty("revision", Long.toString(header.revision()));
            }
            keyValues(answer).stream().filter(wanted).forEach(keys::add);
            checkNumber(keys.size());
            if (answer.has("more")) {
                request.addProperty("key", keyAfterLast(answer));
            }
            limit = Math.min(PAGE, 2 * limit);
        } while (answer == null || answer.has("more"));
        return new Listing(header, keys);
    }

    /** @throws EtcdException if there are more keys than the heap bears */
    void checkNumber(int keys) throws EtcdException {
        if (keys > MAX_KEYS) {
            throw new EtcdException(
                    endpoint + ": there are more than " + MAX_KEYS
                            + " keys of subnets, the most that Weft takes: delete those that are no host's",
                    (IOException) null);
        }
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
        create.addProperty("fragment", true);
        JsonObject request = new JsonObject();
        request.add("create_request", create);
        WatchStream stream = new WatchStream(endpoint, files, timeout, arrived);
        http.sendAsync(request("watch", request, token()), head -> new LimitedLines(MAX_LINE, stream))
                .whenComplete((answer, failure) -> stream.ended(failure));
        stream.awaitCreated();
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
        CompletableFuture<HttpResponse<byte[]>> answer =
                http.sendAsync(request(method, body, authorization), head -> new LimitedBody(MAX_ANSWER));
        try {
            HttpResponse<byte[]> response = HttpCalls.await(answer, endpoint, files, timeout);
            return answer(endpoint, response.statusCode(), new String(response.body(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new EtcdException(e.getMessage(), e.getCause());
        }
    }

    /** Reads an answer. An error is {@code {"error": "...", "code": n}}, in a stream {@code {"error": {"message": ...}}}. */
    static JsonObject answer(URI endpoint, int status, String body) throws EtcdException {
        JsonElement json;
        try {
            json = JsonAnswer.element(body.getBytes(StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
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
