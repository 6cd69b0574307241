package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.encap.IpAddress;
import org.weft.it.CellHost.Container;
import org.weft.it.Probe.End;
import org.weft.it.Probe.Server;
import org.weft.testing.RequiresRoot;

/** Three hosts and six containers, of which each has a tag, and policies between them. */
@RequiresRoot
class PolicyIT {
    private static final int[] PORTS = {7000, 7001, 7050, 8000, 9999};

    private PolicyLab lab;

    @AfterEach
    void close() {
        if (lab != null) {
            lab.close();
        }
    }

    private static List<Policy> random(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Policy> policies = new ArrayList<>();
        for (String address : CellLab.containerAddresses(3)) {
            for (int tag : PolicyLab.TAGS) {
                IpAddress to = IpAddress.parse(address);
                for (Protocol protocol : Protocol.values()) {
                    if (random.nextBoolean()) {
                        continue;
                    }
                    int first = PORTS[random.nextInt(PORTS.length)] - random.nextInt(20);
                    int last = first + random.nextInt(2000);
                    policies.add(new Policy(
                            tag, to, protocol, protocol.hasPorts() ? first : 0, protocol.hasPorts() ? last : 0));
                }
            }
        }
        return policies;
    }

    private static End expected(List<Policy> policies, int tag, Container to, Protocol protocol, int port) {
        IpAddress address = IpAddress.parse(to.ip());
        return policies.stream().anyMatch(policy -> policy.allows(tag, address, protocol, port))
                ? End.ANSWERED
                : End.REFUSED;
    }

    /** For what stays on the host. */
    private static void applyLocalRules(CellHost host) {
        // Every refusal is to be told, not one a second.
        host.netns.sysctl("net.ipv4.icmp_ratemask", "0");
        Command.run(host.weft("policy nft"), List.of("ip", "netns", "exec", host.netns.name(), "nft", "-f", "-"));
    }

    /** The kernel's host judges with iptables, as vxlan-policy-agent has it do; one verdict is right for both. */
    @Test
    void everyVerdictIsThatOfIptablesAndOfThePolicies() throws IOException {
        List<Policy> policies = random(5);
        lab = PolicyLab.plumb(Subject.WEFT, Subject.WEFT, Subject.KERNEL).start(policies);
        lab.hosts().stream().filter(host -> host.subject == Subject.WEFT).forEach(PolicyIT::applyLocalRules);
        List<String> wrong = new ArrayList<>();
        int answered = 0;
        int refused = 0;
        for (Container to : lab.containers()) {
            Server server = new Server(to, PORTS);
            try (server) {
                for (CellHost host : lab.hosts()) {
                    for (Container from : host.containers()) {
                        if (from == to) {
                            continue;
                        }
                        for (int port : PORTS) {
                            End tcp = Probe.tcp(from, to, port);
                            End udp = Probe.udp(from, to, port, 10);
                            End fragmented = Probe.udp(from, to, port, 4000);
                            compare(wrong, policies, from, to, Protocol.TCP, port, tcp);
                            compare(wrong, policies, from, to, Protocol.UDP, port, udp);
                            compare(wrong, policies, from, to, Protocol.UDP, port, fragmented);
                            answered += tcp == End.ANSWERED ? 1 : 0;
                            refused += tcp == End.REFUSED ? 1 : 0;
                        }
                        compare(wrong, policies, from, to, Protocol.ICMP, 0, Probe.ping(from, to));
                    }
                }
            }
        }
        assertEquals(List.of(), wrong);
        assertTrue(answered > 20 && refused > 20, answered + " answered, " + refused + " refused");
    }

    private void compare(
            List<String> wrong,
            List<Policy> policies,
            Container from,
            Container to,
            Protocol protocol,
            int port,
            End end) {
        End expected = expected(policies, PolicyLab.tag(from), to, protocol, port);
        if (end != expected) {
            wrong.add(from.ip() + " to " + to.ip() + " " + protocol + " " + port + ": " + end + ", not " + expected);
        }
    }

    @Test
    void aChangeCountsAtOnceAndLosesNoConnection() throws IOException {
        Policy open = new Policy(1, IpAddress.parse("10.255.43.6"), Protocol.TCP, 7000, 7000);
        lab = PolicyLab.plumb(Subject.WEFT, Subject.WEFT).start(List.of(open));
        Container from = lab.host(0).container(0);
        Container to = lab.host(1).container(0);
        CellHost judge = lab.host(1);
        try (OpenConnection connection = OpenConnection.between(from, to, 7000)) {
            for (int i = 0; i < 10; i++) {
                judge.weft("policy deny 1 10.255.43.6 --protocol tcp --port 7000");
                assertEquals(End.REFUSED, Probe.tcp(from, to, 7000));
                connection.awaitAnswer();
                judge.weft("policy allow 1 10.255.43.6 --protocol tcp --port 7000");
                connection.awaitAnswer();
            }
            lab.write(List.of());
            judge.weft("policy deny 1 10.255.43.6 --protocol tcp --port 7000");
            connection.awaitAnswer();
            assertEquals(End.REFUSED, Probe.tcp(from, to, 7000));
        }
    }
}
