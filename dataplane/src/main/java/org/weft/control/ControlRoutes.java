package org.weft.control;

import com.google.gson.stream.JsonWriter;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.io.IOException;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import org.weft.config.Values;
import org.weft.control.cell.CellRoutes;
import org.weft.control.http.Answer.JsonBody;
import org.weft.control.http.HttpExchanges;
import org.weft.control.http.Query;
import org.weft.control.http.Routes;
import org.weft.control.http.TableStream;
import org.weft.control.http.Upload;
import org.weft.control.policy.PolicyRoutes;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.capture.CaptureFilter;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.operator.Suggestion;

/** Everything the control socket answers. */
final class ControlRoutes implements Routes {
    private static final String CHANGES = "/v1";

    private final VtepRegistry registry;
    private final Operations operations;
    private final Views views;
    private final MetricsRoutes metrics;
    private final CellRoutes cell;
    private final PolicyRoutes policy;
    private final LongConsumer captureLosses;

    ControlRoutes(
            VtepRegistry registry,
            Operations operations,
            MetricsRoutes metrics,
            CellRoutes cell,
            PolicyRoutes policy,
            LongConsumer captureLosses) {
        this.registry = registry;
        this.operations = operations;
        this.views = new Views(registry);
        this.metrics = metrics;
        this.cell = cell;
        this.policy = policy;
        this.captureLosses = captureLosses;
    }

    @Override
    public Upload answer(HttpExchanges exchanges, ChannelHandlerContext context, HttpRequest request)
            throws IOException {
        Query query = new Query(request.uri());
        String path = query.path();
        if (path.equals(CHANGES)) {
            if (request.method().equals(HttpMethod.POST)) {
                return batch(exchanges, query);
            }
            exchanges.error(context, HttpResponseStatus.METHOD_NOT_ALLOWED, CHANGES + " takes POST only", 64);
        } else if (MetricsRoutes.knows(path)) {
            return metrics.answer(exchanges, context, request);
        } else if (CellRoutes.knows(path)) {
            return cell.answer(exchanges, context, request);
        } else if (PolicyRoutes.knows(path)) {
            return policy.answer(exchanges, context, request);
        } else if (!isKnown(path)) {
            exchanges.error(context, HttpResponseStatus.NOT_FOUND, "there is no " + path, 64);
        } else if (!Routes.isGet(request)
                || path.endsWith("/capture") && request.method().equals(HttpMethod.HEAD)) {
            exchanges.error(context, HttpResponseStatus.METHOD_NOT_ALLOWED, path + " takes GET only", 64);
        } else {
            show(exchanges, context, query);
        }
        return null;
    }

    private static boolean isKnown(String path) {
        return switch (path) {
            case "/v1/version", "/v1/link", "/v1/fdb", "/v1/neigh", "/v1/tag", "/v1/drops", "/v1/capture" -> true;
            default -> false;
        };
    }

    @Override
    public String allowed(HttpRequest request) {
        String path = new Query(request.uri()).path();
        return switch (path) {
            case CHANGES -> "POST";
            case "/v1/capture" -> "GET";
            default -> {
                String others = PolicyRoutes.knows(path) ? policy.allowed(request) : "GET, HEAD";
                yield CellRoutes.knows(path) ? cell.allowed(request) : others;
            }
        };
    }

    private ChangeUpload batch(HttpExchanges exchanges, Query query) {
        query.allow("force");
        String force = query.text("force");
        return new ChangeUpload(operations, force != null && Values.bool(force), exchanges.client());
    }

    private void show(HttpExchanges exchanges, ChannelHandlerContext context, Query query) throws IOException {
        switch (query.path()) {
            case "/v1/version" -> {
                query.allow();
                exchanges.answer(context, ControlRoutes::version);
            }
            case "/v1/capture" -> capture(exchanges, context, query);
            case "/v1/drops" -> {
                query.allow("dev");
                Map<String, Counters> sources = dropSources(query.text("dev"));
                exchanges.answer(context, json -> views.drops(sources, json));
            }
            default -> {
                query.allow("dev");
                List<Vtep> vteps = vteps(query.text("dev"));
                Iterator<JsonBody> entries =
                        switch (query.path()) {
                            case "/v1/link" -> views.links(vteps);
                            case "/v1/fdb" -> views.fdb(vteps);
                            case "/v1/neigh" -> views.neighbours(vteps);
                            default -> views.tags(vteps);
                        };
                exchanges.answer(context, TableStream.array(entries));
            }
        }
    }

    private static void version(JsonWriter json) throws IOException {
        json.beginObject();
        json.name("version").value(Version.WEFT);
        json.name("java").value(Version.JAVA);
        json.name("pid").value(ProcessHandle.current().pid());
        json.endObject();
    }

    private List<Vtep> vteps(String dev) {
        return dev == null ? registry.vteps() : List.of(KnownVteps.named(registry, dev));
    }

    private Map<String, Counters> dropSources(String dev) {
        Map<String, Counters> underlays = registry.underlays();
        if (dev != null && underlays.containsKey(dev)) {
            return Map.of(dev, underlays.get(dev));
        }
        Map<String, Counters> sources = new LinkedHashMap<>();
        vteps(dev).forEach(vtep -> sources.put(vtep.name(), vtep.counters()));
        if (dev == null) {
            sources.putAll(underlays);
        }
        return sources;
    }

    private void capture(HttpExchanges exchanges, ChannelHandlerContext context, Query query) {
        query.allow("dev", "point", "reason", "count");
        String dev = query.text("dev");
        if (dev != null) {
            KnownVteps.named(registry, dev);
        }
        CaptureFilter filter = new CaptureFilter(
                dev,
                oneOf("point", query.text("point"), Stream.of(Capture.Point.values())),
                oneOf("reason", query.text("reason"), Arrays.stream(Counter.values())));
        long count = count(query.text("count"));
        exchanges.capture(context, registry.capture().open(filter), count, captureLosses);
    }

    private static long count(String text) {
        try {
            return text == null ? Long.MAX_VALUE : Values.integer(text, 1, Integer.MAX_VALUE);
        } catch (IllegalArgumentException e) {
            throw new OperatorException(Kind.BAD_DATA, "count: " + e.getMessage(), e);
        }
    }

    /** The constant of this name, in any case; null for null. */
    private static <E extends Enum<E>> E oneOf(String parameter, String text, Stream<E> constants) {
        if (text == null) {
            return null;
        }
        List<E> choices = constants.toList();
        for (E choice : choices) {
            if (choice.name().equalsIgnoreCase(text)) {
                return choice;
            }
        }
        List<String> names = choices.stream()
                .map(choice -> parameter.equals("point") ? choice.name().toLowerCase(Locale.ROOT) : choice.name())
                .toList();
        throw new OperatorException(
                Kind.BAD_DATA,
                parameter + ": \"" + text + "\" is not one of " + String.join(", ", names)
                        + Suggestion.among(text, names));
    }
}
