package org.weft.dataplane.silk.etcd;

import java.util.List;
import java.util.Objects;
import org.weft.dataplane.silk.lease.Lease;
import org.weft.dataplane.silk.lease.LeaseRecord;
import org.weft.dataplane.silk.lease.LeaseSource;

/** Tells the listener what it has not been told. */
final class Report {
    private final LeaseSource.Listener listener;
    private Lease own;
    private List<LeaseRecord> all;
    private String problem;

    Report(LeaseSource.Listener listener) {
        this.listener = listener;
    }

    /** Leases as they are; told if they are others than before, and then true. */
    boolean leases(Lease newOwn, List<LeaseRecord> newAll) {
        if (isTold(newOwn) && newAll.equals(all)) {
            return false;
        }
        own = newOwn;
        all = newAll;
        listener.leases(own, all);
        return true;
    }

    /** Whether leases were told at all, and with this own one. */
    boolean isTold(Lease newOwn) {
        return all != null && Objects.equals(own, newOwn);
    }

    /** The next failure is a new one. */
    void recovered() {
        problem = null;
    }

    void confirmed() {
        listener.confirmed();
    }

    /** Told once as long as it is the same. */
    void failed(String sentence) {
        if (!sentence.equals(problem)) {
            problem = sentence;
            listener.failed(sentence);
        }
    }

    void lost(String sentence) {
        listener.lost(sentence);
    }
}
