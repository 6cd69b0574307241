package org.weft.dataplane.watchdog;

import java.util.HashSet;
import java.util.Set;

/**
 * Unique names for threads of one kind that come and go: a prefix, and the lowest number that is
 * free. Linux shows the first 15 bytes of a name. Thread-safe.
 */
public final class ThreadNames {
    private final Set<String> taken = new HashSet<>();

    /** Takes a name; the caller gives it back when the thread has ended. */
    public synchronized String take(String prefix) {
        for (int number = 0; ; number++) {
            if (taken.add(prefix + number)) {
                return prefix + number;
            }
        }
    }

    /** Gives back a name of {@link #take}. */
    public synchronized void giveBack(String name) {
        taken.remove(name);
    }

    /** A thread with a name of its own, which it gives back at its end. */
    public Thread thread(String prefix, Runnable task) {
        String name = take(prefix);
        return new Thread(
                () -> {
                    try {
                        task.run();
                    } finally {
                        giveBack(name);
                    }
                },
                name);
    }
}
