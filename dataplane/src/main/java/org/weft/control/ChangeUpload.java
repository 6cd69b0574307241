package org.weft.control;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.control.http.Answer;
import org.weft.control.http.HttpExchanges;
import org.weft.control.http.Refusals;
import org.weft.control.http.StrictJson;
import org.weft.control.http.Upload;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/**
 * The body of one {@code POST /v1}: JSON objects, one to a line, each executed as soon as its line is complete. After
 * a failed one the rest is only read, unless the batch is forced; what went before stands.
 */
final class ChangeUpload implements Upload {
    /** Longer than any operation; what is longer is no operation. */
    static final int MAX_LINE_LENGTH = 64 * 1024;

    private static final int MAX_PENDING = 1 << 16;
    private static final Logger LOG = LoggerFactory.getLogger(ChangeUpload.class);

    private final Operations operations;
    private final boolean force;
    private final String client;
    private final long startNanos = System.nanoTime();
    private final ByteArrayOutputStream partial = new ByteArrayOutputStream(256);
    private final Map<String, Integer> done = new TreeMap<>();
    private final Set<String> warnings = new LinkedHashSet<>();
    private final JsonArray errors = new JsonArray();
    private HttpResponseStatus status = HttpResponseStatus.OK;
    private String lastLine = "";

    /** Changes of policies that may not be in force yet. */
    private final List<CompletableFuture<Void>> pending = new ArrayList<>();

    private int line;
    private int index;
    private int applied;

    /** @param client who asked, for the log */
    ChangeUpload(Operations operations, boolean force, String client) {
        this.operations = operations;
        this.force = force;
        this.client = client;
    }

    @Override
    public void feed(ByteBuf content) {
        while (content.isReadable()) {
            int length = content.bytesBefore((byte) '\n');
            int taken = length < 0 ? content.readableBytes() : length;
            int room = MAX_LINE_LENGTH + 1 - partial.size();
            keep(content, Math.min(taken, room));
            content.skipBytes(Math.max(0, taken - room));
            if (length >= 0) {
                content.skipBytes(1);
                endLine();
            }
        }
    }

    private void keep(ByteBuf content, int length) {
        byte[] bytes = new byte[length];
        content.readBytes(bytes);
        partial.writeBytes(bytes);
    }

    private void endLine() {
        line++;
        int length = partial.size();
        String text = partial.toString(StandardCharsets.UTF_8).strip();
        partial.reset();
        if (text.isEmpty() || stopped()) {
            return;
        }
        index++;
        try {
            if (length > MAX_LINE_LENGTH) {
                throw new OperatorException(
                        Kind.BAD_DATA, "line " + line + " is longer than " + MAX_LINE_LENGTH + " bytes");
            }
            String what = operations.execute(StrictJson.object(text, "line " + line), warnings::add);
            done.merge(what, 1, Integer::sum);
            if (what.startsWith("policy ")) {
                await(operations.inForce());
            }
            applied++;
            lastLine = text;
        } catch (OperatorException e) {
            refuse(e.kind(), e.getMessage());
        } catch (RuntimeException e) {
            LOG.error("{} of {} failed", text, client, e);
            refuse(Kind.OS_ERROR, e.getMessage() == null ? e.toString() : e.getMessage());
        }
    }

    /** Those that are in force are forgotten, as a batch may go on for long. */
    private void await(CompletableFuture<Void> change) {
        if (pending.size() >= MAX_PENDING) {
            pending.removeIf(each -> each.isDone() && !each.isCompletedExceptionally());
        }
        pending.add(change);
    }

    private boolean stopped() {
        return !force && !errors.isEmpty();
    }

    private void refuse(Kind kind, String sentence) {
        if (errors.isEmpty()) {
            status = Refusals.status(kind);
        }
        JsonObject error = new JsonObject();
        error.addProperty("index", index);
        error.addProperty("error", sentence);
        error.addProperty("exit", kind.exitCode());
        errors.add(error);
    }

    /** Executes a last line without a line end, logs the batch as one event, and answers. */
    @Override
    public void end(HttpExchanges exchanges, ChannelHandlerContext context) {
        if (partial.size() > 0) {
            endLine();
        }
        if (index == 0) {
            refuse(Kind.USAGE, "the body is empty: send one JSON object to a line");
        }
        log();
        if (pending.isEmpty()) {
            exchanges.json(context, status, answer());
        } else {
            String answer = answer().toString();
            CompletableFuture<Void> all = CompletableFuture.allOf(pending.toArray(CompletableFuture[]::new));
            exchanges.later(context, all.thenApply(done -> Answer.json(status, answer)));
        }
    }

    private void log() {
        if (index == 1 && applied == 1) {
            LOG.info("{}: {}", client, lastLine);
        } else if (applied == 0 && errors.size() == 1) {
            LOG.info("{}: refused{}", client, first());
        } else {
            String what = done.entrySet().stream()
                    .map(entry -> entry.getValue() + " " + entry.getKey())
                    .collect(Collectors.joining(", "));
            long millis = (System.nanoTime() - startNanos) / 1_000_000;
            LOG.info(
                    "{}: applied {} ({}), refused {}{}, in {} ms",
                    client,
                    applied,
                    what,
                    errors.size(),
                    first(),
                    millis);
        }
        warnings.forEach(LOG::warn);
    }

    private String first() {
        return errors.isEmpty()
                ? ""
                : ": " + errors.get(0).getAsJsonObject().get("error").getAsString();
    }

    private JsonObject answer() {
        JsonObject answer = new JsonObject();
        answer.addProperty("applied", applied);
        if (!errors.isEmpty()) {
            answer.add("errors", errors);
        }
        if (!warnings.isEmpty()) {
            JsonArray sentences = new JsonArray();
            warnings.forEach(sentences::add);
            answer.add("warnings", sentences);
        }
        return answer;
    }
}
