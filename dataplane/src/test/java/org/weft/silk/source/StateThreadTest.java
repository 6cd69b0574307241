package org.weft.silk.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A thread whose tasks throw exceptions and errors of all kinds. */
@Timeout(value = 30, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StateThreadTest {
    private final StateThread thread = new StateThread("weft-test", "the test", () -> {});

    @AfterEach
    void close() {
        assertTrue(thread.end());
    }

    @Test
    void aQuestionThatThrowsIsAnsweredWithThat() {
        Error error = new AssertionError("thrown by a test");
        IllegalStateException exception = new IllegalStateException("thrown by a test");

        CompletionException first = assertThrows(CompletionException.class, () -> thread.ask(() -> {
                    throw error;
                })
                .join());
        CompletionException second = assertThrows(CompletionException.class, () -> thread.ask(() -> {
                    throw exception;
                })
                .join());

        assertSame(error, first.getCause());
        assertSame(exception, second.getCause());
        assertEquals(7, thread.ask(() -> 7).join());
    }

    @Test
    void aTaskThatThrowsIsRepeated() throws InterruptedException {
        CountDownLatch rounds = new CountDownLatch(3);
        thread.every(Duration.ofMillis(1), () -> {
            rounds.countDown();
            if (rounds.getCount() > 0) {
                throw new AssertionError("thrown by a test");
            }
        });

        rounds.await();
    }
}
