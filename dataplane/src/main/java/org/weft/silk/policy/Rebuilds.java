package org.weft.silk.policy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.weft.silk.source.StateThread;

/**
 * When tables are built: changes that come together come into force together, because each of them
 * needs a new table. All methods belong to the thread of the policies.
 */
final class Rebuilds {
    /** Between two builds, a rest of so many times as the last one took keeps most of the CPU free. */
    private static final int REST_FACTOR = 10;

    private static final long MOST_REST_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final StateThread thread;
    private final Runnable build;
    private final List<CompletableFuture<Void>> waiting = new ArrayList<>();
    private boolean due;
    private long builtNanos = System.nanoTime();
    private long buildNanos;

    /** @param build brings all changes so far into force, or throws; called on the thread only */
    Rebuilds(StateThread thread, Runnable build) {
        this.thread = thread;
        this.build = build;
    }

    /**
     * Builds at once, unless the last build was a moment ago; then soon.
     *
     * @param done is complete after the build, with its exception if it failed
     */
    void soon(CompletableFuture<Void> done) {
        waiting.add(done);
        if (due) {
            return;
        }
        due = true;
        long rest = Math.min(MOST_REST_NANOS, REST_FACTOR * buildNanos) - (System.nanoTime() - builtNanos);
        if (!thread.runAfter(rest, this::now)) {
            now(); // the thread ends, and an operator waits
        }
    }

    /** Builds now. Those who wait get its exception; an error is thrown as well. */
    void now() {
        long start = System.nanoTime();
        due = false;
        List<CompletableFuture<Void>> done = List.copyOf(waiting);
        waiting.clear();
        try {
            build.run();
            done.forEach(each -> each.complete(null));
        } catch (RuntimeException | Error e) {
            done.forEach(each -> each.completeExceptionally(e));
            if (e instanceof Error) {
                throw e;
            }
        }
        builtNanos = System.nanoTime();
        buildNanos = builtNanos - start;
    }
}
