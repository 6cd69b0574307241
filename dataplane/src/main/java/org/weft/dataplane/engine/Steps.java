package org.weft.dataplane.engine;

import java.util.ArrayDeque;
import java.util.Deque;

/** The steps of one change: either all of them count, or none. One thread uses an object. */
final class Steps {
    /** Actions that take back the steps done, the newest first. */
    private final Deque<Runnable> back = new ArrayDeque<>();

    /**
     * Does a step. If it fails, takes back the steps before it, and passes on what it threw.
     *
     * @param step has done nothing if it throws
     * @param undo takes the step back
     */
    void take(Runnable step, Runnable undo) {
        try {
            step.run();
        } catch (RuntimeException | Error e) {
            back.forEach(each -> attempt(each, e));
            throw e;
        }
        back.push(undo);
    }

    /**
     * Runs a task beside a failure that is being passed on. A failure of the task is added to that
     * one.
     */
    static void attempt(Runnable action, Throwable cause) {
        try {
            action.run();
        } catch (RuntimeException | Error e) {
            cause.addSuppressed(e);
        }
    }
}
