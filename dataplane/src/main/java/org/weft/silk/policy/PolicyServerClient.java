package org.weft.silk.policy;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import org.weft.silk.config.PolicyConfig.PolicyServer;
import org.weft.silk.http.HttpCalls;
import org.weft.silk.source.JsonAnswer;

/**
 * The internal API of Cloud Foundry's policy server (silk: policy_client/internal_policy_client.go). Of several places that one
 * is asked that answered last; if it does not, the next. One thread asks at a time; any may {@link #close}.
 */
final class PolicyServerClient {
    private static final String API = "/networking/v1/internal/";
    private static final int OK = 200;
    private static final int NOT_FOUND = 404;

    /** What {@link #lastUpdated} returns of a server that does not tell. */
    static final String UNTOLD = "";

    private final List<URI> urls;
    private final HttpCalls calls;
    private int current;

    PolicyServerClient(PolicyServer config, Supplier<SSLContext> tls) {
        this.urls = config.urls();
        this.calls = new HttpCalls(config.tls(), tls, config.timeout());
    }

    /** Something that is other after each change of policies; older servers do not have it. */
    String lastUpdated() throws IOException {
        return ask("policies_last_updated", null, answer -> {
            if (answer.statusCode() == NOT_FOUND) {
                return UNTOLD;
            }
            JsonElement element = JsonAnswer.element(ok(answer));
            if (!element.isJsonPrimitive() || !element.getAsJsonPrimitive().isNumber()) {
                throw new IllegalArgumentException("it is no number");
            }
            return element.getAsString();
        });
    }

    /** All policies from or to these apps. */
    List<AppPolicy> policies(Collection<String> apps) throws IOException {
        String ids = apps.stream()
                .map(app -> URLEncoder.encode(app, StandardCharsets.UTF_8))
                .collect(Collectors.joining(","));
        return ask("policies?id=" + ids, null, answer -> policies(ok(answer)));
    }

    /** The tag of what is no app; it is given one if it has none. */
    String tag(String id, String type) throws IOException {
        JsonObject request = new JsonObject();
        request.addProperty("id", id);
        request.addProperty("type", type);
        return ask("tags", request.toString(), answer -> {
            String tag = JsonAnswer.text(JsonAnswer.object(ok(answer)), "tag");
            if (tag == null) {
                throw new IllegalArgumentException("it has no \"tag\"");
            }
            return tag;
        });
    }

    /** Ends the request that is under way, if any, and all that come: they fail. */
    void close() {
        calls.close();
    }

    /** A status other than 200. */
    private static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Refused(String sentence) {
            super(sentence);
        }
    }

    private static byte[] ok(HttpResponse<byte[]> answer) {
        if (answer.statusCode() != OK) {
            throw new Refused(answer.statusCode() + HttpCalls.reason(JsonAnswer.error(answer.body())));
        }
        return answer.body();
    }

    private <T> T ask(String what, String body, Function<HttpResponse<byte[]>, T> read) throws IOException {
        IOException first = null;
        for (int i = 0; i < urls.size(); i++) {
            try {
                return askOne(urls.get(current), what, body, read);
            } catch (IOException e) {
                first = first == null ? e : first;
                current = (current + 1) % urls.size();
            }
        }
        throw first;
    }

    private <T> T askOne(URI url, String what, String body, Function<HttpResponse<byte[]>, T> read) throws IOException {
        URI uri = URI.create(url.toString().replaceFirst("/+$", "") + API + what);
        HttpRequest.Builder request = HttpRequest.newBuilder(uri);
        HttpResponse<byte[]> answer = calls.send(
                body == null
                        ? request.build()
                        : request.header("Content-Type", "application/json")
                                .PUT(BodyPublishers.ofString(body))
                                .build());
        String where = uri.toString().replaceFirst("\\?.*", "");
        try {
            return read.apply(answer);
        } catch (Refused e) {
            throw new IOException(where + " answers " + e.getMessage(), e);
        } catch (IllegalArgumentException e) {
            throw new IOException(where + " gives no answer that can be used: " + e.getMessage(), e);
        }
    }

    private static List<AppPolicy> policies(byte[] answer) {
        JsonElement list = JsonAnswer.object(answer).get("policies");
        if (list == null) {
            throw new IllegalArgumentException("it has no \"policies\"");
        }
        // Go writes an empty list so.
        if (list.isJsonNull()) {
            return List.of();
        }
        if (!(list instanceof JsonArray array)) {
            throw new IllegalArgumentException("\"policies\" is not a list");
        }
        List<AppPolicy> policies = new ArrayList<>(array.size());
        for (JsonElement element : array) {
            policies.add(policy(element));
        }
        return policies;
    }

    /** What is missing is left to who uses it. */
    private static AppPolicy policy(JsonElement element) {
        JsonObject source = child(element, "source");
        JsonObject destination = child(element, "destination");
        JsonObject ports = child(destination, "ports");
        return new AppPolicy(
                String.valueOf(JsonAnswer.text(source, "id")),
                JsonAnswer.text(source, "tag"),
                String.valueOf(JsonAnswer.text(destination, "id")),
                JsonAnswer.text(destination, "tag"),
                JsonAnswer.text(destination, "protocol"),
                number(ports, "start"),
                number(ports, "end"));
    }

    private static JsonObject child(JsonElement parent, String field) {
        return parent instanceof JsonObject object && object.get(field) instanceof JsonObject child
                ? child
                : new JsonObject();
    }

    /** What is no number is no port either. */
    private static int number(JsonObject object, String field) {
        String text = JsonAnswer.text(object, field);
        return text != null && text.matches("\\d{1,9}") ? Integer.parseInt(text) : -1;
    }
}
