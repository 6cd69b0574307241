package org.weft.control.policy;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.io.IOException;
import java.util.concurrent.CompletionStage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.control.http.Answer;
import org.weft.control.http.CollectedBody;
import org.weft.control.http.Fields;
import org.weft.control.http.HttpExchanges;
import org.weft.control.http.Query;
import org.weft.control.http.Routes;
import org.weft.control.http.StrictJson;
import org.weft.control.http.Upload;
import org.weft.silk.policy.Explanation;

/** {@code /v1/policy}: what is let in, and why. */
public final class PolicyRoutes implements Routes {
    private static final Logger LOG = LoggerFactory.getLogger(PolicyRoutes.class);
    private static final String PATH = "/v1/policy";
    private static final String EXPLAIN = PATH + "/explain";

    private final PolicyOperations operations;

    public PolicyRoutes(PolicyOperations operations) {
        this.operations = operations;
    }

    public static boolean knows(String path) {
        return path.equals(PATH) || path.equals(EXPLAIN);
    }

    @Override
    public String allowed(HttpRequest request) {
        return new Query(request.uri()).path().equals(PATH) ? "GET, HEAD, POST, PUT" : "GET, HEAD";
    }

    @Override
    public Upload answer(HttpExchanges exchanges, ChannelHandlerContext context, HttpRequest request)
            throws IOException {
        Query query = new Query(request.uri());
        boolean change =
                request.method().equals(HttpMethod.POST) || request.method().equals(HttpMethod.PUT);
        if (!Routes.isGet(request) && !(change && query.path().equals(PATH))) {
            exchanges.error(
                    context,
                    HttpResponseStatus.METHOD_NOT_ALLOWED,
                    query.path() + " takes " + allowed(request) + " only",
                    64);
            return null;
        }
        if (query.path().equals(EXPLAIN)) {
            Explanation explanation = operations.explain(query);
            exchanges.answer(
                    context,
                    json -> PolicyView.explanation(
                            explanation, operations.require().policies(), json));
            return null;
        }
        query.allow();
        operations.require();
        if (change) {
            return new CollectedBody(body -> change(body, exchanges.client()));
        }
        exchanges.answer(context, PolicyView.policies(operations.require()));
        return null;
    }

    private CompletionStage<Answer> change(String body, String client) {
        String text = body.strip();
        Fields fields = new Fields(StrictJson.object(text, "the body"));
        operations.apply(Fields.oneOf("action", fields.require("action"), PolicyOperations.ACTIONS), fields);
        LOG.info("{}: policy {}", client, text);
        return operations
                .inForce()
                .thenApply(done -> Answer.json(json -> PolicyView.summary(operations.require(), json)));
    }
}
