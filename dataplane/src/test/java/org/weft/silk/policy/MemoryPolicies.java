package org.weft.silk.policy;

import java.util.concurrent.atomic.AtomicInteger;

/** A source that says what a test lets it say. */
final class MemoryPolicies implements PolicySource {
    private final String name;
    volatile PolicySource.Listener listener;
    volatile int refreshes;
    volatile boolean closed;

    /** How often {@link #name} still throws on the thread that saves. */
    final AtomicInteger failuresToSave = new AtomicInteger();

    MemoryPolicies(String name) {
        this.name = name;
    }

    @Override
    public String name() {
        boolean saving = Thread.currentThread().getName().equals("weft-pol-save");
        if (saving && failuresToSave.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
            throw new AssertionError("thrown by a test");
        }
        return name;
    }

    @Override
    public void start(Listener to) {
        listener = to;
    }

    @Override
    public void refresh() {
        refreshes++;
    }

    @Override
    public void close() {
        closed = true;
    }
}
