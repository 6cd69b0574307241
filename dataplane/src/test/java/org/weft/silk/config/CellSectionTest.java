package org.weft.silk.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.config.VtepAttributes;
import org.weft.daemon.ConfigFile;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.dataplane.vtep.UnderlayMtu;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.config.CellConfig.Etcd;
import org.weft.silk.config.CellConfig.LeaseFile;
import org.weft.silk.config.CellConfig.SilkController;
import org.weft.silk.config.CellConfig.TlsFiles;

class CellSectionTest {
    private static final UnderlayMtu ETHERNET = (local, dev) -> 1500;
    private static final String UNDERLAY = "underlay: {local: 10.0.16.16}\n";
    private static final String FILE = "leases: {file: /etc/weft/leases.yml}";
    private static final String CONTROLLER =
            "url: https://silk-controller.service.cf.internal:4103, ca: /ca, cert: /cert, key: /key";

    private static final String CLIENT_CONFIG =
            """
            {"underlay_ip": "10.0.32.12", "subnet_prefix_length": 22, "overlay_network": ["10.250.0.0/16", "10.251.0.0/16"],
             "health_check_port": 24954, "vtep_name": "other-vtep", "vxlan_interface_name": "eth7",
             "connectivity_server_url": "https://controller:4104", "ca_cert_file": "/c/ca.crt",
             "client_cert_file": "/c/client.crt", "client_key_file": "/c/client.key", "vni": 7, "poll_interval": 31,
             "debug_server_port": 22233, "datastore": "/d", "partition_tolerance_seconds": 3600,
             "client_timeout_seconds": 6, "metron_port": 3457, "vtep_port": 4790, "log_prefix": "cfnetworking",
             "single_ip_only": true}
            """;

    private final List<String> warnings = new ArrayList<>();

    @TempDir
    Path directory;

    private CellConfig parse(String text) {
        return ConfigFile.parse("weft.yml", text, ETHERNET, CellSectionTest::addressOf, warnings::add)
                .cell();
    }

    private static IpAddress addressOf(String dev) {
        return switch (dev) {
            case "eth0" -> IpAddress.parse("10.0.16.16");
            default -> null;
        };
    }

    /** A cell with one underlay address and the given lines. */
    private static String cell(String... lines) {
        return UNDERLAY + "cell:\n  " + String.join("\n  ", lines) + "\n";
    }

    private List<String> problems(String text) {
        OperatorException e = assertThrows(OperatorException.class, () -> parse(text));
        assertEquals(Kind.BAD_CONFIG, e.kind());
        return e.getMessage().lines().toList();
    }

    private void assertProblem(String text, String problem) {
        List<String> problems = problems(text);
        assertTrue(
                problems.size() == 1 && problems.get(0).startsWith("weft.yml:" + problem),
                () -> "\n" + String.join("\n", problems) + "\ninstead of\nweft.yml:" + problem);
    }

    @Test
    void thereIsNoneWithoutTheSection() {
        assertNull(parse(UNDERLAY));
        assertNull(ConfigFile.none().cell());
    }

    @Test
    void isAsSilkIsByDefault() {
        assertEquals(
                new CellConfig(
                        IpAddress.parse("10.0.16.16"),
                        null,
                        List.of(IpPrefix.parse("10.255.0.0/16")),
                        24,
                        false,
                        "silk-vtep",
                        Map.of(
                                "local", "10.0.16.16",
                                "vni", "1",
                                "port", "4789",
                                "gbp", "true",
                                "persist", "true",
                                "install-neighbours", "true",
                                "known-peers", "true",
                                "maxaddress", "0"),
                        List.of(),
                        Path.of("/var/lib/weft"),
                        "127.0.0.1:23954",
                        new LeaseFile(Path.of("/etc/weft/leases.yml"))),
                parse(cell(FILE)));
        assertEquals(List.of(), warnings);
    }

    @Test
    void aCellThatLearnsHasTheUsualLimit() {
        CellConfig cell = parse(
                """
                underlay: {local: 10.0.16.16}
                cell:
                  vtep: {learning: true}
                  leases: {file: leases.json}
                """);
        assertNull(cell.vtepAttributes().get("maxaddress"));
    }

