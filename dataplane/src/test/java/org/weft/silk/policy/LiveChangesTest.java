package org.weft.silk.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.encap.IpAddress;

class LiveChangesTest {
    private static final IpAddress TARGET = IpAddress.parse("10.255.126.3");

    private final LiveChanges live = new LiveChanges();

    private static Policy ports(int first, int last) {
        return new Policy(1, TARGET, Protocol.TCP, first, last);
    }

    private static Policy icmp(int tag) {
        return new Policy(tag, TARGET, Protocol.ICMP, 0, 0);
    }

    private static PolicyRule rule(Policy policy) {
        return new PolicyRule(policy, "name", "origin");
    }

    private static List<Policy> policies(List<PolicyRule> rules) {
        return rules.stream().map(PolicyRule::policy).toList();
    }

    @Test
    void changesNothingAtFirst() {
        List<PolicyRule> source = List.of(rule(ports(1, 9)), rule(icmp(1)));
        assertEquals(source, live.over(source));
    }

    @Test
    void allowanceIsTheOperators() {
        live.allow(icmp(1));
        assertEquals(List.of(new PolicyRule(icmp(1), null, "operator")), live.over(List.of()));
    }

    @Test
    void denialCutsPortsOutOfThoseOfTheSource() {
        live.deny(ports(5, 6));
        assertEquals(List.of(rule(ports(1, 4)), rule(ports(7, 9))), live.over(List.of(rule(ports(1, 9)))));
        assertEquals(List.of(rule(ports(1, 4))), live.over(List.of(rule(ports(1, 5)))));
        assertEquals(List.of(), live.over(List.of(rule(ports(6, 6)))));
    }

    @Test
    void denialIsOfOneTagAndProtocolOnly() {
        live.deny(icmp(1));
        List<PolicyRule> others = List.of(rule(icmp(2)), rule(ports(1, 9)));
        assertEquals(others, live.over(others));
        assertEquals(List.of(), live.over(List.of(rule(icmp(1)))));
    }

    @Test
    void lastWordCounts() {
        live.deny(ports(1, 9));
        live.allow(ports(5, 5));
        assertEquals(List.of(ports(1, 4), ports(6, 9)), live.denied());
        assertEquals(Set.of(ports(5, 5)), Set.copyOf(policies(live.over(List.of(rule(ports(1, 9)))))));
        live.deny(ports(5, 5));
        assertEquals(List.of(), live.allowed());
        assertEquals(List.of(), live.over(List.of(rule(ports(1, 9)))));
    }

    @Test
    void sameWordTwiceIsKeptOnce() {
        live.allow(ports(1, 9));
        live.allow(ports(1, 9));
        assertEquals(List.of(ports(1, 9)), live.allowed());
    }

    @Test
    void agreesWithAListOfPorts() {
        Random random = new Random(5);
        for (int round = 0; round < 50; round++) {
            LiveChanges changes = new LiveChanges();
            Boolean[] word = new Boolean[65];
            List<PolicyRule> source = new ArrayList<>();
            boolean[] base = new boolean[65];
            for (int i = 0; i < 5; i++) {
                int first = 1 + random.nextInt(60);
                int last = Math.min(64, first + random.nextInt(8));
                source.add(rule(ports(first, last)));
                for (int port = first; port <= last; port++) {
                    base[port] = true;
                }
            }
            for (int i = 0; i < 20; i++) {
                int first = 1 + random.nextInt(60);
                int last = Math.min(64, first + random.nextInt(16));
                boolean allow = random.nextBoolean();
                if (allow) {
                    changes.allow(ports(first, last));
                } else {
                    changes.deny(ports(first, last));
                }
                for (int port = first; port <= last; port++) {
                    word[port] = allow;
                }
            }
            List<Policy> inForce = policies(changes.over(source));
            for (int port = 1; port <= 64; port++) {
                int asked = port;
                boolean expected = word[port] == null ? base[port] : word[port];
                assertEquals(
                        expected,
                        inForce.stream().anyMatch(policy -> policy.allows(1, TARGET, Protocol.TCP, asked)),
                        "round " + round + " port " + port);
            }
        }
    }
}
