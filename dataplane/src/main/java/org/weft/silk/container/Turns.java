package org.weft.silk.container;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/**
 * Lets operations on different containers run side by side, and those on the same one after the other. An operation that
 * hangs keeps only those back that are about the same subjects, and not for ever: they are refused after a while.
 *
 * <p>Thread-safe.
 */
final class Turns {
    /** Most operations take some ten milliseconds, and a container runtime tries again. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** An operation that has its subjects to itself until it is closed. */
    final class Turn {
        private final List<Object> subjects;
        private final String operation;
        private final long startNanos = System.nanoTime();

        private Turn(String operation, List<Object> subjects) {
            this.operation = operation;
            this.subjects = subjects;
        }

        private Duration age() {
            return Duration.ofNanos(System.nanoTime() - startNanos);
        }

        private String describe() {
            return operation + " of " + subjects.get(0) + " has been running for " + age().toSeconds() + " s";
        }

        void close() {
            end(this);
        }
    }

    private final Duration patience;
    private final Map<Object, Turn> taken = new HashMap<>();

    Turns() {
        this(PATIENCE);
    }

    Turns(Duration patience) {
        this.patience = patience;
    }

    /**
     * Does something while no other operation has any of the subjects.
     *
     * @param operation a noun, such as {@code attach}
     * @param subjects compared by equals; the first is named where the operation is
     * @throws OperatorException if another operation has one of them for long; nothing was done then
     */
    <T> T during(String operation, Supplier<T> work, Object... subjects) {
        Turn turn = take(operation, subjects);
        try {
            return work.get();
        } finally {
            turn.close();
        }
    }

    private synchronized Turn take(String operation, Object... subjects) {
        List<Object> all = List.of(subjects);
        long deadline = System.nanoTime() + patience.toNanos();
        for (Turn other = holder(all); other != null; other = holder(all)) {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                throw new OperatorException(
                        Kind.UNAVAILABLE, operation + " has to wait: the " + other.describe() + "; try again later");
            }
            await(left);
        }
        return begin(operation, all);
    }

    /** A turn that the caller closes, without waiting for it; null if another operation has the subject. */
    synchronized Turn takeAtOnce(String operation, Object subject) {
        return taken.containsKey(subject) ? null : begin(operation, List.of(subject));
    }

    private Turn begin(String operation, List<Object> subjects) {
        Turn turn = new Turn(operation, subjects);
        subjects.forEach(subject -> taken.put(subject, turn));
        return turn;
    }

    private Turn holder(List<Object> subjects) {
        return subjects.stream()
                .map(taken::get)
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(null);
    }

    private void await(long nanos) {
        try {
            TimeUnit.NANOSECONDS.timedWait(this, nanos);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OperatorException(Kind.UNAVAILABLE, "interrupted: this daemon is stopping", e);
        }
    }

    private synchronized void end(Turn turn) {
        turn.subjects.forEach(taken::remove);
        notifyAll();
    }

    /** The operation that has been running longest, if that is longer than a limit, in a phrase; null if there is none. */
    synchronized String hanging(Duration limit) {
        return taken.values().stream()
                .filter(turn -> turn.age().compareTo(limit) > 0)
                .max((one, other) -> one.age().compareTo(other.age()))
                .map(turn -> "the " + turn.describe())
                .orElse(null);
    }
}
