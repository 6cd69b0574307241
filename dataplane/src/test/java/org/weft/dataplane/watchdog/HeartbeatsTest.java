package org.weft.dataplane.watchdog;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class HeartbeatsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** Any place of the clock is as good as another, its overflow too. */
    private final AtomicLong clock =
            new AtomicLong(Long.MAX_VALUE - Duration.ofSeconds(15).toNanos());

    private final Heartbeats heartbeats = new Heartbeats(clock::get);
    private final List<String> told = new ArrayList<>();

    private void watchFor(int seconds, Heartbeat... beating) {
        watchFor(seconds, watchdog(Map.of()), beating);
    }

    private void watchFor(int seconds, Watchdog watchdog, Heartbeat... beating) {
        for (int i = 0; i < seconds; i++) {
            pass(1);
            for (Heartbeat heartbeat : beating) {
                heartbeat.beat();
            }
            watchdog.look();
        }
    }

    private Watchdog watchdog(Map<String, String> environment) {
        Watchdog watchdog = new Watchdog(heartbeats, environment, 77, told::add);
        watchdog.close();
        return watchdog;
    }

    private void pass(int seconds) {
        clock.addAndGet(Duration.ofSeconds(seconds).toNanos());
    }

    @Test
    void namesTheThreadThatIsSilentAndForHowLong() {
        Heartbeat one = heartbeats.register("weft-one", PATIENCE);
        Heartbeat other = heartbeats.register("weft-other", PATIENCE);
        watchFor(20, one, other);
        assertNull(heartbeats.trouble());
        watchFor(10, one);
        assertNull(heartbeats.trouble(), "that is its full time");
        watchFor(1, one);
        assertEquals("thread weft-other has not moved for 11 s", heartbeats.trouble());
        other.doing("tap-writer-vxlan7");
        watchFor(1, one);
        assertEquals("thread weft-other has not moved for 12 s (tap-writer-vxlan7)", heartbeats.trouble());
        watchFor(1, one, other);
        assertNull(heartbeats.trouble());
    }

    @Test
    void aThreadThatNeverBeatIsSilentSinceItWasRegistered() {
        heartbeats.register("weft-one", PATIENCE);
        watchFor(10);
        assertNull(heartbeats.trouble());
        watchFor(2);
        assertEquals("thread weft-one has not moved for 12 s", heartbeats.trouble());
    }

    @Test
    void aClosedOneNeedNotBeat() {
        heartbeats.register("weft-one", PATIENCE).close();
        watchFor(60);
        assertNull(heartbeats.trouble());
    }

    @Test
    void afterTheWholeProcessWasStoppedEachHasItsFullTimeAgain() {
        Heartbeat one = heartbeats.register("weft-one", PATIENCE);
        Heartbeat hanging = heartbeats.register("weft-hanging", PATIENCE);
        watchFor(5, one, hanging);
        pass(3600);
        assertNull(heartbeats.trouble(), "asked before anybody has looked");
        watchFor(10, one);
        assertNull(heartbeats.trouble());
        watchFor(2, one);
        assertEquals("thread weft-hanging has not moved for 11 s", heartbeats.trouble());
    }

    @Test
    void aWatchdogThatHangsIsTold() {
        watchFor(1);
        for (int i = 0; i < 14; i++) {
            assertNull(heartbeats.trouble());
            pass(1);
        }
        assertEquals("thread weft-watchdog has not moved for 15 s", after(1));
    }

    private String after(int seconds) {
        pass(seconds);
        return heartbeats.trouble();
    }

    @Test
    void aThreadThatDiesIsToldAtOnceAndFurther() {
        List<String> deaths = new ArrayList<>();
        heartbeats.onDeath((sentence, cause) -> deaths.add(sentence + " / " + cause.getMessage()));
        watchFor(1);
        Runnable life = heartbeats.register("weft-one", PATIENCE).life(() -> {
            throw new StackOverflowError("thrown by a test");
        });
        assertDoesNotThrow(life::run);
        String sentence = "thread weft-one died of java.lang.StackOverflowError: thrown by a test";
        assertEquals(List.of(sentence + " / thrown by a test"), deaths);
        assertEquals(sentence, heartbeats.trouble());
        watchFor(5);
        assertEquals(sentence, heartbeats.trouble());
    }

    @Test
    void aThreadThatComesToItsEndIsNotMissed() {
        heartbeats.register("weft-one", PATIENCE).life(() -> {}).run();
        watchFor(60);
        assertNull(heartbeats.trouble());
    }

    @Test
    void aThreadWithoutAHeartbeatThatDiedIsTold() {
        watchFor(1);
        heartbeats.lost("thread x died of y");
        assertEquals("thread x died of y", heartbeats.trouble());
        watchFor(1);
        assertEquals("thread x died of y", heartbeats.trouble());
    }

    @Test
    void guardedTasksGoOnAfterAnErrorAndBeat() {
        Heartbeat one = heartbeats.register("weft-one", PATIENCE);
        Runnable task = one.guard(() -> {
            throw new AssertionError("thrown by a test");
        });
        for (int i = 0; i < 30; i++) {
            assertDoesNotThrow(task::run);
            watchFor(1);
        }
        assertNull(heartbeats.trouble());
    }

    /** The failure throws while the log writes it, as without memory. */
    @Test
    void aFailureThatCannotBeReportedIsTheEnd() {
        List<String> deaths = new ArrayList<>();
        heartbeats.onDeath((sentence, cause) -> deaths.add(sentence));
        Heartbeat one = heartbeats.register("weft-one", PATIENCE);
        Runnable task = one.guard(() -> {
            throw new IllegalStateException("thrown by a test") {
                private static final long serialVersionUID = 1L;

                @Override
                public StackTraceElement[] getStackTrace() {
                    throw new OutOfMemoryError("thrown by a test");
                }
            };
        });

        assertDoesNotThrow(task::run);

        assertEquals(List.of("thread weft-one died of java.lang.OutOfMemoryError: thrown by a test"), deaths);
    }

    @Test
    void theWatchdogGoesOnAfterAnError() throws InterruptedException {
        CountDownLatch looks = new CountDownLatch(3);
        try (Watchdog watchdog =
                new Watchdog(new Heartbeats(System::nanoTime), Map.of("WATCHDOG_USEC", "2000"), 77, state -> {
                    looks.countDown();
                    throw new AssertionError("thrown by a test");
                })) {
            watchdog.start();

            assertTrue(looks.await(20, TimeUnit.SECONDS));
        }
    }

    @Test
    void theHundredthOfAKindWithinAMinuteIsTheEnd() {
        Heartbeat one = heartbeats.register("weft-one", PATIENCE);
        watchFor(1, one);
        List<String> deaths = new ArrayList<>();
        heartbeats.onDeath((sentence, cause) -> deaths.add(sentence));
        for (int i = 0; i < Failures.LIMIT - 1; i++) {
            one.failed(thrownInOnePlace());
            one.failed(thrownInAnother());
        }
        assertEquals(List.of(), deaths);
        assertNull(heartbeats.trouble());
        one.failed(thrownInAnother());
        assertEquals(1, deaths.size());
        assertTrue(
                deaths.get(0)
                        .matches(
                                "thread weft-one failed 100 times within 60 s with java.lang.IllegalStateException at .*"),
                deaths.get(0));
        assertEquals(deaths.get(0), heartbeats.trouble());
        one.failed(thrownInAnother());
        assertEquals(1, deaths.size());
    }

    @Test
    void aRareExceptionIsNeverTheEnd() {
        Heartbeat one = heartbeats.register("weft-one", PATIENCE);
        watchFor(1, one);
        for (int i = 0; i < 10 * Failures.LIMIT; i++) {
            one.failed(thrownInOnePlace());
            watchFor(1, one);
        }
        assertNull(heartbeats.trouble());
    }

    private static Throwable thrownInOnePlace() {
        return new IllegalStateException("thrown by a test");
    }

    private static Throwable thrownInAnother() {
        return new IllegalStateException("thrown by a test");
    }

    @Test
    void tellsSystemdTwiceInItsTimeWhileAllBeat() {
        Heartbeat one = heartbeats.register("weft-one", PATIENCE);
        Watchdog watchdog = watchdog(Map.of("WATCHDOG_USEC", "20000000", "WATCHDOG_PID", "77"));
        watchFor(60, watchdog, one);
        assertEquals(6, told.size());
        assertEquals(List.of("WATCHDOG=1"), told.stream().distinct().toList());
        told.clear();
        watchFor(60, watchdog);
        assertEquals(1, told.size(), "until it is known that one is silent");
        watchFor(1, watchdog, one);
        assertEquals(2, told.size());
    }

    @Test
    void tellsSystemdNothingThatIsNotMeantForThisProcess() {
        watchFor(60, watchdog(Map.of("WATCHDOG_USEC", "20000000", "WATCHDOG_PID", "78")));
        watchFor(60, watchdog(Map.of("WATCHDOG_USEC", "soon")));
        watchFor(60, watchdog(Map.of("WATCHDOG_USEC", "0")));
        watchFor(60, watchdog(Map.of()));
        assertEquals(List.of(), told);
    }
}
