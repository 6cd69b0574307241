package org.weft.dataplane.control;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import java.io.IOException;

/** {@code /metrics} and nothing else: all that a TCP client can reach. */
final class MetricsRoutes implements Routes {
    static final String PATH = "/metrics";

    private final Metrics metrics;

    MetricsRoutes(Metrics metrics) {
        this.metrics = metrics;
    }

    @Override
    public Batch answer(HttpExchanges exchanges, ChannelHandlerContext context, HttpRequest request)
            throws IOException {
        String path = new Query(request.uri()).path();
        if (!path.equals(PATH)) {
            exchanges.error(context, HttpResponseStatus.NOT_FOUND, "there is no " + path + ", only " + PATH, 64);
        } else if (!Routes.isGet(request)) {
            exchanges.error(context, HttpResponseStatus.METHOD_NOT_ALLOWED, PATH + " takes GET only", 64);
        } else {
            ExpositionFormatWriter format = Metrics.format(request.headers().get(HttpHeaderNames.ACCEPT));
            exchanges.answer(context, format.getContentType(), out -> metrics.write(format, out));
        }
        return null;
    }

    @Override
    public String allowed(HttpRequest request) {
        return "GET, HEAD";
    }
}
