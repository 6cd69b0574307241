package org.weft.control.cell;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.io.IOException;
import org.weft.control.http.Answer;
import org.weft.control.http.HttpExchanges;
import org.weft.control.http.Routes;
import org.weft.control.http.Upload;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.silk.cell.CellStatus;

/**
 * What silk-cni asks silk-daemon, with any method under any path (silk: daemon/health.go, cni/main.go). silk-daemon
 * does not listen before it has a lease; here it is told that there is none.
 */
public final class NetworkInfoRoutes implements Routes {
    private final VtepRegistry registry;
    private final LocalCell local;

    public NetworkInfoRoutes(VtepRegistry registry, LocalCell local) {
        this.registry = registry;
        this.local = local;
    }

    @Override
    public Upload answer(HttpExchanges exchanges, ChannelHandlerContext context, HttpRequest request)
            throws IOException {
        CellStatus status = local.cell().status();
        Vtep vtep = registry.vtep(status.vtep());
        exchanges.answer(
                context,
                status.own() == null || vtep == null
                        ? Answer.json(
                                HttpResponseStatus.SERVICE_UNAVAILABLE,
                                "{\"error\":\"this host has no lease in force: see weft lease show\"}")
                        : Answer.json(json -> json.beginObject()
                                .name("overlay_subnet")
                                .value(status.own().subnetText())
                                .name("mtu")
                                .value(vtep.mtu())
                                .endObject()));
        return null;
    }

    @Override
    public String allowed(HttpRequest request) {
        return "GET, HEAD, POST";
    }
}