    @Test
    void readsEachKey() {
        CellConfig cell = parse(
                """
                underlay: {local: 10.0.16.16, port: 4790}
                cell:
                  overlay: [10.250.0.0/16, 10.251.0.0/20]
                  subnet-prefix-length: 26
                  single-ip: true
                  state: /data/weft
                  network-info: 127.0.0.1:24000
                  vtep:
                    name: weft-vtep
                    id: 9
                    udpcsum: false
                    gbp: false
                    persist: false
                    known-peers: false
                    mtu: 1300
                    tags: [{source: 10.250.1.3, tag: 5}]
                  leases: {file: leases.json}
                """);

        assertEquals(List.of(IpPrefix.parse("10.250.0.0/16"), IpPrefix.parse("10.251.0.0/20")), cell.overlay());
        assertEquals(26, cell.subnetLength());
        assertTrue(cell.singleIp());
        assertEquals(Path.of("/data/weft"), cell.state());
        assertEquals("127.0.0.1:24000", cell.networkInfo());
        assertEquals("weft-vtep", cell.vtepName());
        assertEquals(
                Map.of(
                        "local", "10.0.16.16",
                        "id", "9",
                        "port", "4790",
                        "gbp", "false",
                        "persist", "false",
                        "install-neighbours", "true",
                        "known-peers", "false",
                        "maxaddress", "0",
                        "udpcsum", "false",
                        "mtu", "1300"),
                cell.vtepAttributes());
        assertEquals(List.of(new Tag(IpPrefix.parse("10.250.1.3"), 5)), cell.tags());
        assertEquals(new LeaseFile(Path.of("leases.json")), cell.leases());
        assertEquals(List.of("weft-vtep runs without gbp, so its packets leave untagged"), warnings);
    }

    @Test
    void attributesMakeAVtepOnceThereIsALease() {
        CellConfig cell = parse(cell("vtep: {udpcsum: false, dstport: 8472, local: 10.0.16.17}", FILE));
        Map<String, String> attributes = new HashMap<>(cell.vtepAttributes());
        attributes.put("address", "10.255.126.0/16");

        VtepConfig vtep = VtepAttributes.create(cell.vtepName(), attributes, ETHERNET, warnings::add);

        assertEquals(IpAddress.parse("10.0.16.17"), cell.underlay());
        assertEquals(cell.underlay(), vtep.underlay().local());
        assertEquals(8472, vtep.underlay().port());
        assertEquals(0xeeee_0aff_7e00L, vtep.device().mac());
        assertEquals(1450, vtep.device().mtu());
    }

