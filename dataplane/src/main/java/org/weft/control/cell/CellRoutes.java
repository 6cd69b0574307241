package org.weft.control.cell;

import com.google.gson.JsonObject;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.weft.control.http.Answer;
import org.weft.control.http.CollectedBody;
import org.weft.control.http.HttpExchanges;
import org.weft.control.http.Query;
import org.weft.control.http.Routes;
import org.weft.control.http.Upload;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.cell.Cell;
import org.weft.silk.cni.Cni;

/** Leases, containers and convergence of this daemon's cell. What may take its time is done on another thread. */
public final class CellRoutes implements Routes {
    private static final String NO_CELL = "this daemon has no cell: give its configuration a cell section";

    /** A code of the plugin's own, as CNI has none for this. */
    private static final int CNI_HOST_FAILURE = 100;

    /** CNI's own code. */
    private static final int CNI_TRY_LATER = 11;

    private final LocalCell local;
    private final Supplier<String> missing;
    private final Executor thread;
    private final CellOperations operations;
    private final Cni cni;

    /**
     * @param local null without a cell
     * @param missing a sentence about what a later cell waits for; null if no cell is to come
     * @param thread where containers are attached and detached
     */
    public CellRoutes(LocalCell local, Supplier<String> missing, Executor thread) {
        this.local = local;
        this.missing = missing;
        this.thread = thread;
        this.operations = local == null ? null : new CellOperations(local, thread);
        this.cni = local == null ? null : new Cni(local.containers());
    }

    public static boolean knows(String path) {
        return switch (path) {
            case "/v1/lease", "/v1/converge", "/v1/cell", "/v1/cni" -> true;
            default -> false;
        };
    }

    @Override
    public String allowed(HttpRequest request) {
        return switch (new Query(request.uri()).path()) {
            case "/v1/lease" -> "GET, HEAD";
            case "/v1/cni" -> "POST";
            default -> "GET, HEAD, POST";
        };
    }

    @Override
    public Upload answer(HttpExchanges exchanges, ChannelHandlerContext context, HttpRequest request)
            throws IOException {
        Query query = new Query(request.uri());
        boolean post = request.method().equals(HttpMethod.POST);
        if (!post && !Routes.isGet(request) || !allowed(request).contains(post ? "POST" : "GET")) {
            exchanges.error(
                    context,
                    HttpResponseStatus.METHOD_NOT_ALLOWED,
                    query.path() + " takes " + allowed(request) + " only",
                    64);
            return null;
        }
        query.allow();
        if (post) {
            return upload(query.path(), exchanges, request);
        }
        requireCell();
        show(query.path(), exchanges, context);
        return null;
    }

    private void show(String path, HttpExchanges exchanges, ChannelHandlerContext context) throws IOException {
        switch (path) {
            case "/v1/lease" ->
                exchanges.answer(context, CellView.leases(local.cell().status()));
            case "/v1/converge" -> {
                Cell cell = requireLease();
                exchanges.later(context, cell.plan().thenApply(pass -> Answer.json(CellView.changes(pass))));
            }
            default -> exchanges.answer(context, CellView.cell(local));
        }
    }

    private Upload upload(String path, HttpExchanges exchanges, HttpRequest request) {
        if (path.equals("/v1/cni")) {
            Map<String, String> environment = Cni.environment(request.headers());
            return new CollectedBody(config -> cni(environment, config));
        }
        requireCell();
        return path.equals("/v1/cell")
                ? new CollectedBody(body -> operations.begin(body, exchanges.client()))
                : new CollectedBody(body -> converge());
    }

    private CompletionStage<Answer> converge() {
        return requireLease().converge().thenApply(pass -> Answer.json(CellView.changes(pass)));
    }

    /** Failures are in CNI's own form. */
    private CompletionStage<Answer> cni(Map<String, String> environment, String config) {
        if (local == null) {
            JsonObject error = new JsonObject();
            error.addProperty("cniVersion", "1.0.0");
            String awaited = missing.get();
            error.addProperty("code", awaited == null ? CNI_HOST_FAILURE : CNI_TRY_LATER);
            error.addProperty("msg", awaited == null ? NO_CELL : awaited);
            return CompletableFuture.completedStage(Answer.json(
                    awaited == null ? HttpResponseStatus.NOT_FOUND : HttpResponseStatus.INTERNAL_SERVER_ERROR,
                    error.toString()));
        }
        return CompletableFuture.supplyAsync(() -> cni.handle(environment, config), thread)
                .thenApply(answer -> Answer.json(
                        answer.ok() ? HttpResponseStatus.OK : HttpResponseStatus.INTERNAL_SERVER_ERROR, answer.json()));
    }

    private void requireCell() {
        if (local == null) {
            String awaited = missing.get();
            throw awaited == null
                    ? new OperatorException(Kind.NO_INPUT, NO_CELL)
                    : new OperatorException(Kind.UNAVAILABLE, awaited);
        }
    }

    private Cell requireLease() {
        if (!local.cell().status().hasLease()) {
            throw new OperatorException(
                    Kind.UNAVAILABLE,
                    "this host has no lease in force, so there is nothing to converge: see weft lease show");
        }
        return local.cell();
    }
}
