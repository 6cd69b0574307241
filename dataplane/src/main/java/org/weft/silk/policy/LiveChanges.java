package org.weft.silk.policy;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.encap.IpAddress;

/**
 * What an operator allowed and denied while the daemon runs: the last word on each port counts, before what a source says.
 * For one thread.
 */
final class LiveChanges {
    private static final String ORIGIN = "operator";

    private final Map<Key, List<Policy>> allowed = new LinkedHashMap<>();
    private final Map<Key, List<Policy>> denied = new LinkedHashMap<>();

    /** What policies are compared by, but for their ports. */
    private record Key(int tag, IpAddress destination, Protocol protocol) {
        static Key of(Policy policy) {
            return new Key(policy.tag(), policy.destination(), policy.protocol());
        }
    }

    void allow(Policy policy) {
        move(policy, denied, allowed);
    }

    void deny(Policy policy) {
        move(policy, allowed, denied);
    }

    private static void move(Policy policy, Map<Key, List<Policy>> from, Map<Key, List<Policy>> to) {
        Key key = Key.of(policy);
        from.computeIfPresent(key, (same, list) -> {
            List<Policy> left = without(list, List.of(policy));
            return left.isEmpty() ? null : left;
        });
        List<Policy> list = new ArrayList<>(without(to.getOrDefault(key, List.of()), List.of(policy)));
        list.add(policy);
        to.put(key, list);
    }

    /** What of policies is left without others of the same key. */
    private static List<Policy> without(List<Policy> policies, List<Policy> cuts) {
        List<Policy> left = policies;
        for (Policy cut : cuts) {
            List<Policy> pieces = new ArrayList<>(left.size() + 1);
            left.forEach(policy -> cut(policy, cut, pieces));
            left = pieces;
        }
        return left;
    }

    private static void cut(Policy policy, Policy cut, List<Policy> pieces) {
        if (cut.lastPort() < policy.firstPort() || policy.lastPort() < cut.firstPort()) {
            pieces.add(policy);
            return;
        }
        if (policy.firstPort() < cut.firstPort()) {
            pieces.add(ports(policy, policy.firstPort(), cut.firstPort() - 1));
        }
        if (cut.lastPort() < policy.lastPort()) {
            pieces.add(ports(policy, cut.lastPort() + 1, policy.lastPort()));
        }
    }

    private static Policy ports(Policy policy, int first, int last) {
        return new Policy(policy.tag(), policy.destination(), policy.protocol(), first, last);
    }

    /** What is in force with these changes. */
    List<PolicyRule> over(Collection<PolicyRule> source) {
        List<PolicyRule> rules = new ArrayList<>(source.size() + allowed.size());
        for (PolicyRule rule : source) {
            List<Policy> cuts = denied.isEmpty() ? null : denied.get(Key.of(rule.policy()));
            if (cuts == null) {
                rules.add(rule);
            } else {
                without(List.of(rule.policy()), cuts)
                        .forEach(left -> rules.add(new PolicyRule(left, rule.name(), rule.origin())));
            }
        }
        allowed().forEach(policy -> rules.add(new PolicyRule(policy, null, ORIGIN)));
        return rules;
    }

    List<Policy> allowed() {
        return allowed.values().stream().flatMap(List::stream).toList();
    }

    List<Policy> denied() {
        return denied.values().stream().flatMap(List::stream).toList();
    }
}
