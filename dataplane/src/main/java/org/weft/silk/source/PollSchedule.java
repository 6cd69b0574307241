package org.weft.silk.source;

import java.time.Duration;

/**
 * When to ask next. Daemons that were started together (a deployment, a power failure) must not ask together for ever:
 * silk's do, and overwhelm the controller of a large site.
 *
 * @param interval from one poll to the next, about
 */
public record PollSchedule(Duration interval) {
    private static final double JITTER = 0.1;
    private static final Duration FIRST_RETRY = Duration.ofSeconds(1);
    private static final int MAX_DOUBLINGS = 20;

    /**
     * From a daemon's first poll, which is at once, to its second: any time within the interval, so that a fleet spreads.
     *
     * @param random 0 to 1, as in the other methods
     */
    public Duration second(double random) {
        return times(JITTER + (1 - JITTER) * random);
    }

    /** From a poll that went well to the next: the interval, 10 % more or less. */
    public Duration next(double random) {
        return times(1 - JITTER + 2 * JITTER * random);
    }

    /**
     * From a poll that failed to the next: 1 s, doubled with each further failure up to the interval, or down to half of
     * that.
     *
     * @param failures how many have failed in a row, at least 1
     */
    public Duration retry(int failures, double random) {
        Duration doubled = FIRST_RETRY.multipliedBy(1L << Math.min(failures - 1, MAX_DOUBLINGS));
        Duration limit = doubled.compareTo(interval) < 0 ? doubled : interval;
        return Duration.ofNanos((long) (limit.toNanos() * (0.5 + random / 2)));
    }

    private Duration times(double factor) {
        return Duration.ofNanos((long) (interval.toNanos() * factor));
    }
}
