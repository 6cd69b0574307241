package org.weft.testing;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;
import org.weft.silk.config.CellConfig.TlsFiles;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.lease.SilkNames;

/**
 * silk-controller as a client sees it: a book of leases in memory that follows silk's rules (silk: controller/handlers,
 * controller/leaser/lease_controller.go).
 */
public final class SilkController extends MutualTlsServer {
    private static final int SUBNETS = 256;

    /** The lease object, with the names of silk's JSON. */
    private record Entry(String underlay_ip, String overlay_subnet, String overlay_hardware_addr) {}

    private record ListAnswer(Collection<Entry> leases) {}

    private final Gson gson = new Gson();
    private final Map<String, Entry> book = new LinkedHashMap<>();

    /**
     * Listens on a free port.
     *
     * @param files the server's certificate and key, and who signs clients' certificates
     */
    public SilkController(TlsFiles files) {
        this(files, 0);
    }

    /** Listens on a port of the loopback interface. */
    public SilkController(TlsFiles files, int port) {
        super(files, port);
    }

    /** Puts a lease into the book, well-formed or not; null leaves a field out. */
    public synchronized void put(String underlay, String subnet, String mac) {
        book.put(String.valueOf(underlay), new Entry(underlay, subnet, mac));
    }

    /** As when its database is lost. */
    public synchronized void forgetAll() {
        book.clear();
    }

    public synchronized void forget(String underlay) {
        book.remove(underlay);
    }

    /** What the book holds for an underlay address, or null. */
    public synchronized LeaseRecord lease(String underlay) {
        Entry entry = book.get(underlay);
        return entry == null
                ? null
                : new LeaseRecord(
                        entry.underlay_ip(), entry.overlay_subnet(), entry.overlay_hardware_addr(), "the book");
    }

    @Override
    void serve(HttpExchange exchange, String body) throws IOException {
        switch (exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath()) {
            case "GET /leases" -> list(exchange);
            case "PUT /leases/acquire" ->
                acquire(exchange, JsonParser.parseString(body).getAsJsonObject());
            case "PUT /leases/renew" -> renew(exchange, gson.fromJson(body, Entry.class));
            case "PUT /leases/release" ->
                release(exchange, JsonParser.parseString(body).getAsJsonObject());
            default -> reply(exchange, 404, "");
        }
    }

    private synchronized void list(HttpExchange exchange) throws IOException {
        reply(exchange, 200, gson.toJson(new ListAnswer(book.isEmpty() ? null : book.values())));
    }

    private synchronized void acquire(HttpExchange exchange, JsonObject request) throws IOException {
        String underlay = request.get("underlay_ip").getAsString();
        boolean single = request.get("single_overlay_ip").getAsBoolean();
        Entry entry = book.get(underlay);
        for (int i = 1; entry == null && i < SUBNETS; i++) {
            String subnet = single ? "10.255.0." + i + "/32" : "10.255." + i + ".0/24";
            if (book.values().stream().noneMatch(other -> subnet.equals(other.overlay_subnet()))) {
                entry = new Entry(underlay, subnet, MacAddress.toString(SilkNames.vtepMac(IpPrefix.parse(subnet))));
                book.put(underlay, entry);
            }
        }
        if (entry == null) {
            refuse(exchange, 409, "no lease available");
        } else {
            reply(exchange, 200, gson.toJson(entry));
        }
    }

    /** What it does not know it inserts, unless another has the subnet. */
    private synchronized void renew(HttpExchange exchange, Entry lease) throws IOException {
        Entry known = book.get(lease.underlay_ip());
        boolean taken = book.values().stream()
                .anyMatch(other -> other != known && lease.overlay_subnet().equals(other.overlay_subnet()));
        if (known == null && taken) {
            refuse(exchange, 409, "renew-subnet-lease: duplicate entry for overlay_subnet");
        } else if (known != null && !known.equals(lease)) {
            refuse(exchange, 409, "renew-subnet-lease: lease mismatch");
        } else {
            book.put(lease.underlay_ip(), lease);
            reply(exchange, 200, "{}");
        }
    }

    private synchronized void release(HttpExchange exchange, JsonObject request) throws IOException {
        book.remove(request.get("underlay_ip").getAsString());
        reply(exchange, 200, "{}");
    }

    private static void refuse(HttpExchange exchange, int status, String reason) throws IOException {
        reply(exchange, status, "{\"error\": \"" + reason + "\"}");
    }
}
