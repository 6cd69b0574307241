package org.weft.silk.cell;

import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.silk.container.Tenants;

/** Waiting for containers to leave, up to a limit (silk: jobs/silk-daemon/templates/drain.erb). */
final class Drain {
    private static final Logger LOG = LoggerFactory.getLogger(Drain.class);

    private final Tenants tenants;
    private final Runnable stop;
    private boolean on;
    private boolean done;
    private long deadlineNanos;

    /** @param stop ends the process */
    Drain(Tenants tenants, Runnable stop) {
        this.tenants = tenants;
        this.stop = stop;
    }

    void begin(Duration timeout) {
        if (done) {
            return;
        }
        on = true;
        deadlineNanos = System.nanoTime() + timeout.toNanos();
        tenants.draining(true);
        LOG.info("draining: containers ({}) are to leave within {} s", tenants.size(), timeout.toSeconds());
    }

    boolean isOn() {
        return on;
    }

    boolean isDone() {
        return done;
    }

    boolean isReady() {
        return on && !done && tenants.size() == 0;
    }

    boolean hasTimedOut() {
        return on && !done && System.nanoTime() - deadlineNanos >= 0;
    }

    /** How long is left; -1 if it is not on. */
    long remainingMillis() {
        return on ? Math.max(0, (deadlineNanos - System.nanoTime()) / 1_000_000) : -1;
    }

    void cancel() {
        if (!on || done) {
            return;
        }
        on = false;
        tenants.draining(false);
        LOG.warn("not drained: containers ({}) are still here; the cell continues as before", tenants.size());
    }

    void finish() {
        done = true;
        stop.run();
    }
}
