package org.weft.silk.http;

import java.io.ByteArrayOutputStream;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;

/**
 * Hands on an answer's lines as they come, and gives up when one of them grows beyond a limit. What the lines' subscriber
 * requests are pieces of the answer, each of which may hold any number of lines.
 */
public final class LimitedLines implements BodySubscriber<Void> {
    private final int limit;
    private final Flow.Subscriber<String> lines;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private final CompletableFuture<Void> body = new CompletableFuture<>();
    private Flow.Subscription subscription;
    private boolean over;

    /** @param limit of a line in bytes */
    public LimitedLines(int limit, Flow.Subscriber<String> lines) {
        this.limit = limit;
        this.lines = lines;
    }

    @Override
    public CompletionStage<Void> getBody() {
        return body;
    }

    @Override
    public void onSubscribe(Flow.Subscription made) {
        subscription = made;
        lines.onSubscribe(made);
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
        for (ByteBuffer buffer : buffers) {
            while (buffer.hasRemaining() && !over) {
                take(buffer);
            }
        }
    }

    /** Takes the rest of a line, or all there is. */
    private void take(ByteBuffer buffer) {
        int length = 0;
        while (length < buffer.remaining() && buffer.get(buffer.position() + length) != '\n') {
            length++;
        }
        boolean ended = length < buffer.remaining();
        if (length > limit - line.size()) {
            subscription.cancel();
            onError(new LimitedBody.TooLong(limit));
            return;
        }
        byte[] bytes = new byte[length];
        buffer.get(bytes);
        line.writeBytes(bytes);
        if (ended) {
            buffer.get();
            lines.onNext(line.toString(StandardCharsets.UTF_8));
            line.reset();
        }
    }

    @Override
    public void onError(Throwable failure) {
        if (!over) {
            over = true;
            lines.onError(failure);
            body.completeExceptionally(failure);
        }
    }

    @Override
    public void onComplete() {
        if (!over) {
            over = true;
            if (line.size() > 0) {
                lines.onNext(line.toString(StandardCharsets.UTF_8));
            }
            lines.onComplete();
            body.complete(null);
        }
    }
}
