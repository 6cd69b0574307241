package org.weft.silk.source;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.weft.dataplane.watchdog.Heartbeat;
import org.weft.dataplane.watchdog.Heartbeats;

/** A thread that does something, waits as long as that says, or until somebody wakes it, and does it again. */
public final class PollLoop {
    /** What throws is tried again. */
    private static final Duration AFTER_FAILURE = Duration.ofSeconds(1);

    private final Supplier<Duration> cycle;
    private final Heartbeat heartbeat;
    private final Thread thread;
    private Duration wait;
    private boolean wake;
    private boolean stopped;

    /** @param cycle what to do; returns how long to wait, null to wait for {@link #wake} only */
    public PollLoop(String threadName, Supplier<Duration> cycle) {
        this.cycle = cycle;
        this.heartbeat = Heartbeats.PROCESS.register(threadName, Heartbeats.CONTROL);
        this.thread = new Thread(heartbeat.life(this::run), threadName);
        thread.setDaemon(true);
    }

    public void start() {
        thread.start();
    }

    /** Ends the wait under way, or the next one. */
    public synchronized void wake() {
        wake = true;
        notifyAll();
    }

    /** Lets the cycle under way be the last; returns at once. */
    public synchronized void stop() {
        stopped = true;
        heartbeat.close();
        notifyAll();
    }

    public synchronized boolean isStopped() {
        return stopped;
    }

    /** Waits for the end of the last cycle, unless it is the caller itself. */
    public void join(Duration limit) {
        if (Thread.currentThread() == thread) {
            return;
        }
        try {
            thread.join(Math.max(1, limit.toMillis()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        Runnable next = heartbeat.guard(() -> wait = cycle.get());
        while (!isStopped()) {
            wait = AFTER_FAILURE;
            next.run();
            await(wait);
        }
    }

    private synchronized void await(Duration delay) {
        long begin = System.nanoTime();
        long limit = delay == null ? Long.MAX_VALUE : delay.toNanos();
        try {
            for (long left = limit; left > 0 && !wake && !stopped; left = limit - (System.nanoTime() - begin)) {
                TimeUnit.NANOSECONDS.timedWait(this, Math.min(left, Heartbeats.PERIOD.toNanos()));
                heartbeat.beat();
            }
        } catch (InterruptedException e) {
            stopped = true;
        }
        wake = false;
    }
}
