package org.weft.testing;

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
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.weft.silk.config.CellConfig.TlsFiles;
import org.weft.silk.tls.TlsContext;

/** An HTTPS server with mutual TLS on the loopback interface, which can be made to misbehave. */
public abstract class MutualTlsServer implements AutoCloseable {
    static {
        // Or else the JDK's server waits 40 ms for an acknowledgement between the head and the body of an answer.
        System.setProperty("sun.net.httpserver.nodelay", "true");
    }

    private static final Duration LIMIT = Duration.ofSeconds(10);

    private final List<String> requests = new ArrayList<>();
    private final Set<InetSocketAddress> clients = new LinkedHashSet<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final HttpsServer server;
    private volatile HttpHandler misbehaviour;
    private volatile CountDownLatch silence = new CountDownLatch(1);

    /**
     * Listens on a port of the loopback interface; 0: on a free one.
     *
     * @param files the server's certificate and key, and who signs clients' certificates
     */
    MutualTlsServer(TlsFiles files, int port) {
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

    /** Answers a request as the real server does. */
    abstract void serve(HttpExchange exchange, String body) throws IOException;

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

    /** Answers requests of a path with this from now on, and others as the real server does. */
    public void answer(String path, int status, String body) {
        misbehave(exchange -> {
            if (exchange.getRequestURI().getPath().equals(path)) {
                reply(exchange, status, body);
            } else {
                serveNoted(exchange);
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

    /** Behaves as the real server again. */
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
                serveNoted(exchange);
            } else {
                note(exchange, "");
                how.handle(exchange);
            }
        }
    }

    private void serveNoted(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        note(exchange, body);
        serve(exchange, body);
    }

    private synchronized void note(HttpExchange exchange, String body) {
        requests.add((exchange.getRequestMethod() + " " + exchange.getRequestURI() + " " + body).strip());
        clients.add(exchange.getRemoteAddress());
        notifyAll();
    }

    static void reply(HttpExchange exchange, int status, String body) throws IOException {
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
