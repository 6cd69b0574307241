package org.weft.silk.etcd;

import java.util.List;
import java.util.Objects;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.lease.LeaseSource;

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

    /** Whatever comes next is told, even if it is the same lease. */
    void lost(String sentence) {
        all = null;
        listener.lost(sentence);
    }
}
