package org.weft.silk.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.operator.OperatorException;

class PolicyListTest {
    private static final IpAddress BACKEND = IpAddress.parse("10.255.126.3");

    private static PolicySet parse(String text) {
        return PolicyList.parse("p.yml", text);
    }

    private static void assertFails(String text, String sentence) {
        OperatorException e = assertThrows(OperatorException.class, () -> parse(text));
        assertEquals(OperatorException.Kind.BAD_DATA, e.kind());
        assertTrue(e.getMessage().startsWith(sentence), e.getMessage());
    }

    @Test
    void readsTagsAndPolicies() {
        PolicySet set = parse(
                """
                tags:
                  - {source: 10.255.43.7, tag: 1, name: proxy}
                  - {source: 10.255.44.0/24, tag: 2}
                allow:
                  - {tag: 1, destination: 10.255.126.3, protocol: tcp, ports: 7777-7779, name: proxy to backend}
                  - tag: 1
                    destination: 10.255.126.3
                    protocol: udp
                    ports: 53
                  - {tag: 2, destination: 10.255.126.3, protocol: icmp}
                """);
        assertEquals(
                List.of(new Tag(IpPrefix.parse("10.255.43.7"), 1), new Tag(IpPrefix.parse("10.255.44.0/24"), 2)),
                set.tags());
        assertEquals(
                List.of(
                        new PolicyRule(new Policy(1, BACKEND, Protocol.TCP, 7777, 7779), "proxy to backend", "p.yml:5"),
                        new PolicyRule(new Policy(1, BACKEND, Protocol.UDP, 53, 53), null, "p.yml:6"),
                        new PolicyRule(new Policy(2, BACKEND, Protocol.ICMP, 0, 0), null, "p.yml:10")),
                set.rules());
        assertEquals(Map.of(1, "proxy"), set.apps());
        assertEquals(Map.of(IpAddress.parse("10.255.43.7"), Workload.ofApp("proxy")), set.workloads());
        assertEquals(List.of(), set.skipped());
    }

