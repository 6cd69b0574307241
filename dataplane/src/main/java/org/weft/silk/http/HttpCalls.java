package org.weft.silk.http;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import org.weft.silk.config.CellConfig.TlsFiles;

/**
 * Requests to HTTP servers. Each is over within the timeout, however its answer comes. One thread asks at a time; any may
 * {@link #close}.
 */
public final class HttpCalls {
    /** What is made of an answer takes several times as much of a heap of 256 MB. */
    private static final int MAX_ANSWER = 8 << 20;

    private static final int MAX_REASON = 300;

    private final TlsFiles files;
    private final Supplier<SSLContext> tls;
    private final Duration timeout;
    private SSLContext context;
    private HttpClient client;
    private volatile CompletableFuture<?> exchange = CompletableFuture.completedFuture(null);
    private volatile boolean closed;

    /**
     * No request yet.
     *
     * @param files that sentences name; null without TLS
     * @param tls null without TLS
     */
    public HttpCalls(TlsFiles files, Supplier<SSLContext> tls, Duration timeout) {
        this.files = files;
        this.tls = tls;
        this.timeout = timeout;
    }

    /** @throws IOException with a sentence without its end, if there is no answer */
    public HttpResponse<byte[]> send(HttpRequest request) throws IOException {
        CompletableFuture<HttpResponse<byte[]>> sent = client().sendAsync(request, head -> new LimitedBody(MAX_ANSWER));
        exchange = sent;
        if (closed) {
            sent.cancel(true);
        }
        return await(sent, request.uri(), files, timeout);
    }

    /**
     * Waits for an answer, and cancels the request unless the answer is there in time. Thread-safe.
     *
     * @param sent under way
     * @param uri asked for
     * @param files that sentences name; null without TLS
     * @param timeout from now on
     * @throws IOException with a sentence without its end, if there is no answer; its cause says why
     */
    public static HttpResponse<byte[]> await(
            CompletableFuture<HttpResponse<byte[]>> sent, URI uri, TlsFiles files, Duration timeout)
            throws IOException {
        try {
            return sent.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException | TimeoutException | CancellationException e) {
            throw new IOException(HttpFailure.sentence(e, uri, files, timeout), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("asking " + uri + " was interrupted", e);
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
                    .connectTimeout(timeout);
            client = (now == null ? builder : builder.sslContext(now)).build();
            context = now;
        }
        return client;
    }

    /** A server's reason for a refusal in one line, with a colon in front; nothing without one. */
    public static String reason(String reason) {
        if (reason == null || reason.isBlank()) {
            return "";
        }
        String line = reason.replaceAll("[\\p{Cntrl}\\s]+", " ").strip();
        return ": " + (line.length() > MAX_REASON ? line.substring(0, MAX_REASON) + "..." : line);
    }

    /** Ends the request that is under way, if any, and all that come: they fail. */
    public void close() {
        closed = true;
        exchange.cancel(true);
    }
}
