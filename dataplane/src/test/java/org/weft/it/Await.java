package org.weft.it;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** Waits for a condition, and says what did not come. */
final class Await {
    static final Duration PATIENCE = Duration.ofSeconds(5);

    private static final long PAUSE_NS = 500_000;

    private Await() {}

    static boolean holds(Duration patience, BooleanSupplier condition) {
        long deadline = System.nanoTime() + patience.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                return condition.getAsBoolean();
            }
            LockSupport.parkNanos(PAUSE_NS);
        }
        return true;
    }

    static void until(String what, BooleanSupplier condition) {
        until(what, PATIENCE, condition);
    }

    static void until(String what, Duration patience, BooleanSupplier condition) {
        if (!holds(patience, condition)) {
            throw new AssertionError("waited " + patience.toMillis() + " ms in vain: " + what);
        }
    }

    /** Waits until what is observed is as wanted; a failure shows the last that was seen. */
    static <T> T until(String what, Supplier<T> observed, Predicate<T> wanted) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            T seen = observed.get();
            if (wanted.test(seen)) {
                return seen;
            }
            if (System.nanoTime() > deadline) {
                throw new AssertionError("waited " + PATIENCE.toMillis() + " ms in vain: " + what + "; last " + seen);
            }
            LockSupport.parkNanos(PAUSE_NS);
        }
    }
}
