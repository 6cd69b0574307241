package org.weft.silk.etcd;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** How long to wait before the next try: from 0.1 s, doubling up to a limit, each time cut by up to a half at random. */
final class Backoff {
    private static final long FIRST_NANOS = Duration.ofMillis(100).toNanos();

    private final long limit;
    private long next = FIRST_NANOS;

    Backoff(Duration limit) {
        this.limit = Math.max(FIRST_NANOS, limit.toNanos());
    }

    long nanos() {
        long delay = next;
        next = Math.min(2 * next, limit);
        return ThreadLocalRandom.current().nextLong(delay / 2, delay);
    }

    void reset() {
        next = FIRST_NANOS;
    }
}
