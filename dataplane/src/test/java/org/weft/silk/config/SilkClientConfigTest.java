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
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.config.CellConfig.SilkController;
import org.weft.silk.config.CellConfig.TlsFiles;

class SilkClientConfigTest {
    /** As silk-release's job rendered it until 2024, with the defaults of its spec. */
    private static final String OLDER =
            """
            {
              "underlay_ip": "10.0.16.14",
              "subnet_prefix_length": 24,
              "overlay_network": "10.255.0.0/16",
              "health_check_port": 23954,
              "vtep_name": "silk-vtep",
              "connectivity_server_url": "https://silk-controller.service.cf.internal:4103",
              "ca_cert_file": "/var/vcap/jobs/silk-daemon/config/certs/ca.crt",
              "client_cert_file": "/var/vcap/jobs/silk-daemon/config/certs/client.crt",
              "client_key_file": "/var/vcap/jobs/silk-daemon/config/certs/client.key",
              "vni": 1,
              "poll_interval": 30,
              "debug_server_port": 22233,
              "datastore": "/var/vcap/data/silk/store.json",
              "partition_tolerance_seconds": 604800,
              "client_timeout_seconds": 5,
              "metron_port": 3457,
              "vtep_port": 4789,
              "log_prefix": "cfnetworking",
              "vxlan_interface_name": "",
              "single_ip_only": false
            }
            """;

    /** As newer releases render it: several overlay networks, and IPv6. */
    private static final String NEWER = OLDER.replace(
                    "\"10.255.0.0/16\"", "[\n    \"10.255.0.0/16\",\n    \"10.250.0.0/16\"\n  ]")
            .replace("\"vxlan_interface_name\": \"\"", "\"vxlan_interface_name\": \"eth1\"")
            .replace(
                    "\"single_ip_only\": false",
                    "\"single_ip_only\": true,\n  \"enable_ipv6\": false,\n  \"ipv6_prefix\": \"\"");

    @TempDir
    Path directory;

    private Path file;

    private SilkClientConfig read(String text) {
        file = directory.resolve("client-config.json");
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return SilkClientConfig.read(file);
    }

    private List<String> problems(String text) {
        OperatorException e = assertThrows(OperatorException.class, () -> read(text));
        assertEquals(Kind.BAD_CONFIG, e.kind());
        return e.getMessage().lines().toList();
    }

    @Test
    void readsAFileOfOlderReleases() {
        Path certificates = Path.of("/var/vcap/jobs/silk-daemon/config/certs");
        assertEquals(
                new SilkClientConfig(
                        IpAddress.parse("10.0.16.14"),
                        null,
                        List.of(IpPrefix.parse("10.255.0.0/16")),
                        24,
                        false,
                        "silk-vtep",
                        1,
                        4789,
                        "127.0.0.1:23954",
                        new SilkController(
                                URI.create("https://silk-controller.service.cf.internal:4103"),
                                new TlsFiles(
                                        certificates.resolve("ca.crt"),
                                        certificates.resolve("client.crt"),
                                        certificates.resolve("client.key")),
                                Duration.ofSeconds(30),
                                Duration.ofSeconds(5),
                                Duration.ofHours(168))),
                read(OLDER));
    }

    @Test
    void readsAFileOfNewerReleases() {
        SilkClientConfig config = read(NEWER);
        assertEquals(List.of(IpPrefix.parse("10.255.0.0/16"), IpPrefix.parse("10.250.0.0/16")), config.overlay());
        assertEquals("eth1", config.device());
        assertTrue(config.singleIp());
    }

    @Test
    void readsTheNameThatTheInterfaceOnceHad() {
        assertEquals(
                "eth2",
                read(OLDER.replace("\"vxlan_interface_name\": \"\"", "\"custom_underlay_interface_name\": \"eth2\""))
                        .device());
        assertNull(read(OLDER.replace("vxlan_interface_name", "custom_underlay_interface_name"))
                .device());
    }

