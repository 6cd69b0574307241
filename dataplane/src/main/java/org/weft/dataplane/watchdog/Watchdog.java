package org.weft.dataplane.watchdog;

import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at all heartbeats once a second, logs what it finds, and tells systemd's watchdog (sd_watchdog_enabled(3)) that the
 * process is alive, while it is.
 */
public final class Watchdog implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Watchdog.class);
    private static final String NAME = "weft-watchdog";
    private static final long NEVER = 0;

    private final Heartbeats heartbeats;
    private final Consumer<String> supervisor;
    private final long tellNanos;
    private final Heartbeat heartbeat;
    private final Thread thread;
    private long toldNanos;
    private String trouble;
    private volatile boolean closed;

    /**
     * A watchdog that does not look yet.
     *
     * @param environment WATCHDOG_USEC and WATCHDOG_PID, as systemd sets them
     * @param pid of this process
     * @param supervisor is told {@code WATCHDOG=1}
     */
    public Watchdog(Heartbeats heartbeats, Map<String, String> environment, long pid, Consumer<String> supervisor) {
        this.heartbeats = heartbeats;
        this.supervisor = supervisor;
        this.tellNanos = periodNanos(environment, pid) / 2;
        this.toldNanos = heartbeats.nanoTime() - tellNanos;
        this.heartbeat = heartbeats.register(NAME, Heartbeats.CONTROL);
        this.thread = new Thread(heartbeat.life(this::run), NAME);
        thread.setDaemon(true);
    }

    private static long periodNanos(Map<String, String> environment, long pid) {
        String meant = environment.get("WATCHDOG_PID");
        String period = environment.get("WATCHDOG_USEC");
        if (period == null || meant != null && !meant.equals(Long.toString(pid))) {
            return NEVER;
        }
        try {
            return TimeUnit.MICROSECONDS.toNanos(Math.max(0, Long.parseLong(period)));
        } catch (NumberFormatException e) {
            LOG.warn(
                    "WATCHDOG_USEC is {}, not a number of microseconds: systemd's watchdog is not told anything",
                    period);
            return NEVER;
        }
    }

    public void start() {
        thread.start();
    }

    private void run() {
        Runnable look = heartbeat.guard(this::look);
        while (!closed) {
            look.run();
            LockSupport.parkNanos(untilNextLook());
        }
    }

    private long untilNextLook() {
        long period = Heartbeats.PERIOD.toNanos();
        return tellNanos == NEVER ? period : Math.min(period, Math.max(1, tellNanos / 2));
    }

    /** One look; on one thread. */
    void look() {
        String found = heartbeats.look();
        if (found != null && trouble == null) {
            LOG.error("{}; systemd's watchdog is not told any more that all is well\n{}", found, heartbeats.stacks());
        } else if (found == null && trouble != null) {
            LOG.info("all threads move again");
        }
        trouble = found;
        long now = heartbeats.nanoTime();
        if (found == null && tellNanos != NEVER && now - toldNanos >= tellNanos) {
            toldNanos = now;
            supervisor.accept("WATCHDOG=1");
        }
    }

    @Override
    public void close() {
        closed = true;
        heartbeat.close();
        LockSupport.unpark(thread);
    }
}
