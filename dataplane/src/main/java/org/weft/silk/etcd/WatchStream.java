package org.weft.silk.etcd;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.weft.silk.config.CellConfig.TlsFiles;
import org.weft.silk.http.HttpFailure;

/**
 * One stream of changes (etcd: rpc.proto, Watch): lines of JSON, each a WatchResponse. The client's threads put them
 * into a queue, and the loop takes them out.
 */
final class WatchStream implements Flow.Subscriber<String>, AutoCloseable {
    /** A key was put, or it was deleted. */
    record Change(KeyValue kv, boolean deleted) {}

    /**
     * What the stream said.
     *
     * @param compacted the revisions asked for are no longer to be had; the stream is over
     * @param failure null, or why the stream is over
     */
    record Message(List<Change> changes, boolean compacted, EtcdException failure) {}

    private final URI endpoint;
    private final TlsFiles files;
    private final Duration timeout;
    private final Runnable arrived;
    private final Queue<Message> messages = new ConcurrentLinkedQueue<>();

    /** Changes in the queue. */
    private final AtomicInteger waiting = new AtomicInteger();

    /** Changes of revisions that etcd has not told to their end; of the client's threads. */
    private List<Change> begun = new ArrayList<>();

    private final CompletableFuture<Header> created = new CompletableFuture<>();
    private volatile Flow.Subscription subscription;
    private volatile boolean closed;

    /**
     * A stream that was not opened yet.
     *
     * @param files that sentences name; null without TLS
     * @param timeout for the first answer
     * @param arrived run, by a thread of the client's, when {@link #poll} has something new
     */
    WatchStream(URI endpoint, TlsFiles files, Duration timeout, Runnable arrived) {
        this.endpoint = endpoint;
        this.files = files;
        this.timeout = timeout;
        this.arrived = arrived;
    }

    void awaitCreated() throws EtcdException {
        try {
            created.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            close();
            throw new EtcdException(HttpFailure.sentence(e, endpoint, files, timeout), e);
        } catch (ExecutionException e) {
            close();
            throw (EtcdException) e.getCause();
        } catch (InterruptedException e) {
            close();
            Thread.currentThread().interrupt();
            throw new EtcdException(endpoint + ": interrupted", e);
        }
    }

    /** Of etcd's first answer; the revision is the member's when it answered. */
    Header header() {
        return created.join();
    }

    /** The next message, or null. */
    Message poll() {
        Message message = messages.poll();
        if (message != null) {
            waiting.addAndGet(-message.changes().size());
        }
        return message;
    }

    @Override
    public void onSubscribe(Flow.Subscription newSubscription) {
        subscription = newSubscription;
        if (closed) {
            newSubscription.cancel();
        } else {
            newSubscription.request(Long.MAX_VALUE);
        }
    }

    @Override
    public void onNext(String line) {
        if (line.isBlank()) {
            return;
        }
        try {
            read(Gateway.answer(endpoint, 200, line));
        } catch (EtcdException e) {
            fail(e);
        } catch (RuntimeException e) {
            fail(new EtcdException(endpoint + ": a change cannot be read: " + e, e));
        }
    }

    private void read(JsonObject line) throws EtcdException {
        JsonObject result = line.getAsJsonObject("result");
        if (result == null) {
            throw new EtcdException(endpoint + ": what follows a watch is not a stream of changes", (IOException) null);
        }
        if (result.has("events")) {
            result.getAsJsonArray("events").forEach(event -> begun.add(change(event)));
        }
        if (begun.size() + waiting.get() > Gateway.MAX_KEYS) {
            fail(new EtcdException(endpoint + ": more changes come than can be taken in", (IOException) null));
            begun.clear();
            return;
        }
        if (result.has("fragment")) {
            return;
        }
        List<Change> changes = begun;
        begun = new ArrayList<>();
        boolean compacted = KeyValue.number(result, "compact_revision") > 0;
        EtcdException canceled = result.has("canceled") && !compacted
                ? new EtcdException(endpoint + ": the watch is refused: " + reason(result), (IOException) null)
                : null;
        if (canceled != null) {
            fail(canceled);
        } else if (compacted || !changes.isEmpty()) {
            offer(new Message(changes, compacted, null));
        }
        created.complete(Header.of(result));
    }

    private static String reason(JsonObject result) {
        String reason = KeyValue.text(result, "cancel_reason");
        return reason.isEmpty() ? "no reason given" : reason;
    }

    private static Change change(JsonElement event) {
        JsonObject json = event.getAsJsonObject();
        return new Change(
                KeyValue.of(json.getAsJsonObject("kv")),
                KeyValue.text(json, "type").equals("DELETE"));
    }

    @Override
    public void onError(Throwable failure) {
        ended(failure);
    }

    @Override
    public void onComplete() {
        ended(null);
    }

    /** The connection is over. */
    void ended(Throwable failure) {
        fail(new EtcdException(failure == null ? endpoint + ": the watch ended" : sentence(failure), failure));
    }

    private String sentence(Throwable failure) {
        return created.isDone()
                ? endpoint + ": the watch broke (" + HttpFailure.reason(failure) + ")"
                : HttpFailure.sentence(failure, endpoint, files, timeout);
    }

    private void fail(EtcdException failure) {
        created.completeExceptionally(failure);
        offer(new Message(List.of(), false, failure));
    }

    private void offer(Message message) {
        if (!closed) {
            waiting.addAndGet(message.changes().size());
            messages.add(message);
            arrived.run();
        }
    }

    @Override
    public void close() {
        closed = true;
        Flow.Subscription open = subscription;
        if (open != null) {
            open.cancel();
        }
    }
}
