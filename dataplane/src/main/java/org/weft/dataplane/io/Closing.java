package org.weft.dataplane.io;

import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;

/** Closes things that have several parts. A part that throws leaves no other part open. */
public final class Closing {
    private Closing() {}

    /**
     * Runs all parts in order, whatever they throw.
     *
     * @throws RuntimeException that the first failing part threw, or its {@link Error}; the later
     *     failures are added to it
     */
    public static void all(Runnable... parts) {
        each(List.of(parts), Runnable::run);
    }

    /** Closes all elements in order, whatever that throws. It throws as {@link #all} does. */
    public static <T> void each(Collection<T> elements, Consumer<? super T> close) {
        Throwable failure = null;
        for (T element : elements) {
            try {
                close.accept(element);
            } catch (RuntimeException | Error e) {
                if (failure == null) {
                    failure = e;
                } else if (failure != e) {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure != null) {
            throw (RuntimeException) failure;
        }
    }
}
