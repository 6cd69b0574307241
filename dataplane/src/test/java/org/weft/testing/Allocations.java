package org.weft.testing;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Counts what the calling thread allocates on the Java heap. */
public final class Allocations {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static final int ROUNDS = 10;

    private Allocations() {}

    /**
     * Bytes allocated by so many runs: the least of several rounds, as the JVM's own work (compiled code that is thrown
     * away, a class that is loaded) now and then counts for this thread too.
     */
    public static long during(int runs, Runnable action) {
        long least = Long.MAX_VALUE;
        for (int round = 0; round < ROUNDS && least > 0; round++) {
            long before = THREADS.getCurrentThreadAllocatedBytes();
            run(runs, action);
            least = Math.min(least, THREADS.getCurrentThreadAllocatedBytes() - before);
        }
        return least;
    }

    private static void run(int runs, Runnable action) {
        for (int i = 0; i < runs; i++) {
            action.run();
        }
    }
}