    @Test
    void dropsBitsBeyondTheLengthAsSilkDoes() {
        assertEquals(
                List.of(IpPrefix.parse("10.255.0.0/16")),
                read(OLDER.replace("10.255.0.0/16", "10.255.7.1/16")).overlay());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "underlay_ip",
                "subnet_prefix_length",
                "overlay_network",
                "health_check_port",
                "vtep_name",
                "connectivity_server_url",
                "ca_cert_file",
                "client_cert_file",
                "client_key_file",
                "vni",
                "vtep_port",
                "poll_interval",
                "partition_tolerance_seconds",
                "client_timeout_seconds"
            })
    void requiresWhatSilkRequires(String field) {
        String missing = field + ": is missing";
        assertEquals(List.of(missing), without(problems(OLDER.replace("\"" + field + "\"", "\"x\""))));
        for (String empty : new String[] {"null", "\"\"", "0"}) {
            List<String> problems =
                    without(problems(OLDER.replaceFirst("(\"" + field + "\": )[^\n]*,", "$1" + empty + ",")));
            assertEquals(1, problems.size(), problems.toString());
            assertTrue(problems.get(0).startsWith(field + ": "), problems.get(0));
        }
    }

    private List<String> without(List<String> problems) {
        return problems.stream()
                .map(problem -> problem.replace(file + ": ", ""))
                .toList();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"10.0.16.14\"|\"10.0.16\"|underlay_ip",
                "\"10.0.16.14\"|\"fd00::1\"|underlay_ip",
                "\"10.0.16.14\"|\"0.0.0.0\"|underlay_ip",
                "\"10.0.16.14\"|[]|underlay_ip",
                ": 24|: 31|subnet_prefix_length",
                ": 24|: 16|subnet_prefix_length",
                ": 24|: \"24\"|subnet_prefix_length",
                ": 24|: 24.5|subnet_prefix_length",
                ": 24|: {}|subnet_prefix_length",
                "\"10.255.0.0/16\"|\"10.255.0.0\"|overlay_network",
                "\"10.255.0.0/16\"|[]|overlay_network",
                "\"10.255.0.0/16\"|[null]|overlay_network",
                "\"10.255.0.0/16\"|[\"fd00::/64\"]|overlay_network",
                "\"10.255.0.0/16\"|7|overlay_network",
                "23954|65536|health_check_port",
                "\"silk-vtep\"|\"a name with spaces\"|vtep_name",
                "https:|http:|connectivity_server_url",
                "https:|https |connectivity_server_url",
                "\"vni\": 1|\"vni\": 16777216|vni",
                "4789|-1|vtep_port",
                ": 30|: -30|poll_interval",
                "false|\"no\"|single_ip_only"
            })
    void namesTheFieldThatIsWrong(String right, String wrong, String field) {
        List<String> problems = problems(OLDER.replace(right, wrong));
        assertEquals(1, problems.size(), problems.toString());
        assertTrue(problems.get(0).startsWith(file + ": " + field + ": "), problems.get(0));
    }

    @Test
    void saysAllThatIsWrongAtOnce() {
        assertEquals(
                List.of("vni: \"16777216\" is not a number from 1 to 16777215", "poll_interval: is missing"),
                without(problems(
                        OLDER.replace("\"vni\": 1", "\"vni\": 16777216").replace(": 30", ": 0"))));
    }

    @Test
    void refusesWhatIsNotJson() {
        assertEquals(
                List.of(": is not JSON"),
                problems("<%= x %>").stream()
                        .map(p -> p.replace(file.toString(), ""))
                        .toList());
        assertEquals(List.of("is not a JSON object, as silk's configuration is"), without(problems("[]")));
        assertEquals(1, problems("").size());
        assertEquals(1, problems("{\"underlay_ip\": \"10.0").size());
    }

    @Test
    void saysThatTheFileIsMissing() {
        Path missing = directory.resolve("missing.json");
        OperatorException e = assertThrows(OperatorException.class, () -> SilkClientConfig.read(missing));
        assertEquals(Kind.NO_INPUT, e.kind());
        assertEquals("silk's configuration " + missing + " does not exist", e.getMessage());
    }
}
