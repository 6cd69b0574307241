package org.weft.silk.source;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.watchdog.Heartbeat;
import org.weft.dataplane.watchdog.Heartbeats;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** The thread that a cell's state belongs to. A task that fails is logged and does not keep the next ones back. */
public final class CellThread {
    private static final Logger LOG = LoggerFactory.getLogger(CellThread.class);
    private static final Duration END = Duration.ofSeconds(5);

    private final ScheduledExecutorService thread =
            Executors.newSingleThreadScheduledExecutor(task -> new Thread(task, "weft-cell"));

    private final Runnable publish;
    private final Heartbeat heartbeat = Heartbeats.PROCESS.register("weft-cell", Heartbeats.CONTROL);

    /** @param publish called after each task */
    public CellThread(Runnable publish) {
        this.publish = publish;
    }

    /** @return false if the thread is at its end, and the task will not run */
    public boolean run(Runnable task) {
        try {
            thread.execute(() -> guarded(task));
            return true;
        } catch (RejectedExecutionException e) {
            LOG.debug("the cell is closed");
            return false;
        }
    }

    public void every(Duration period, Runnable task) {
        thread.scheduleWithFixedDelay(() -> guarded(task), period.toNanos(), period.toNanos(), TimeUnit.NANOSECONDS);
    }

    private void guarded(Runnable task) {
        heartbeat
                .guard(() -> {
                    try {
                        task.run();
                    } finally {
                        publish.run();
                    }
                })
                .run();
    }

    public <T> CompletableFuture<T> ask(Callable<T> question) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        boolean taken = run(() -> {
            try {
                T found = question.call();
                publish.run(); // who asked may look at the status next
                answer.complete(found);
            } catch (Exception e) {
                answer.completeExceptionally(e);
            } catch (Error e) {
                answer.completeExceptionally(e);
                throw e;
            }
        });
        if (!taken) {
            answer.completeExceptionally(new OperatorException(Kind.UNAVAILABLE, "the cell is stopping"));
        }
        return answer;
    }

    /** Takes no more tasks. @return whether those it had came to their end */
    public boolean end() {
        heartbeat.close();
        thread.shutdown();
        try {
            if (thread.awaitTermination(END.toMillis(), TimeUnit.MILLISECONDS)) {
                return true;
            }
            thread.shutdownNow();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return false;
    }
}
