package org.weft.dataplane.silk.controller;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import org.weft.dataplane.config.CellConfig.SilkController;
import org.weft.dataplane.silk.lease.LeaseRecord;
import org.weft.dataplane.tls.HttpFailure;

/**
 * silk-controller's HTTP API. Every request is over within the timeout, however its answer comes. One thread asks at a
 * time; any may {@link #close}.
 */
final class ControllerClient {
    /** A lease takes about 100 bytes; the overlay of a site has at most some ten thousands. */
    private static final int MAX_ANSWER = 64 << 20;

    private static final int MAX_REASON = 300;
    private static final int OK = 200;

    private final SilkController config;
    private final Supplier<SSLContext> tls;
    private SSLContext context;
    private HttpClient client;
    private volatile CompletableFuture<?> exchange = CompletableFuture.completedFuture(null);
    private volatile boolean closed;

    /** @param tls null without TLS */
    ControllerClient(SilkController config, Supplier<SSLContext> tls) {
        this.config = config;
        this.tls = tls;
    }

    /** The lease that this underlay address has already, or else a new one. */
    LeaseRecord acquire(String underlay, boolean singleIp) throws ControllerException {
        return put("/leases/acquire", LeaseJson.acquire(underlay, singleIp), LeaseJson::lease);
    }

    /** Keeps a lease, also one that the controller has forgotten; a conflict if it is, or overlaps, another's. */
    void renew(LeaseRecord lease) throws ControllerException {
        put("/leases/renew", LeaseJson.renew(lease), answer -> null);
    }

    /** Gives back what this underlay address has, if anything. */
    void release(String underlay) throws ControllerException {
        put("/leases/release", LeaseJson.release(underlay), answer -> null);
    }

    /** All hosts' leases that were renewed lately. */
    List<LeaseRecord> leases() throws ControllerException {
        return exchange(request("/leases").GET().build(), LeaseJson::leases);
    }

    /** Ends the request that is under way, if any, and all that come: they fail. */
    void close() {
        closed = true;
        exchange.cancel(true);
    }

    private <T> T put(String path, String body, Function<byte[], T> read) throws ControllerException {
        HttpRequest request = request(path)
                .header("Content-Type", "application/json")
                .PUT(BodyPublishers.ofString(body))
                .build();
        return exchange(request, read);
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(config.url().toString().replaceFirst("/+$", "") + path));
    }

    private <T> T exchange(HttpRequest request, Function<byte[], T> read) throws ControllerException {
        HttpResponse<byte[]> answer = send(request);
        if (answer.statusCode() != OK) {
            throw new ControllerException(
                    request.uri() + " answers " + answer.statusCode() + reason(answer.body()), answer.statusCode());
        }
        try {
            return read.apply(answer.body());
        } catch (IllegalArgumentException e) {
            throw new ControllerException(request.uri() + " gives no answer that can be used: " + e.getMessage(), e);
        }
    }

    private HttpResponse<byte[]> send(HttpRequest request) throws ControllerException {
        CompletableFuture<HttpResponse<byte[]>> sent = client().sendAsync(request, head -> new LimitedBody(MAX_ANSWER));
        exchange = sent;
        if (closed) {
            sent.cancel(true);
        }
        try {
            return sent.get(config.timeout().toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException | TimeoutException | CancellationException e) {
            throw new ControllerException(HttpFailure.sentence(e, request.uri(), config.tls(), config.timeout()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ControllerException("asking " + request.uri() + " was interrupted", e);
        } finally {
            sent.cancel(true);
        }
    }

    /** Connections of a client last as long as the certificates that it was made for. */
    private HttpClient client() {
        SSLContext now = tls == null ? null : tls.get();
        if (client == null || now != context) {
            HttpClient.Builder builder = HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .proxy(HttpClient.Builder.NO_PROXY)
                    .connectTimeout(config.timeout());
            client = (now == null ? builder : builder.sslContext(now)).build();
            context = now;
        }
        return client;
    }

    private static String reason(byte[] body) {
        String reason = LeaseJson.error(body);
        if (reason == null || reason.isBlank()) {
            return "";
        }
        String line = reason.replaceAll("[\\p{Cntrl}\\s]+", " ").strip();
        return ": " + (line.length() > MAX_REASON ? line.substring(0, MAX_REASON) + "..." : line);
    }
}
