package org.weft.testing;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.weft.dataplane.config.CellConfig.TlsFiles;
import org.weft.dataplane.silk.lease.LeaseRecord;
import org.weft.dataplane.silk.lease.SilkNames;
import org.weft.dataplane.tls.TlsContext;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;

/**
 * silk-controller as a client sees it: HTTPS with mutual TLS on the loopback interface, and a book of leases in memory
 * that follows silk's rules (silk: controller/handlers, controller/leaser/lease_controller.go). It can be made to
 * misbehave.
 */
public final class SilkController implements AutoCloseable {
    static {
        // Or else the JDK's server waits 40 ms for an acknowledgement between the head and the body of an answer.
        System.setProperty("sun.net.httpserver.nodelay", "true");
    }

    private static final int SUBNETS = 256;
    private static final Duration LIMIT = Duration.ofSeconds(10);

    /** The lease object, with the names of silk's JSON. */
    private record Entry(String underlay_ip, String overlay_subnet, String overlay_hardware_addr) {}

    private record ListAnswer(Collection<Entry> leases) {}

    private final Gson gson = new Gson();
    private final Map<String, Entry> book = new LinkedHashMap<>();
    private final List<String> requests = new ArrayList<>();
    private final Set<InetSocketAddress> clients = new LinkedHashSet<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final HttpsServer server;
    private volatile HttpHandler misbehaviour;
    private volatile CountDownLatch silence = new CountDownLatch(1);

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
        try {
            server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.setHttpsConfigurator(new MutualTls(new TlsContext(files, warning -> {}).get()));
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    private static final class MutualTls extends HttpsConfigurator {
        MutualTls(SSLContext context) {
            super(context);
        }

        @Override
        public void configure(HttpsParameters parameters) {
            SSLParameters ssl = getSSLContext().getDefaultSSLParameters();
            ssl.setNeedClientAuth(true);
            parameters.setSSLParameters(ssl);
        }
    }

    public URI url() {
        return URI.create("https://localhost:" + port());
    }

    public int port() {
        return server.getAddress().getPort();
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

    /** Method, path and body of every request so far. */
    public synchronized List<String> requests() {
        return List.copyOf(requests);
    }

    /** Waits until there have been so many requests; fails after ten seconds. */
    public synchronized void awaitRequests(int count) {
        long end = System.nanoTime() + LIMIT.toNanos();
        try {
            while (requests.size() < count) {
                long left = end - System.nanoTime();
                if (left <= 0) {
                    throw new AssertionError("only " + requests.size() + " requests: " + requests);
                }
                TimeUnit.NANOSECONDS.timedWait(this, left);
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** How many connections brought those requests. */
    public synchronized int connections() {
        return clients.size();
    }

    /** Answers every request with this from now on. */
    public void answer(int status, String body) {
        misbehave(exchange -> reply(exchange, status, body));
    }

    /** Answers requests of a path with this from now on, and others as silk does. */
    public void answer(String path, int status, String body) {
        misbehave(exchange -> {
            if (exchange.getRequestURI().getPath().equals(path)) {
                reply(exchange, status, body);
            } else {
                serve(exchange);
            }
        });
    }

    /** Takes requests and never answers. */
    public void fallSilent() {
        CountDownLatch end = silence;
        misbehave(exchange -> await(end));
    }

    /** Answers with the beginning of a body, and never its end. */
    public void stall() {
        CountDownLatch end = silence;
        misbehave(exchange -> {
            exchange.sendResponseHeaders(200, 1000);
            exchange.getResponseBody().write("{\"leases\":[".getBytes(StandardCharsets.UTF_8));
            exchange.getResponseBody().flush();
            await(end);
        });
    }

    /** Behaves as silk-controller again. */
    public void behave() {
        misbehave(null);
        silence.countDown();
        silence = new CountDownLatch(1);
    }

    private void misbehave(HttpHandler how) {
        misbehaviour = how;
    }

    private static void await(CountDownLatch end) {
        try {
            end.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void handle(HttpExchange exchange) throws IOException {
        HttpHandler how = misbehaviour;
        try (exchange) {
            if (how == null) {
                serve(exchange);
            } else {
                note(exchange, "");
                how.handle(exchange);
            }
        }
    }

    private synchronized void note(HttpExchange exchange, String body) {
        requests.add((exchange.getRequestMethod() + " " + exchange.getRequestURI() + " " + body).strip());
        clients.add(exchange.getRemoteAddress());
        notifyAll();
    }

    private void serve(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        note(exchange, body);
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

    private static void reply(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    /** Closes all connections and listens no more. */
    @Override
    public void close() {
        behave();
        server.stop(0);
        threads.shutdownNow();
    }
}
