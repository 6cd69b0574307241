package org.weft.dataplane.watchdog;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the tasks of a thread threw, by kind: class, and the place that threw. The first, tenth, hundredth ... of a kind is
 * logged.
 *
 * <p>A hundred of a kind within a minute are the end of the thread. A packet that one exception meets is lost, and nothing
 * else; but a table or device that is broken throws with every packet or turn, and only a new process mends that. A mistake
 * that a rare packet meets stays below this number. For the thread alone.
 */
final class Failures {
    static final int LIMIT = 100;
    static final Duration WINDOW = Duration.ofMinutes(1);

    private static final Logger LOG = LoggerFactory.getLogger(Failures.class);

    /** Of one kind. */
    private static final class Count {
        private int all;
        private int recent;
        private long windowNanos;
    }

    private final Heartbeat heartbeat;
    private final Map<String, Count> counts = new HashMap<>();

    Failures(Heartbeat heartbeat) {
        this.heartbeat = heartbeat;
    }

    void report(Throwable thrown) {
        StackTraceElement[] trace = thrown.getStackTrace();
        String kind = thrown.getClass().getName() + (trace.length == 0 ? "" : " at " + trace[0]);
        Count count = counts.computeIfAbsent(kind, k -> new Count());
        long now = heartbeat.nanoTime();
        if (count.recent == 0 || now - count.windowNanos > WINDOW.toNanos()) {
            count.windowNanos = now;
            count.recent = 0;
        }
        count.recent++;
        count.all += count.all == Integer.MAX_VALUE ? 0 : 1;
        if (isPowerOfTen(count.all)) {
            LOG.error("{}: a task failed ({} times so far); continuing", heartbeat.name(), count.all, thrown);
        }
        if (count.recent == LIMIT) {
            heartbeat.die(
                    "thread " + heartbeat.name() + " failed " + LIMIT + " times within " + WINDOW.toSeconds()
                            + " s with " + kind,
                    thrown);
        }
    }

    private static boolean isPowerOfTen(int count) {
        int power = count;
        while (power % 10 == 0) {
            power /= 10;
        }
        return power == 1;
    }
}
