package org.weft.control.cell;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.config.Values;
import org.weft.control.http.Answer;
import org.weft.control.http.Fields;
import org.weft.control.http.StrictJson;
import org.weft.encap.IpAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.operator.Suggestion;
import org.weft.silk.container.AttachRequest;
import org.weft.silk.container.Attachment;

/** Executes {@code POST /v1/cell}: {@code weft-control} reads it, and other threads do the work. */
final class CellOperations {
    private static final Logger LOG = LoggerFactory.getLogger(CellOperations.class);
    private static final List<String> ACTIONS = List.of("attach", "detach", "drain", "cancel-drain");
    private static final String DEFAULT_IFNAME = "eth0";
    private static final int DEFAULT_TIMEOUT_SECONDS = 600;
    private static final int MAX_TIMEOUT_SECONDS = 30 * 24 * 3600;

    private final LocalCell local;
    private final Executor thread;

    /** @param thread where containers are attached and detached */
    CellOperations(LocalCell local, Executor thread) {
        this.local = local;
        this.thread = thread;
    }

    /**
     * Begins an operation.
     *
     * @param client who asks, for the log
     * @throws OperatorException if it is not one
     */
    CompletionStage<Answer> begin(String body, String client) {
        Fields fields = new Fields(StrictJson.object(body.strip(), "the body"));
        String action = fields.require("action");
        return switch (action) {
            case "attach" -> attach(fields);
            case "detach" -> detach(fields);
            case "drain" -> drain(fields, client);
            case "cancel-drain" -> cancelDrain(fields, client);
            default ->
                throw new OperatorException(
                        Kind.USAGE,
                        "action: \"" + action + "\" is not one of " + String.join(", ", ACTIONS)
                                + Suggestion.among(action, ACTIONS));
        };
    }

    private CompletionStage<Answer> attach(Fields fields) {
        String netns = fields.require("netns");
        String ifname = ifname(fields);
        IpAddress address = fields.read("address", null, Values::hostAddress);
        fields.refuseOthers();
        AttachRequest request = AttachRequest.byHand(netns, ifname, address);
        return work(() -> {
            Attachment attached = local.containers().attach(request);
            return Answer.json(json -> CellView.container(attached, json));
        });
    }

    private CompletionStage<Answer> detach(Fields fields) {
        Path netns = AttachRequest.netns(fields.require("netns"));
        String ifname = ifname(fields);
        fields.refuseOthers();
        return work(() -> {
            if (!local.containers().detach(netns, ifname)) {
                throw new OperatorException(Kind.NO_INPUT, ifname + " of " + netns + " is not attached");
            }
            return Answer.json(json -> json.beginObject().endObject());
        });
    }

    private static String ifname(Fields fields) {
        String ifname = fields.text("ifname");
        return ifname == null ? DEFAULT_IFNAME : ifname;
    }

    private <T> CompletionStage<T> work(Supplier<T> task) {
        return CompletableFuture.supplyAsync(task, thread);
    }

    private CompletionStage<Answer> drain(Fields fields, String client) {
        int seconds =
                fields.read("timeout", DEFAULT_TIMEOUT_SECONDS, text -> Values.integer(text, 1, MAX_TIMEOUT_SECONDS));
        fields.refuseOthers();
        LOG.info("{}: drain, timeout {} s", client, seconds);
        return local.cell().drain(Duration.ofSeconds(seconds)).thenApply(done -> show());
    }

    private CompletionStage<Answer> cancelDrain(Fields fields, String client) {
        fields.refuseOthers();
        LOG.info("{}: cancel drain", client);
        return local.cell().cancelDrain().thenApply(done -> show());
    }

    private Answer show() {
        return Answer.json(CellView.cell(local));
    }
}
