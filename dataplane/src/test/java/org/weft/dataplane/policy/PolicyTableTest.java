package org.weft.dataplane.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.encap.IpAddress;

class PolicyTableTest {
    private static final IpAddress HERE = IpAddress.parse("10.255.132.2");

    private static Policy tcp(int tag, IpAddress to, int first, int last) {
        return new Policy(tag, to, Protocol.TCP, first, last);
    }

    private static boolean allows(PolicyTable table, int tag, IpAddress to, int protocol, int port) {
        return table.allows(tag, to.high(), to.low(), protocol, port);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 80, 80, the VXLAN header carries 16 bits",
        "65536, 80, 80, the VXLAN header carries 16 bits",
        "1, 0, 80, ports 0-80",
        "1, 80, 65536, ports 80-65536",
        "1, 81, 80, the range of ports 81-80 is empty"
    })
    void refusesWhatIsNoPolicy(int tag, int first, int last, String part) {
        var e = assertThrows(IllegalArgumentException.class, () -> tcp(tag, HERE, first, last));
        assertTrue(e.getMessage().contains(part.replace("the VXLAN", "a VXLAN")), e.getMessage());
    }

    @Test
    void anEmptyTableAllowsNothing() {
        assertFalse(allows(PolicyTable.EMPTY, 1, HERE, 6, 80));
        assertFalse(allows(PolicyTable.EMPTY, 0, HERE, 6, 0));
    }

    @Test
    void overlappingAndTouchingRangesAreOne() {
        PolicyTable table = new PolicyTable(List.of(
                tcp(1, HERE, 90, 100), tcp(1, HERE, 80, 95), tcp(1, HERE, 101, 101), tcp(1, HERE, 65535, 65535)));
        for (int port : new int[] {80, 96, 100, 101, 65535}) {
            assertTrue(allows(table, 1, HERE, 6, port), "port " + port);
        }
        for (int port : new int[] {0, 79, 102, 65534}) {
            assertFalse(allows(table, 1, HERE, 6, port), "port " + port);
        }
        assertEquals(4, table.size());
    }

    @Test
    void icmpHasNoPortsAndIsIcmpv6Too() {
        IpAddress v6 = IpAddress.parse("fd00::1");
        PolicyTable table = new PolicyTable(List.of(new Policy(1, v6, Protocol.ICMP, 0, 0)));
        assertTrue(allows(table, 1, v6, 58, 4711));
        assertTrue(allows(table, 1, v6, 1, 0));
        assertFalse(allows(table, 1, HERE, 1, 0));
    }

    @Test
    void agreesWithTheListOfPoliciesForAnyPacket() {
        SplittableRandom random = new SplittableRandom(42);
        List<Policy> policies = new ArrayList<>();
        for (int i = 0; i < 3000; i++) {
            policies.add(random(random));
        }
        PolicyTable table = new PolicyTable(policies);
        int allowed = 0;
        for (int i = 0; i < 20_000; i++) {
            Policy like = random(random);
            int tag = random.nextInt(20);
            int port = random.nextInt(600);
            boolean expected =
                    policies.stream().anyMatch(policy -> policy.allows(tag, like.destination(), like.protocol(), port));
            assertEquals(
                    expected,
                    allows(table, tag, like.destination(), like.protocol().number(), port),
                    like::toString);
            allowed += expected ? 1 : 0;
        }
        assertTrue(allowed > 1000 && allowed < 19_000, "both happen: " + allowed);
    }

    private static Policy random(SplittableRandom random) {
        Protocol protocol = Protocol.values()[random.nextInt(3)];
        IpAddress to = IpAddress.ofIpv4(0x0aff_0000 + random.nextInt(64));
        int first = 1 + random.nextInt(500);
        return new Policy(
                1 + random.nextInt(18),
                to,
                protocol,
                protocol.hasPorts() ? first : 0,
                protocol.hasPorts() ? first + random.nextInt(20) : 0);
    }

    @Test
    void readersSeeOneTableOrTheOther() throws InterruptedException {
        PolicyTable[] published = {new PolicyTable(List.of(tcp(1, HERE, 80, 80), tcp(2, HERE, 80, 80)))};
        AtomicBoolean stop = new AtomicBoolean();
        AtomicBoolean torn = new AtomicBoolean();
        Thread reader = new Thread(() -> {
            while (!stop.get()) {
                PolicyTable table = published[0];
                if (allows(table, 1, HERE, 6, 80) != allows(table, 2, HERE, 6, 80)) {
                    torn.set(true);
                }
            }
        });
        reader.start();
        for (int i = 0; i < 20_000; i++) {
            published[0] = i % 2 == 0
                    ? PolicyTable.EMPTY
                    : new PolicyTable(List.of(tcp(1, HERE, 80, 80), tcp(2, HERE, 80, 80)));
        }
        stop.set(true);
        reader.join();
        assertFalse(torn.get());
    }
}
