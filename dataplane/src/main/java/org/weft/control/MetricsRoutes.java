package org.weft.control;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import java.io.IOException;
import org.weft.control.http.Answer;
import org.weft.control.http.HttpExchanges;
import org.weft.control.http.Query;
import org.weft.control.http.Routes;
import org.weft.control.http.Upload;

/** {@code /metrics}, {@code /healthz} and {@code /readyz}: all that a TCP client can reach. */
final class MetricsRoutes implements Routes {
    static final String PATH = "/metrics";

    private static final String HEALTHY = "/healthz";
    private static final String READY = "/readyz";

    private final Metrics metrics;
    private final Health health;

    MetricsRoutes(Metrics metrics, Health health) {
        this.metrics = metrics;
        this.health = health;
    }

    static boolean knows(String path) {
        return path.equals(PATH) || path.equals(HEALTHY) || path.equals(READY);
    }

    @Override
    public Upload answer(HttpExchanges exchanges, ChannelHandlerContext context, HttpRequest request)
            throws IOException {
        String path = new Query(request.uri()).path();
        if (!knows(path)) {
            exchanges.error(
                    context,
                    HttpResponseStatus.NOT_FOUND,
                    "there is no " + path + ", only " + PATH + ", " + HEALTHY + " and " + READY,
                    64);
        } else if (!Routes.isGet(request)) {
            exchanges.error(context, HttpResponseStatus.METHOD_NOT_ALLOWED, path + " takes GET only", 64);
        } else {
            exchanges.answer(context, answer(path, request));
        }
        return null;
    }

    private Answer answer(String path, HttpRequest request) {
        if (path.equals(PATH)) {
            ExpositionFormatWriter format = Metrics.format(request.headers().get(HttpHeaderNames.ACCEPT));
            return new Answer(HttpResponseStatus.OK, format.getContentType(), out -> metrics.write(format, out));
        }
        Health.Verdict verdict = path.equals(HEALTHY) ? health.alive() : health.ready();
        return Answer.text(
                verdict.good() ? HttpResponseStatus.OK : HttpResponseStatus.SERVICE_UNAVAILABLE, verdict.sentence());
    }

    @Override
    public String allowed(HttpRequest request) {
        return "GET, HEAD";
    }
}
