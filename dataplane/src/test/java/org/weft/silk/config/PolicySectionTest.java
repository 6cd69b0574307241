package org.weft.silk.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.daemon.ConfigFile;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.policy.FlowTable.Timeouts;
import org.weft.encap.IpAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.config.CellConfig.TlsFiles;
import org.weft.silk.config.PolicyConfig.HostAccess;
import org.weft.silk.config.PolicyConfig.PolicyFile;
import org.weft.silk.config.PolicyConfig.PolicyServer;

class PolicySectionTest {
    private static final String UNDERLAY = "underlay: {local: 10.0.16.16}\n";
    private static final String VTEP = "vteps: [{name: silk-vtep, vni: 1, gbp: true}]\n";
    private static final String TWO =
            "vteps: [{name: silk-vtep, vni: 1, gbp: true}, {name: plain, vni: 2, gbp: false}]\n";
    private static final String CELL =
            UNDERLAY + "cell: {subnet-prefix-length: 26, state: /data/weft, leases: {file: /etc/weft/leases.yml}}\n";
    private static final String SERVER =
            "url: https://policy-server.service.cf.internal:4003, ca: /ca, cert: /cert, key: /key";

    private final List<String> warnings = new ArrayList<>();

    private PolicyConfig parse(String text) {
        return ConfigFile.parse(
                        "weft.yml", text, (local, dev) -> 1500, dev -> IpAddress.parse("10.0.16.16"), warnings::add)
                .policy();
    }

    private void assertProblem(String text, String problem) {
        OperatorException e = assertThrows(OperatorException.class, () -> parse(text));
        assertEquals(Kind.BAD_CONFIG, e.kind());
        assertEquals("weft.yml:" + problem, e.getMessage());
    }

    private static String server(String more) {
        return VTEP + "policy:\n  source: {policy-server: {" + SERVER + "}, containers: /store.json}\n  " + more;
    }

    @Test
    void thereIsNoneWithoutTheSection() {
        assertNull(parse(VTEP));
        assertNull(ConfigFile.none().policy());
    }

    @Test
    void enforcesLiveChangesByDefault() {
        assertEquals(
                new PolicyConfig(
                        "silk-vtep",
                        Mode.ENFORCE,
                        Refusal.REJECT,
                        Spoofing.OFF,
                        24,
                        262_144,
                        Timeouts.DEFAULT,
                        null,
                        PolicyConfig.NO_ROUTER,
                        Path.of("/var/lib/weft"),
                        null,
                        HostAccess.DEFAULT),
                parse(VTEP + "policy: {}\n"));
        assertEquals(List.of(), warnings);
    }

    @Test
    void dropsWhatIsSpoofedWhereLeasesSayWhoHasWhichAddress() {
        assertEquals(Spoofing.DROP, parse(CELL + "policy: {}\n").spoofing());
        assertEquals(Spoofing.COUNT, parse(CELL + "policy: {spoofing: count}\n").spoofing());
        assertEquals(
                Spoofing.OFF,
                parse(CELL + VTEP.replace("vni: 1", "vni: 2").replace("silk-vtep", "other") + "policy: {vtep: other}\n")
                        .spoofing());
    }

    @Test
    void readsEachKey() {
        assertEquals(
                new PolicyConfig(
                        "plain",
                        Mode.LOG,
                        Refusal.DROP,
                        Spoofing.COUNT,
                        25,
                        16_777_216,
                        new Timeouts(3600, 60),
                        Path.of("/var/log/verdicts"),
                        PolicyConfig.NO_ROUTER,
                        Path.of("/data"),
                        new PolicyFile(Path.of("policies.yml")),
                        HostAccess.DEFAULT),
                parse(
                        TWO
                                + """
                        policy:
                          vtep: plain
                          mode: log
                          refuse: drop
                          spoofing: count
                          subnet-prefix-length: 25
                          flows: 16777216
                          tcp-timeout: 1h
                          udp-timeout: 60
                          verdicts: /var/log/verdicts
                          state: /data
                          source: {file: policies.yml}
                        """));
    }

    @Test
    void aCellRefusesWhatDnatSendsOnAndReachesTheHostUnlessItIsToldOtherwise() {
        assertEquals(new HostAccess(false, true), parse(CELL + "policy: {}\n").hostAccess());
        assertEquals(
                new HostAccess(true, false),
                parse(CELL + "policy: {dnat: allow, host: refuse}\n").hostAccess());
        assertProblem(CELL + "policy: {dnat: drop}\n", "3: policy.dnat: \"drop\" is not one of allow, refuse");
    }

    @Test
    void onlyACellGuardsTheWaysByItsHost() {
        assertProblem(VTEP + "policy: {dnat: allow}\n", "2: policy.dnat: is for the VTEP of a cell: leave it out");
        assertProblem(
                CELL + VTEP.replace("silk-vtep", "other").replace("vni: 1", "vni: 2")
                        + "policy: {vtep: other, host: refuse}\n",
                "4: policy.host: is for the VTEP of a cell: leave it out");
    }

    @Test
    void readsPolicyServer() {
        PolicyConfig policy = parse(
                VTEP
                        + """
                policy:
                  ingress-router-tag: 3
                  source:
                    policy-server:
                      urls: [https://10.0.0.5:4003, https://10.0.0.6:4003]
                      ca: /ca
                      cert: /cert
                      key: /key
                      timeout: 7
                    containers: /store.json
                    poll-interval: 9
                """);
        assertEquals(3, policy.ingressRouterTag());
        assertEquals(
                new PolicyServer(
                        List.of(URI.create("https://10.0.0.5:4003"), URI.create("https://10.0.0.6:4003")),
                        new TlsFiles(Path.of("/ca"), Path.of("/cert"), Path.of("/key")),
                        Path.of("/store.json"),
                        Duration.ofSeconds(9),
                        Duration.ofSeconds(7)),
                policy.source());
    }

