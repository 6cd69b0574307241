package org.weft.dataplane.watchdog;

import java.util.concurrent.TimeUnit;

/**
 * The sign of life of one long-lived thread, from its registration until it is closed. The thread beats; any thread may ask.
 * Nothing here waits for a lock.
 */
public final class Heartbeat implements AutoCloseable {
    private final Heartbeats registry;
    private final String name;
    private final long patienceNanos;
    private final Failures failures;

    private volatile long lastNanos;
    private volatile Thread thread;
    private volatile String death;

    /** Written by the thread for every agent that it runs; a reader may see the one before. */
    private String doing;

    Heartbeat(Heartbeats registry, String name, long patienceNanos) {
        this.registry = registry;
        this.name = name;
        this.patienceNanos = patienceNanos;
        this.failures = new Failures(this);
        this.lastNanos = registry.nanoTime();
    }

    String name() {
        return name;
    }

    long nanoTime() {
        return registry.nanoTime();
    }

    /** Says that the thread is alive; it calls this itself. */
    public void beat() {
        thread = Thread.currentThread();
        lastNanos = registry.nanoTime();
    }

    /** Says what the thread does from now on, for the sentence about it when it hangs. Costs a store: no new strings, please. */
    public void doing(String what) {
        doing = what;
    }

    /**
     * Wraps a recurring task of the thread: the thread beats before and after it. An exception of the task is logged and
     * counted, and does not reach the caller.
     */
    public Runnable guard(Runnable task) {
        return () -> {
            beat();
            try {
                task.run();
            } catch (Throwable t) {
                report(t);
            } finally {
                beat();
            }
        };
    }

    /**
     * A failure that Weft cannot report, for example without memory, is the thread's death: it must
     * not end in silence.
     */
    private void report(Throwable thrown) {
        try {
            failed(thrown);
        } catch (Throwable t) {
            die("thread " + name + " died of " + t, thrown);
        }
    }

    /** All that a thread does: it may end, but what it throws is its death. */
    public Runnable life(Runnable body) {
        return () -> {
            beat();
            try {
                body.run();
                close();
            } catch (Throwable t) {
                die("thread " + name + " died of " + t, t);
            }
        };
    }

    /** Logs and counts what a task of the thread threw; the thread calls this itself. See {@link Failures}. */
    public void failed(Throwable thrown) {
        failures.report(thrown);
    }

    void die(String sentence, Throwable cause) {
        death = sentence;
        registry.died(sentence, cause);
    }

    /** One sentence if the thread died; else null. */
    String death() {
        return death;
    }

    /** One sentence if the thread died, or has not beaten for too long; else null. */
    String trouble(long now, long sinceNanos) {
        if (death != null) {
            return death;
        }
        long last = lastNanos;
        long silence = now - (last - sinceNanos > 0 ? last : sinceNanos);
        if (silence <= patienceNanos) {
            return null;
        }
        String what = doing;
        return "thread " + name + " has not moved for " + TimeUnit.NANOSECONDS.toSeconds(silence) + " s"
                + (what == null ? "" : " (" + what + ")");
    }

    /** The thread that beat last; null before the first beat. */
    Thread thread() {
        return thread;
    }

    /** The thread need not beat any more. */
    @Override
    public void close() {
        registry.remove(this);
    }
}
