package org.weft.dataplane.silk.policy;

/** A source that says what a test lets it say. */
final class MemoryPolicies implements PolicySource {
    private final String name;
    volatile PolicySource.Listener listener;
    volatile int refreshes;
    volatile boolean closed;

    MemoryPolicies(String name) {
        this.name = name;
    }

    @Override
    public String name() {
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
