package org.weft.testing;

import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.weft.silk.config.CellConfig.TlsFiles;

/**
 * Cloud Foundry's policy server as an agent sees it: its internal API over policies in memory
 * (cf-networking-release: docs/08-policy-server-api.md).
 */
public final class PolicyServer extends MutualTlsServer {
    private static final String API = "/networking/v1/internal/";

    private record Entry(String source, String destination, String json) {}

    private final List<Entry> policies = new ArrayList<>();
    private long updated = 1_500_000_000_000_000_000L;
    private String routerTag = "0005";

    /** @param files the server's certificate and key, and who signs clients' certificates */
    public PolicyServer(TlsFiles files) {
        this(files, 0);
    }

    public PolicyServer(TlsFiles files, int port) {
        super(files, port);
    }

    /** Lets an app open ports of another. */
    public void allow(String source, String tag, String destination, String protocol, int first, int last) {
        put(
                source,
                destination,
                """
                {"source": {"id": "%s", "tag": "%s"}, "destination": {"id": "%s", "tag": "00FF", "protocol": "%s",
                 "ports": {"start": %d, "end": %d}}}"""
                        .formatted(source, tag, destination, protocol, first, last));
    }

    /** Puts a policy in, well-formed or not. */
    public synchronized void put(String source, String destination, String json) {
        policies.add(new Entry(source, destination, json));
        updated++;
    }

    public synchronized void clear() {
        policies.clear();
        updated++;
    }

    public synchronized void routerTag(String tag) {
        routerTag = tag;
        updated++;
    }

    @Override
    synchronized void serve(HttpExchange exchange, String body) throws IOException {
        switch (exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath()) {
            case "GET " + API + "policies_last_updated" -> reply(exchange, 200, String.valueOf(updated));
            case "GET " + API + "policies" ->
                list(exchange, exchange.getRequestURI().getQuery());
            case "PUT " + API + "tags" -> {
                String id =
                        JsonParser.parseString(body).getAsJsonObject().get("id").getAsString();
                reply(exchange, 200, "{\"id\": \"" + id + "\", \"type\": \"router\", \"tag\": \"" + routerTag + "\"}");
            }
            default -> reply(exchange, 404, "");
        }
    }

    private void list(HttpExchange exchange, String query) throws IOException {
        List<String> ids = Arrays.asList(query.replaceFirst("id=", "").split(","));
        List<String> found = policies.stream()
                .filter(entry -> ids.contains(entry.source()) || ids.contains(entry.destination()))
                .map(Entry::json)
                .toList();
        reply(
                exchange,
                200,
                "{\"total_policies\": " + found.size() + ", \"policies\": "
                        + found.stream().collect(Collectors.joining(",", "[", "]")) + "}");
    }
}
