package org.weft.silk.lease;

import java.time.Instant;
import java.util.List;

/**
 * Where the leases of all hosts come from, and this host's own. A source has a thread of its own, which it reports
 * from; it never touches the host's network.
 */
public interface LeaseSource extends AutoCloseable {
    /** Hears of leases. Calls come one after the other, from the source's thread, and return soon. */
    interface Listener {
        /**
         * All leases as they are now; called at first and after each change.
         *
         * @param own this host's lease; null if it has none (yet)
         * @param all every host's, this one's among them or not
         */
        void leases(Lease own, List<LeaseRecord> all);

        /** The source answered, and nothing has changed. */
        void confirmed();

        /** The source does not answer, or not in a way that can be used: what was known last stays. */
        void failed(String sentence);

        /** This host's lease cannot be kept: somebody else has it, or it was refused for good. No renewal follows. */
        void lost(String sentence);
    }

    /** What leases come from, for operators: {@code file /etc/weft/leases.yml}. */
    String name();

    /**
     * Begins to acquire or renew this host's lease and to follow all others'. Returns at once.
     *
     * @param held the lease this host held last, to be kept if it can; null if there is none
     * @param confirmed when it was surely this host's; null with {@code held}
     */
    void start(Lease held, Instant confirmed, Listener listener);

    /** Asks now instead of at the next poll. Returns at once. */
    void refresh();

    /** After {@link Listener#lost}: gives up what was held and acquires another lease. Returns at once. */
    void acquireAnother();

    /**
     * Gives this host's lease back and ends the following of others; {@link #close} comes next.
     *
     * @throws org.weft.operator.OperatorException if the source does not take it back
     */
    void release();

    /** Ends the source's thread; the lease stays this host's. */
    @Override
    void close();
}
