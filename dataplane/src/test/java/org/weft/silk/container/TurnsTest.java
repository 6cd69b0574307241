package org.weft.silk.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.container.Turns.Turn;

class TurnsTest {
    private static final Duration LONG = Duration.ofMinutes(1);

    private final CountDownLatch release = new CountDownLatch(1);
    private final List<CompletableFuture<?>> running = new ArrayList<>();

    @AfterEach
    void end() {
        release.countDown();
        running.forEach(CompletableFuture::join);
    }

    /** Begins an operation that has the subjects until the end of the test. */
    private void hang(Turns turns, Object... subjects) throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        running.add(CompletableFuture.runAsync(() -> turns.during(
                "attach",
                () -> {
                    begun.countDown();
                    await();
                    return null;
                },
                subjects)));
        begun.await();
    }

    private void await() {
        try {
            release.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void anOperationThatHangsKeepsOnlyThoseOnItsSubjectsBack() throws InterruptedException {
        Turns turns = new Turns(Duration.ofMillis(50));
        hang(turns, "eth0 of a", "interface 7");
        assertEquals("done", turns.during("attach", () -> "done", "eth0 of b", "interface 8"));
        for (Object subject : List.of("eth0 of a", "interface 7")) {
            var e = assertThrows(
                    OperatorException.class, () -> turns.during("detach", () -> "done", "eth0 of b", subject));
            assertEquals(Kind.UNAVAILABLE, e.kind());
            assertEquals(
                    "detach has to wait: the attach of eth0 of a has been running for 0 s; try again later",
                    e.getMessage());
        }
        assertNull(turns.takeAtOnce("removal", "eth0 of a"));
        assertEquals("done", turns.during("attach", () -> "done", "eth0 of b"), "a refused one has left its subjects");
    }

    @Test
    void anOperationWaitsForTheOneBeforeIt() throws InterruptedException {
        Turns turns = new Turns(LONG);
        hang(turns, "a");
        CompletableFuture<String> next =
                CompletableFuture.supplyAsync(() -> turns.during("detach", () -> "detached", "a"));
        running.add(next);
        assertTrue(!next.isDone());
        release.countDown();
        assertEquals("detached", next.join());
    }

    @Test
    void operationsThatFailLeaveTheirSubjects() {
        Turns turns = new Turns(Duration.ZERO);
        assertThrows(
                IllegalStateException.class,
                () -> turns.during(
                        "attach",
                        () -> {
                            throw new IllegalStateException();
                        },
                        "a"));
        Turn turn = turns.takeAtOnce("removal", "a");
        assertNotNull(turn);
        turn.close();
        assertNotNull(turns.takeAtOnce("removal", "a"));
    }

    @Test
    void tellsWhichOperationHangs() throws InterruptedException {
        Turns turns = new Turns(LONG);
        assertNull(turns.hanging(Duration.ZERO));
        hang(turns, "eth0 of a", "interface 7");
        assertEquals("the attach of eth0 of a has been running for 0 s", turns.hanging(Duration.ZERO));
        assertNull(turns.hanging(LONG));
    }

    @Test
    void subjectsBelongToOneOperationAtATimeWhateverTheirOrder() {
        Turns turns = new Turns(LONG);
        AtomicInteger[] users = {new AtomicInteger(), new AtomicInteger(), new AtomicInteger()};
        for (int thread = 0; thread < 4; thread++) {
            Random random = new Random(thread);
            running.add(CompletableFuture.runAsync(() -> {
                for (int i = 0; i < 2_000; i++) {
                    int one = random.nextInt(users.length);
                    int other = (one + 1 + random.nextInt(users.length - 1)) % users.length;
                    turns.during("attach", () -> use(users[one], users[other]), one, other);
                }
            }));
        }
        running.forEach(CompletableFuture::join);
    }

    private static int use(AtomicInteger... users) {
        for (AtomicInteger user : users) {
            assertEquals(1, user.incrementAndGet());
        }
        Thread.yield();
        for (AtomicInteger user : users) {
            user.decrementAndGet();
        }
        return 0;
    }
}
