package org.weft.silk.policy;

/** Where tags and policies come from. A source has a thread of its own, which it reports from. */
public interface PolicySource extends AutoCloseable {
    /** Hears of policies. Calls come one after the other, from the source's thread, and return soon. */
    interface Listener {
        /** All there is now; called at first and after each change. */
        void policies(PolicySet set);

        /** The source answered, and nothing has changed. */
        void confirmed();

        /** The source does not answer, or not in a way that can be used: what was known last stays. */
        void failed(String sentence);
    }

    /** What policies come from, for operators: {@code file /etc/weft/policies.yml}. */
    String name();

    /** Begins to follow. Returns at once. */
    void start(Listener listener);

    /** Asks now instead of at the next poll. Returns at once. */
    void refresh();

    /** Ends the source's thread. */
    @Override
    void close();
}
