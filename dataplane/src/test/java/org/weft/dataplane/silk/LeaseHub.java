package org.weft.dataplane.silk;

import java.util.List;
import org.weft.dataplane.silk.lease.Lease;
import org.weft.dataplane.silk.lease.LeaseRecord;
import org.weft.dataplane.silk.lease.LeaseSource;

/** A source of leases that says what it is told to say, at once and on the caller's thread. */
final class LeaseHub implements LeaseSource {
    private final Lease own;
    private Listener listener;

    /** @param own the lease of the host that asks */
    LeaseHub(Lease own) {
        this.own = own;
    }

    void tell(List<LeaseRecord> all) {
        listener.leases(own, all);
    }

    @Override
    public String name() {
        return "hub";
    }

    @Override
    public void start(Lease held, Listener listener) {
        this.listener = listener;
        listener.leases(own, List.of());
    }

    @Override
    public void refresh() {
        listener.confirmed();
    }

    @Override
    public void acquireAnother() {
        listener.leases(own, List.of());
    }

    @Override
    public void release() {
        // Nobody else wants it.
    }

    @Override
    public void close() {
        // It has no thread.
    }
}
