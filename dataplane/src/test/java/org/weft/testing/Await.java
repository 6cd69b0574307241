package org.weft.testing;

import static org.junit.jupiter.api.Assertions.fail;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Waits for a condition. */
public final class Await {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private Await() {}

    /** Fails, naming what did not happen, after ten seconds. */
    public static void until(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + LIMIT.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                fail(what + ": not within " + LIMIT.toSeconds() + " s");
            }
            Thread.onSpinWait();
            Thread.yield();
        }
    }
}