    @Test
    void asksPolicyServerAsSilkDoes() {
        PolicyConfig policy = parse(server("ingress-router-tag: auto\n"));
        PolicyServer server = (PolicyServer) policy.source();
        assertEquals(PolicyConfig.ASK, policy.ingressRouterTag());
        assertEquals(Duration.ofSeconds(5), server.poll());
        assertEquals(Duration.ofSeconds(5), server.timeout());
        assertEquals(List.of(URI.create("https://policy-server.service.cf.internal:4003")), server.urls());
    }

    @Test
    void followsTheCell() {
        PolicyConfig policy = parse(CELL + "policy: {mode: netfilter}\n");
        assertEquals("silk-vtep", policy.vtep());
        assertEquals(26, policy.subnetLength());
        assertEquals(Path.of("/data/weft"), policy.state());
        assertEquals(Mode.NETFILTER, policy.mode());
    }

    @Test
    void prefersTheCellsVtepToOthers() {
        PolicyConfig policy = parse(CELL + "vteps: [{name: plain, vni: 2, port: 4790}]\npolicy: {}\n");
        assertEquals("silk-vtep", policy.vtep());
        assertEquals(
                24,
                parse(CELL + "vteps: [{name: plain, vni: 2, port: 4790, gbp: true}]\npolicy: {vtep: plain}\n")
                        .subnetLength());
    }

    @Test
    void takesVtepThatIsAddedLater() {
        assertEquals("later", parse("policy: {vtep: later}\n").vtep());
    }

    @Test
    void warnsWherePacketsCarryNoTags() {
        parse(TWO + "policy: {vtep: plain}\n");
        assertEquals(
                List.of("policy: packets of plain carry no tags without gbp, so no policy lets any in: set its gbp to"
                        + " true"),
                warnings);
    }

    @Test
    void refusesToGuessAmongSeveralVteps() {
        assertProblem(TWO + "policy: {}\n", "2: policy.vtep: is missing: give one of silk-vtep, plain");
        assertProblem("policy: {}\n", "1: policy.vtep: is missing: give the name of the VTEP whose packets are judged");
    }

    @Test
    void namesVtepThatWasProbablyMeant() {
        assertProblem(
                VTEP + "policy: {vtep: silk-vetp}\n",
                "2: policy.vtep: there is no VTEP silk-vetp (did you mean \"silk-vtep\"?): give one of silk-vtep");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "mode: on | mode: \"on\" is not one of off, log, enforce, netfilter",
                "refuse: ignore | refuse: \"ignore\" is not one of reject, drop",
                "spoofing: true | spoofing: \"true\" is not one of off, count, drop",
                "flows: 16777217 | flows: \"16777217\" is not a number from 1024 to 16777216",
                "tcp-timeout: 0 | tcp-timeout: \"0\" is not a duration from 1s to 8760h, such as 30s, 5m or 168h",
                "udp-timeout: x | udp-timeout: \"x\" is not a duration from 1s to 8760h, such as 30s, 5m or 168h",
                "subnet-prefix-length: 33 | subnet-prefix-length: \"33\" is not a number from 1 to 32",
                "verdicts: '' | verdicts: \"\" is not a path",
                "refused: drop | refused: is unknown (did you mean \"refuse\"?)",
                "source: {} | source: must be file or policy-server",
                "source: x | source: must be a mapping, one \"key: value\" to a line",
                "'source: {file: /p, poll-interval: 5}' | source.poll-interval: is for policy-server: leave it out",
                "ingress-router-tag: 3 | ingress-router-tag: is for the ports in containers' metadata, which only"
                        + " source.policy-server reads: leave it out, and let the tag in by policies",
                "source: {file: /p, policy-server: {}} | source: must be file or policy-server, not both",
            })
    void namesWhatIsWrong(String key, String problem) {
        String text = key.startsWith("'") ? key.substring(1, key.length() - 1) : key;
        assertProblem(VTEP + "policy:\n  " + text + "\n", "3: policy." + problem);
    }

    @Test
    void refusesTagsOfMoreThan16Bits() {
        assertProblem(
                server("ingress-router-tag: 65536\n"),
                "4: policy.ingress-router-tag: \"65536\" is not a number from 1 to 65535: the group policy extension"
                        + " carries 16 bits, and 0 is no tag");
    }

    @Test
    void refusesSubnetLengthBesideACell() {
        assertProblem(
                CELL + "policy: {subnet-prefix-length: 24}\n",
                "3: policy.subnet-prefix-length: follows from the cell: leave it out");
    }

    @Test
    void namesWhatPolicyServerLacks() {
        OperatorException e = assertThrows(
                OperatorException.class, () -> parse(VTEP + "policy:\n  source:\n    policy-server: {cert: /c}\n"));
        assertEquals(
                """
                weft.yml:4: policy.source.containers: is missing
                weft.yml:4: policy.source.policy-server.url: is missing
                weft.yml:4: policy.source.policy-server.ca: is missing
                weft.yml:4: policy.source.policy-server.key: is missing""",
                e.getMessage());
    }

    @Test
    void refusesPolicyServerInClearText() {
        OperatorException e =
                assertThrows(OperatorException.class, () -> parse(server("").replace("https://", "http://")));
        assertTrue(e.getMessage().contains("policy.source.policy-server.url: \"http://policy-server"), e.getMessage());
    }
}
