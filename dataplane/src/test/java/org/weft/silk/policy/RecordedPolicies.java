package org.weft.silk.policy;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.weft.testing.Await;

/** What a source tells, in order. */
final class RecordedPolicies implements PolicySource.Listener {
    /** {@code policies}, {@code confirmed}, or {@code failed}. */
    private final List<String> calls = new CopyOnWriteArrayList<>();

    private final List<String> failures = new CopyOnWriteArrayList<>();
    private volatile PolicySet set;

    @Override
    public void policies(PolicySet news) {
        set = news;
        calls.add("policies");
    }

    @Override
    public void confirmed() {
        calls.add("confirmed");
    }

    @Override
    public void failed(String sentence) {
        failures.add(sentence);
        calls.add("failed");
    }

    void clear() {
        calls.clear();
        failures.clear();
    }

    /** What was told last; waits for the first. */
    PolicySet set() {
        Await.until("policies", () -> set != null);
        return set;
    }

    /** As {@link #set}, once there are so many rules. */
    PolicySet awaitRules(int count) {
        Await.until(count + " rules", () -> set != null && set.rules().size() == count);
        return set;
    }

    /** The last failure; waits for the first. */
    String failure() {
        Await.until("failure", () -> !failures.isEmpty());
        return failures.get(failures.size() - 1);
    }

    /** Waits until that was the last call. */
    void awaitLast(String call) {
        Await.until(call, () -> !calls.isEmpty() && calls.get(calls.size() - 1).equals(call));
    }

    /** How often all policies were told. */
    long changes() {
        return calls.stream().filter("policies"::equals).count();
    }
}