    @Test
    void readsJson() {
        PolicySet set = parse(
                "{\"allow\": [\n\t{\"tag\": 1, \"destination\": \"10.255.126.3\", \"protocol\": \"TCP\", \"ports\": 80}]}");
        assertEquals(
                new Policy(1, BACKEND, Protocol.TCP, 80, 80), set.rules().get(0).policy());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "tag: 65536, destination: 10.0.0.1, protocol: tcp, ports: 1 | .tag: \"65536\" is not a number from 1 to"
                        + " 65535: the group policy extension carries 16 bits, and 0 is no tag",
                "tag: 0, destination: 10.0.0.1, protocol: tcp, ports: 1 | .tag: \"0\" is not a number from 1 to 65535: the"
                        + " group policy extension carries 16 bits, and 0 is no tag",
                "destination: 10.0.0.1, protocol: tcp, ports: 1 | .tag: is missing",
                "tag: 1, destination: 10.0.0.1, protocol: sctp, ports: 1 | .protocol: \"sctp\" is not tcp, udp or icmp",
                "tag: 1, destination: 10.0.0.1, protocol: tcp | .ports: is missing",
                "tag: 1, destination: 10.0.0.1, protocol: tcp, ports: 9-8 | : the range of ports 9-8 is empty",
                "tag: 1, destination: 10.0.0.1, protocol: tcp, ports: 0 | : ports 0-0 are not in 1 to 65535",
                "tag: 1, destination: 10.0.0.1, protocol: tcp, ports: 1-65536 | : ports 1-65536 are not in 1 to 65535",
                "tag: 1, destination: 10.0.0.1, protocol: tcp, ports: '-7' | .ports: \"-7\" is not a port such as 7777, or a"
                        + " range such as 7777-7779",
                "tag: 1, destination: 10.0.0.1, protocol: tcp, ports: [] | .ports: must be a single value",
                "tag: 1, destination: 10.0.0.1, protocol: icmp, ports: 1 | : icmp has no ports",
                "tag: 1, destination: 10.0.0.256, protocol: tcp, ports: 1 | .destination: \"10.0.0.256\" is not an IP"
                        + " address such as 10.0.16.14 or 2001:db8::1",
                "tag: 1, destination: 224.0.0.1, protocol: tcp, ports: 1 | .destination: 224.0.0.1 is a multicast address,"
                        + " not a host's",
                "tag: 1, destination: 10.0.0.1, protocol: tcp, port: 1 | .port: is unknown (did you mean \"ports\"?)",
                "tag: 1, tag: 2, destination: 10.0.0.1, protocol: tcp, ports: 1 | .tag: is given twice: leave one out",
            })
    void skipsAndNamesBadPolicy(String entry, String sentence) {
        PolicySet set = parse("allow:\n- {tag: 1, destination: 10.255.126.3, protocol: icmp}\n- {" + entry + "}\n");
        assertEquals(List.of("p.yml:3: allow[1]" + sentence), set.skipped());
        assertEquals(1, set.rules().size());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{source: 10.0.0.1, tag: 65536} | .tag: \"65536\" is not a number from 1 to 65535: the group policy extension"
                        + " carries 16 bits, and 0 is no tag",
                "{source: 10.0.0.1/24, tag: 1} | .source: 10.0.0.1/24 has bits set beyond its length; the network is"
                        + " 10.0.0.0/24, the address 10.0.0.1",
                "{tag: 1} | .source: is missing",
                "10.0.0.1 | : must be a mapping, one \"key: value\" to a line",
                "{source: 10.255.43.7, tag: 2, name: second} | : 10.255.43.7 cannot have tag 2 too: it keeps tag 1 (p.yml:2)",
                "{source: 10.255.43.7, tag: 1} | : 10.255.43.7 has this tag already (p.yml:2): leave one out",
            })
    void skipsAndNamesBadTag(String entry, String sentence) {
        PolicySet set = parse("tags:\n- {source: 10.255.43.7, tag: 1, name: first}\n- " + entry + "\n");
        assertEquals(List.of("p.yml:3: tags[1]" + sentence), set.skipped());
        assertEquals(List.of(new Tag(IpPrefix.parse("10.255.43.7"), 1)), set.tags());
        assertEquals(Map.of(1, "first"), set.apps());
    }

    @Test
    void countsDuplicatePolicyOnceAndNamesIt() {
        String entry = "- {tag: 1, destination: 10.255.126.3, protocol: tcp, ports: 80}\n";
        PolicySet set = parse("allow:\n" + entry + entry);
        assertEquals(1, set.rules().size());
        assertEquals(List.of("p.yml:3: allow[1]: stands in p.yml:2 already: leave one out"), set.skipped());
    }

    @Test
    void namesTwoAppsWithOneTag() {
        PolicySet set = parse("tags: [{source: 10.0.0.1, tag: 1, name: a}, {source: 10.0.0.2, tag: 1, name: b}]");
        assertEquals(2, set.tags().size());
        assertEquals(Map.of(1, "a"), set.apps());
        assertEquals(List.of("p.yml:1: tags[1]: tag 1 cannot be b's too: it stays a's"), set.skipped());
    }

    @Test
    void takesFileWithoutPolicies() {
        assertEquals(PolicySet.EMPTY, parse("allow: []"));
        assertEquals(PolicySet.EMPTY, parse("{tags: [], allow: []}"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "''|p.yml:1: is empty, probably half-written; a file without policies has the line allow: []",
                "'# nothing'|p.yml:1: is empty, probably half-written",
                "allow: [{tag: 1, dest|p.yml:1: is neither YAML nor JSON: ",
                "{}|p.yml:1: has neither tags nor allow",
                "[]|p.yml:1: must be a mapping",
                "allow: x|p.yml:1: allow: must be a list, each item after a \"-\"",
                "allows: []|p.yml:1: allows: is unknown (did you mean \"allow\"?)",
            })
    void refusesWhatIsNoFileOfPolicies(String text, String sentence) {
        assertFails(text, sentence);
    }

    @Test
    void surviveDeepNesting() {
        assertFails("[".repeat(100_000), "p.yml:1: ");
    }
}
