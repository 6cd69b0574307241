package org.weft.silk.controller;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import org.weft.silk.config.CellConfig.SilkController;
import org.weft.silk.http.HttpCalls;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.source.JsonAnswer;

/**
 * silk-controller's HTTP API. Every request is over within the timeout, however its answer comes. One thread asks at a
 * time; any may {@link #close}.
 */
final class ControllerClient {
    private static final int OK = 200;

    private final SilkController config;
    private final HttpCalls calls;

    /** @param tls null without TLS */
    ControllerClient(SilkController config, Supplier<SSLContext> tls) {
        this.config = config;
        this.calls = new HttpCalls(config.tls(), tls, config.timeout());
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
        calls.close();
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
                    request.uri() + " answers " + answer.statusCode()
                            + HttpCalls.reason(JsonAnswer.error(answer.body())),
                    answer.statusCode());
        }
        try {
            return read.apply(answer.body());
        } catch (IllegalArgumentException e) {
            throw new ControllerException(request.uri() + " gives no answer that can be used: " + e.getMessage(), e);
        }
    }

    private HttpResponse<byte[]> send(HttpRequest request) throws ControllerException {
        try {
            return calls.send(request);
        } catch (IOException e) {
            throw new ControllerException(e.getMessage(), e);
        }
    }
}
