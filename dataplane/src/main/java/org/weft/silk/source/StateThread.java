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

/**
 * The one thread that owns some state: its tasks alone read and write the state, one at a time.
 *
 * <p>Thread-safe: any thread may call every method, but only others may wait for an answer or call
 * {@link #end}. After each task, whether it failed or not, the thread publishes the state for
 * readers. An exception or error of a task is logged and counted by the thread's heartbeat, and the
 * next task runs. A question's exception goes to the one who asked instead.
 */
public final class StateThread {
    private static final Logger LOG = LoggerFactory.getLogger(StateThread.class);
    private static final Duration END = Duration.ofSeconds(5);

    private final ScheduledExecutorService thread;
    private final String owner;
    private final Runnable publish;
    private final Heartbeat heartbeat;

    /**
     * A thread that starts with its first task. Its heartbeat starts now.
     *
     * @param name of the thread and of its heartbeat
     * @param owner of the state, such as "the cell", in the sentence about questions after the end
     * @param publish called on the thread after each task
     */
    public StateThread(String name, String owner, Runnable publish) {
        this.thread = Executors.newSingleThreadScheduledExecutor(task -> new Thread(task, name));
        this.owner = owner;
        this.publish = publish;
        this.heartbeat = Heartbeats.PROCESS.register(name, Heartbeats.CONTROL);
    }

    /** @return false if the thread is at its end, and the task will not run */
    public boolean run(Runnable task) {
        return runAfter(0, task);
    }

    /**
     * Runs a task later.
     *
     * @param nanos before it runs; at most 0 means now
     * @return false if the thread is at its end, and the task will not run
     */
    public boolean runAfter(long nanos, Runnable task) {
        try {
            thread.schedule(() -> guarded(task), nanos, TimeUnit.NANOSECONDS);
            return true;
        } catch (RejectedExecutionException e) {
            LOG.debug("{} is closed", owner);
            return false;
        }
    }

    /** Repeats a task until the end. It runs for the first time after one period. */
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

    /**
     * Asks a question. The state is published before its answer is there.
     *
     * @return its answer, what it threw, or {@link #stopping}; an error is logged as well
     */
    public <T> CompletableFuture<T> ask(Callable<T> question) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        boolean taken = run(() -> {
            try {
                T found = question.call();
                publish.run(); // the one who asked may look at the status next
                answer.complete(found);
            } catch (Exception e) {
                answer.completeExceptionally(e);
            } catch (Error e) {
                answer.completeExceptionally(e);
                throw e;
            }
        });
        if (!taken) {
            answer.completeExceptionally(stopping());
        }
        return answer;
    }

    /** Why the thread does not take a task any more. */
    public OperatorException stopping() {
        return new OperatorException(Kind.UNAVAILABLE, owner + " is stopping");
    }

    /**
     * Takes no more tasks, and waits up to 5 s for those that it has, also for those that are to run
     * later. Repeated tasks do not run again. After 5 s it interrupts the thread and drops the tasks
     * that have not begun.
     *
     * @return whether all of them ended; false also if the caller was interrupted, who stays so
     */
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
