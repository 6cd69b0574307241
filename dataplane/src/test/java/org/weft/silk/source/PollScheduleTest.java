package org.weft.silk.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PollScheduleTest {
    private static final double ALMOST_1 = Math.nextDown(1.0);

    private final PollSchedule schedule = new PollSchedule(Duration.ofSeconds(30));

    private static void assertSeconds(double expected, Duration actual) {
        assertEquals(expected, actual.toNanos() / 1e9, 1e-6);
    }

    @Test
    void pollsAtTheIntervalTenPercentMoreOrLess() {
        assertSeconds(27, schedule.next(0));
        assertSeconds(30, schedule.next(0.5));
        assertSeconds(33, schedule.next(ALMOST_1));
    }

    @Test
    void spreadsTheSecondPollOverTheWholeInterval() {
        assertSeconds(3, schedule.second(0));
        assertSeconds(30, schedule.second(ALMOST_1));
    }

    @Test
    void retriesSoonAndThenLessOften() {
        assertSeconds(0.5, schedule.retry(1, 0));
        assertSeconds(1, schedule.retry(1, ALMOST_1));
        assertSeconds(2, schedule.retry(2, ALMOST_1));
        assertSeconds(16, schedule.retry(5, ALMOST_1));
    }

    @Test
    void neverRetriesLaterThanAnIntervalWhateverTheNumberOfFailures() {
        for (int failures : new int[] {6, 21, 64, 1000, Integer.MAX_VALUE}) {
            assertSeconds(15, schedule.retry(failures, 0));
            assertSeconds(30, schedule.retry(failures, ALMOST_1));
        }
        assertSeconds(0.2, new PollSchedule(Duration.ofMillis(200)).retry(1, ALMOST_1));
    }

    /** A thousand daemons that were started in one instant, at their fifth poll. */
    @Test
    void bringsAFleetOutOfStep() {
        Random random = new Random(4103);
        int[] perSecond = new int[200];
        for (int daemon = 0; daemon < 1000; daemon++) {
            Duration time = schedule.second(random.nextDouble());
            for (int poll = 2; poll < 5; poll++) {
                time = time.plus(schedule.next(random.nextDouble()));
            }
            perSecond[(int) time.toSeconds()]++;
        }
        for (int polls : perSecond) {
            assertTrue(polls < 70, polls + " of 1000 daemons poll in one second of 30");
        }
    }
}