    @Test
    void standsBesideOtherVteps() {
        String others = "vteps: [{name: v1, vni: 2}, {name: v2, vni: 1, port: 4790}]\n";

        assertEquals("silk-vtep", parse(others + cell(FILE)).vtepName());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{name: silk-vtep, vni: 5} | 4: cell.vtep.name: a VTEP silk-vtep exists already",
                "{name: v, vni: 1} | 4: cell.vtep.vni: a VTEP with VNI 1 on 10.0.16.16:4789 exists already: v;",
                "{name: v, vni: 1, local: 0.0.0.0} | 4: cell.vtep.vni: a VTEP with VNI 1 on 0.0.0.0:4789 exists already: v;"
            })
    void refusesAnotherVtepInItsPlace(String vtep, String problem) {
        assertProblem("vteps: [" + vtep + "]\n" + cell(FILE), problem);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "overlai: 10.255.0.0/16 | overlai: is unknown (did you mean \"overlay\"?)",
                "overlay: 10.255.0.1/16 | overlay: 10.255.0.1/16 has bits set beyond its length",
                "overlay: 10.255 | overlay: \"10.255\" is not an IP address",
                "overlay: [] | overlay: must be a single value",
                "overlay: fd00::/64 | overlay: fd00::/64 cannot be an overlay: silk knows networks of IPv4 hosts only",
                "overlay: 224.0.0.0/8 | overlay: 224.0.0.0/8 cannot be an overlay",
                "overlay: [10.0.0.0/8, 10.255.0.0/16] | overlay: 10.255.0.0/16 overlaps 10.0.0.0/8: leave one out",
                "overlay: 10.255.0.0/24 | overlay: a cell's subnet of length 24 is no part of the overlay network 10.255.0.0/24",
                "subnet-prefix-length: 16 | subnet-prefix-length: a cell's subnet of length 16 is no part of",
                "subnet-prefix-length: 31 | subnet-prefix-length: \"31\" is not a number from 1 to 30",
                "subnet-prefix-length: 0 | subnet-prefix-length: \"0\" is not a number from 1 to 30",
                "single-ip: yes | single-ip: \"yes\" is not true or false",
                "state: '' | state: \"\" is not a path",
                "network-info: 23954 | network-info: \"23954\" is not HOST:PORT",
                "vtep: silk-vtep | vtep: must be a mapping",
                "vtep: {name: a/b} | vtep.name: \"a/b\" is not a device name",
                "vtep: {address: 10.255.1.0/16} | vtep.address: follows from the lease: leave it out",
                "vtep: {mac: 'ee:ee:0a:ff:01:00'} | vtep.mac: follows from the lease: leave it out",
                "vtep: {fdb: []} | vtep.fdb: follow from the leases: leave them out",
                "vtep: {neighbours: []} | vtep.neighbours: follow from the leases: leave them out",
                "vtep: {vni: 16777216} | vtep.vni: \"16777216\" is not a number",
                "vtep: {port: 0} | vtep.port: \"0\" is not a number",
                "vtep: {port: 1, dstport: 2} | vtep.port: is the same as dstport, which is given too",
                "vtep: {lerning: true} | vtep.lerning: is unknown (did you mean \"learning\"?)",
                "vtep: {mtu: [1, {}]} | vtep.mtu: must be a single value",
                "vtep: {tags: [{source: 10.255.1.1, tag: 0}]} | vtep.tags[0].tag: \"0\" is not a number",
                "vtep: {local: 10.255.3.4} | vtep.local: 10.255.3.4 is in the overlay network 10.255.0.0/16",
                "vtep: {local: 239.1.1.1} | vtep.local: 239.1.1.1 is a multicast address"
            })
    void namesWhatIsWrongWithAKey(String line, String problem) {
        assertProblem(cell(line, FILE), "3: cell." + problem);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{} | 1: underlay.local: is missing: a cell's lease is known by this host's underlay address",
                "{local: 0.0.0.0} | 1: underlay.local: 0.0.0.0 is no host's address: a cell's lease is known by",
                "{local: '::', dev: eth0} | 1: underlay.local: :: is no host's address",
                "{dev: eth/6} | 1: underlay.dev: \"eth/6\" is not a device name",
                "{local: 10.0.32} | 1: underlay.local: \"10.0.32\" is not an IP address",
                "{local: 10.255.3.4} | 1: underlay.local: 10.255.3.4 is in the overlay network",
                "{local: 10.0.16.16, port: 70000} | 1: underlay.port: \"70000\" is not a number"
            })
    void namesWhatIsWrongWithTheUnderlay(String underlay, String problem) {
        assertProblem("underlay: " + underlay + "\ncell:\n  " + FILE + "\n", problem);
    }

    @Test
    void needsAnUnderlayAddress() {
        assertProblem("cell:\n  " + FILE + "\n", "2: cell.vtep.local: is missing: a cell's lease is known by");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"{dev: eth0}", "{dev: eth0, local: 0.0.0.0}"})
    void takesTheAddressOfTheInterface(String underlay) {
        CellConfig cell = parse("underlay: " + underlay + "\ncell:\n  " + FILE + "\n");

        assertEquals(IpAddress.parse("10.0.16.16"), cell.underlay());
        assertEquals("10.0.16.16", cell.vtepAttributes().get("local"));
        assertEquals("eth0", cell.vtepAttributes().get("dev"));
    }

    /** An address by DHCP, or an interface that is made later. */
    @Test
    void awaitsTheAddressOfTheInterface() {
        CellConfig cell = parse("underlay: {dev: eth6}\ncell:\n  " + FILE + "\n");

        assertNull(cell.underlay());
        assertEquals("eth6", cell.underlayDev());
        CellConfig later = cell.at(IpAddress.parse("10.0.16.17"));
        assertEquals(IpAddress.parse("10.0.16.17"), later.underlay());
        assertEquals("10.0.16.17", later.vtepAttributes().get("local"));
        IllegalArgumentException e =
                assertThrows(IllegalArgumentException.class, () -> cell.at(IpAddress.parse("10.255.3.4")));
        assertTrue(e.getMessage().startsWith("10.255.3.4 is in the overlay network"), e.getMessage());
    }

    /** The file may be written later, so the service manager must start the daemon again. */
    @Test
    void silksConfigurationThatDoesNotExistIsNoErrorOfTheConfiguration() {
        OperatorException e = assertThrows(
                OperatorException.class, () -> parse("cell: {leases: {silk-controller: {config: /no/such}}}\n"));

        assertEquals(Kind.NO_INPUT, e.kind());
        assertEquals("silk's configuration /no/such does not exist", e.getMessage());
    }

    @Test
    void silksConfigurationThatIsWrongIsNotAMissingAddressToo() throws IOException {
        Path file = Files.writeString(directory.resolve("client-config.json"), "{");
        OperatorException e = assertThrows(
                OperatorException.class, () -> parse("cell: {leases: {silk-controller: {config: " + file + "}}}\n"));

        assertEquals(Kind.BAD_CONFIG, e.kind());
        assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    }

    @Test
    void takesAnIpv6UnderlayUnlessItIsSilks() {
        String underlay = "underlay: {local: '2001:db8::1'}\ncell:\n  leases: ";

        assertEquals(
                IpAddress.parse("2001:db8::1"),
                parse(underlay + "{file: /leases}\n").underlay());
        assertEquals(
                IpAddress.parse("2001:db8::1"),
                parse(underlay + "{etcd: {endpoints: ['http://[::1]:2379']}}\n").underlay());
        assertProblem(
                underlay + "{silk-controller: {" + CONTROLLER + "}}\n",
                "1: underlay.local: 2001:db8::1 is IPv6, and silk knows IPv4 only");
    }

    @Test
    void readsSilkController() {
        URI url = URI.create("https://silk-controller.service.cf.internal:4103");
        TlsFiles tls = new TlsFiles(Path.of("/ca"), Path.of("/cert"), Path.of("/key"));

        assertEquals(
                new SilkController(url, tls, Duration.ofSeconds(30), Duration.ofSeconds(5), Duration.ofHours(168)),
                parse(cell("leases: {silk-controller: {" + CONTROLLER + "}}")).leases());
        assertEquals(
                new SilkController(url, tls, Duration.ofSeconds(300), Duration.ofSeconds(7), Duration.ofHours(2)),
                parse(cell("leases: {silk-controller: {" + CONTROLLER
                                + ", poll: 5m, timeout: 7, partition-tolerance: 2h}}"))
                        .leases());
    }

    @Test
    void readsEtcd() {
        assertEquals(
                new Etcd(
                        List.of(URI.create("http://127.0.0.1:2379")),
                        "/weft",
                        null,
                        null,
                        null,
                        Duration.ofSeconds(60),
                        Duration.ofHours(168),
                        Duration.ofSeconds(5)),
                parse(cell("leases: {etcd: {endpoints: 'http://127.0.0.1:2379'}}"))
                        .leases());
        assertEquals(
                new Etcd(
                        List.of(URI.create("https://10.0.0.5:2379"), URI.create("https://10.0.0.6:2379")),
                        "/zone/1",
                        new TlsFiles(Path.of("/ca"), Path.of("/cert"), Path.of("/key")),
                        "weft",
                        Path.of("/password"),
                        Duration.ofSeconds(10),
                        Duration.ofHours(1),
                        Duration.ofSeconds(2)),
                parse(cell("leases: {etcd: {endpoints: ['https://10.0.0.5:2379', 'https://10.0.0.6:2379'],"
                                + " prefix: /zone/1, ca: /ca, cert: /cert, key: /key, user: weft,"
                                + " password-file: /password, ttl: 10s, expiry: 1h, timeout: 2s}}"))
                        .leases());
        assertEquals(List.of(), warnings);
    }

    @Test
    void warnsOfAPasswordInClearText() {
        parse(cell("leases: {etcd: {endpoints: 'http://10.0.0.5:2379', user: weft, password-file: /p}}"));

        assertEquals(
                List.of("the password of etcd's user weft goes to http://10.0.0.5:2379 in clear text: give https"
                        + " endpoints"),
                warnings);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{} | : must be one of file, silk-controller, etcd",
                "/etc/weft/leases.yml | : must be a mapping",
                "{file: /a, flie: /b} | .flie: is unknown (did you mean \"file\"?)",
                "{file: } | .file: has no value",
                "{file: /a, etcd: {endpoints: 'http://e:2379'}} | .etcd: leases come from one source, and file is given too",
                "{etcd: /a} | .etcd: must be a mapping",
                "{etcd: {}} | .etcd.endpoints: is missing",
                "{etcd: {endpoints: 'http://e:2379', perfix: /a}} | .etcd.perfix: is unknown (did you mean \"prefix\"?)",
                "{etcd: {endpoints: 'e:2379'}} | .etcd.endpoints: \"e:2379\" is not https or http://HOST:PORT",
                "{etcd: {endpoints: 'http://e'}} | .etcd.endpoints: \"http://e\" is not https or http://HOST:PORT",
                "{etcd: {endpoints: 'http://u:p@e:1'}} | .etcd.endpoints: \"http://u:p@e:1\" is not",
                "{etcd: {endpoints: 'http://e:1/v3'}} | .etcd.endpoints: \"http://e:1/v3\" is not",
                "{etcd: {endpoints: ['http://e:1', 'http://e:1']}} | .etcd.endpoints: http://e:1 is given twice",
                "{etcd: {endpoints: ['http://e:1', 'https://f:1']}} | .etcd.endpoints: https://f:1 and http://e:1 differ",
                "{etcd: {endpoints: 'http://e:1', ca: /ca}} | .etcd.ca: is for https endpoints, and these are http",
                "{etcd: {endpoints: 'https://e:1', cert: /c}} | .etcd.key: is missing, and cert is of no use without it",
                "{etcd: {endpoints: 'https://e:1', user: u}} | .etcd.password-file: is missing, and user is of no use",
                "{etcd: {endpoints: 'https://e:1', password-file: p}} | .etcd.user: is missing, and password-file is of no",
                "{etcd: {endpoints: 'http://e:1', prefix: weft}} | .etcd.prefix: \"weft\" is not what keys begin with",
                "{etcd: {endpoints: 'http://e:1', prefix: /}} | .etcd.prefix: \"/\" is not what keys begin with",
                "{etcd: {endpoints: 'http://e:1', ttl: 0s}} | .etcd.ttl: \"0s\" is not a duration from 1s to 24h",
                "{etcd: {endpoints: 'http://e:1', ttl: 1d}} | .etcd.ttl: \"1d\" is not a duration from 1s to 24h, such as 30s",
                "{etcd: {endpoints: 'http://e:1', expiry: 10s}} | .etcd.expiry: expiry of 10s is shorter than ttl of 1m",
                "{etcd: {endpoints: 'http://e:1', timeout: 11m}} | .etcd.timeout: \"11m\" is not a duration from 1s to 10m"
            })
    void namesWhatIsWrongWithLeases(String leases, String problem) {
        assertProblem(cell("leases: " + leases), "3: cell.leases" + problem);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "pol: 30s | pol: is unknown (did you mean \"poll\"?)",
                "poll: 0 | poll: \"0\" is not a duration from 1s to 24h",
                "poll: 5m, partition-tolerance: 4m | partition-tolerance: partition-tolerance of 4m is shorter than poll of 5m",
                "timeout: fast | timeout: \"fast\" is not a duration from 1s to 10m",
                "partition-tolerance: -1 | partition-tolerance: \"-1\" is not a duration from 1s to 8760h"
            })
    void namesWhatIsWrongWithSilkController(String keys, String problem) {
        assertProblem(
                cell("leases: {silk-controller: {" + CONTROLLER + ", " + keys + "}}"),
                "3: cell.leases.silk-controller." + problem);
    }

    @Test
    void silkControllerNeedsItsAddressAndFiles() {
        assertEquals(
                List.of(
                        "weft.yml:3: cell.leases.silk-controller.url: is missing",
                        "weft.yml:3: cell.leases.silk-controller.ca: is missing",
                        "weft.yml:3: cell.leases.silk-controller.cert: is missing",
                        "weft.yml:3: cell.leases.silk-controller.key: is missing"),
                problems(cell("leases: {silk-controller: {}}")));
        assertProblem(
                cell("leases: {silk-controller: {" + CONTROLLER.replace("https", "http") + "}}"),
                "3: cell.leases.silk-controller.url: \"http://silk-controller.service.cf.internal:4103\" is not https://");
    }

    @Test
    void needsASource() {
        assertProblem(cell("single-ip: false"), "3: cell.leases: is missing: give one of file, silk-controller, etcd");
        assertProblem(UNDERLAY + "cell:\n", "2: cell: must be a mapping");
    }

    @Test
    void reportsAllProblemsAtOnce() {
        assertEquals(
                List.of(
                        "weft.yml:4: cell.leases.etcd.ttl: \"-1\" is not a duration from 1s to 24h, such as 30s, 5m or 168h",
                        "weft.yml:3: cell.overlay: \"10\" is not an IP address such as 10.0.16.14 or 2001:db8::1",
                        "weft.yml:5: cell.vtep.gbp: \"on\" is not true or false",
                        "weft.yml:6: cell.state: \"\" is not a path"),
                problems(cell(
                        "overlay: 10",
                        "leases: {etcd: {endpoints: 'http://e:2379', ttl: -1}}",
                        "vtep: {gbp: on}",
                        "state: ''")));
    }

    @Test
    void takesWhatSilksClientConfigSays() throws IOException {
        Path client = Files.writeString(directory.resolve("client-config.json"), CLIENT_CONFIG);

        CellConfig cell = parse("cell: {leases: {silk-controller: {config: " + client + "}}}");

        assertEquals(IpAddress.parse("10.0.32.12"), cell.underlay());
        assertEquals(List.of(IpPrefix.parse("10.250.0.0/16"), IpPrefix.parse("10.251.0.0/16")), cell.overlay());
        assertEquals(22, cell.subnetLength());
        assertTrue(cell.singleIp());
        assertEquals("other-vtep", cell.vtepName());
        assertEquals("127.0.0.1:24954", cell.networkInfo());
        assertEquals(
                Map.of(
                        "local",
                        "10.0.32.12",
                        "dev",
                        "eth7",
                        "vni",
                        "7",
                        "port",
                        "4790",
                        "gbp",
                        "true",
                        "persist",
                        "true",
                        "install-neighbours",
                        "true",
                        "known-peers",
                        "true",
                        "maxaddress",
                        "0"),
                cell.vtepAttributes());
        assertEquals(
                new SilkController(
                        URI.create("https://controller:4104"),
                        new TlsFiles(Path.of("/c/ca.crt"), Path.of("/c/client.crt"), Path.of("/c/client.key")),
                        Duration.ofSeconds(31),
                        Duration.ofSeconds(6),
                        Duration.ofHours(1)),
                cell.leases());
    }

    @Test
    void keysBesideSilksClientConfigWin() throws IOException {
        Path client = Files.writeString(directory.resolve("client-config.json"), CLIENT_CONFIG);

        CellConfig cell = parse(cell(
                "overlay: 10.252.0.0/16",
                "subnet-prefix-length: 25",
                "single-ip: false",
                "network-info: 127.0.0.1:1",
                "vtep: {name: v, id: 8, dstport: 4791}",
                "leases: {silk-controller: {config: " + client + ", key: /k, poll: 1m}}"));

        assertEquals(IpAddress.parse("10.0.16.16"), cell.underlay());
        assertEquals(List.of(IpPrefix.parse("10.252.0.0/16")), cell.overlay());
        assertEquals(25, cell.subnetLength());
        assertEquals("127.0.0.1:1", cell.networkInfo());
        assertEquals("v", cell.vtepName());
        assertEquals("8", cell.vtepAttributes().get("id"));
        assertNull(cell.vtepAttributes().get("vni"));
        assertEquals("4791", cell.vtepAttributes().get("dstport"));
        assertNull(cell.vtepAttributes().get("port"));
        SilkController controller = (SilkController) cell.leases();
        assertEquals(Path.of("/k"), controller.tls().key());
        assertEquals(Path.of("/c/ca.crt"), controller.tls().ca());
        assertEquals(Duration.ofMinutes(1), controller.poll());
    }

    @Test
    void namesEachProblemOfSilksClientConfig() throws IOException {
        Path client = Files.writeString(
                directory.resolve("client-config.json"),
                CLIENT_CONFIG.replace("\"vni\": 7", "\"vni\": 0").replace("24954", "99999"));

        List<String> problems = problems(cell("leases: {silk-controller: {config: " + client + "}}"));

        assertEquals(2, problems.size(), problems::toString);
        String place = "weft.yml:3: cell.leases.silk-controller.config: " + client + ": ";
        assertTrue(problems.stream().allMatch(problem -> problem.startsWith(place)), problems::toString);
    }
}
