package org.weft.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.dataplane.engine.EngineConfig.Threading;
import org.weft.dataplane.table.NeighbourTable.Neighbour;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.dataplane.vtep.UnderlayMtu;
import org.weft.dataplane.vtep.VtepEntries;
import org.weft.dataplane.vtep.VtepEntries.StaticFdbEntry;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

class ConfigFileTest {
    private static final UnderlayMtu ETHERNET = (local, dev) -> 1500;

    /** The design's example, with more of everything. */
    private static final String EXAMPLE =
            """
            threading: dedicated
            metrics: 127.0.0.1:9477
            underlay:
              local: 10.0.32.12          # or dev: eth0
              port: 4789
            vteps:
              - name: silk-vtep
                vni: 1
                address: 10.255.126.0/16
                mtu: 1410
                gbp: true
                learning: false
                srcport: [32768, 61000]
                fdb:
                  - {mac: "ee:ee:0a:ff:2b:00", dst: 10.0.16.14}
                  - {mac: 00:00:00:00:00:00, dst: 10.0.16.15, port: 4790, vni: 7}
                  - {mac: 00:00:00:00:00:00, dst: 10.0.16.16, port: 4789, vni: 1}
                neighbours: [{ip: 10.255.43.0, mac: "ee:ee:0a:ff:2b:00"}]
                tags:       [{source: 10.255.126.3, tag: 1}, {source: 10.255.0.0/16, tag: 65535}]
              - name: other
                vni: 2
                local: 10.0.32.13
                dstport: 8472
                mac: 02:00:00:00:00:01
            """;

    private final List<String> warnings = new ArrayList<>();

    @TempDir
    Path directory;

    private DaemonConfig parse(String text) {
        return ConfigFile.parse("weft.yml", text, ETHERNET, dev -> null, warnings::add);
    }

    private List<String> problems(String text) {
        OperatorException e = assertThrows(OperatorException.class, () -> parse(text));
        assertEquals(Kind.BAD_CONFIG, e.kind());
        return e.getMessage().lines().toList();
    }

    /** A file with one good VTEP, whose further lines are given. */
    private static String vtep(String... lines) {
        return "vteps:\n  - name: silk-vtep\n    vni: 1\n    local: 10.0.32.12\n    " + String.join("\n    ", lines)
                + "\n";
    }

    @Test
    void readsTheWholeFile() {
        DaemonConfig config = parse(EXAMPLE);

        assertEquals(Threading.DEDICATED, config.engine().threading());
        assertEquals("127.0.0.1:9477", config.metrics());
        assertEquals(2, config.vteps().size());
        VtepEntries silk = config.vteps().get(0);
        assertEquals("silk-vtep", silk.vtep().name());
        assertEquals(1410, silk.vtep().device().mtu());
        assertEquals(IpAddress.parse("10.0.32.12"), silk.vtep().underlay().local());
        assertEquals(32768, silk.vtep().underlay().sourcePorts().min());
        assertEquals(61000, silk.vtep().underlay().sourcePorts().max());
        long mac = 0xeeee_0aff_2b00L;
        assertEquals(
                List.of(
                        new StaticFdbEntry(mac, new Remote(IpAddress.parse("10.0.16.14"))),
                        new StaticFdbEntry(0, new Remote(IpAddress.parse("10.0.16.15"), 4790, 7)),
                        new StaticFdbEntry(0, new Remote(IpAddress.parse("10.0.16.16")))),
                silk.fdb());
        assertEquals(List.of(new Neighbour(IpAddress.parse("10.255.43.0"), mac)), silk.neighbours());
        assertEquals(
                List.of(new Tag(IpPrefix.parse("10.255.126.3"), 1), new Tag(IpPrefix.parse("10.255.0.0/16"), 65535)),
                silk.tags());
        assertEquals(List.of(), warnings);
    }

    @Test
    void keysOfAVtepOverrideThoseOfTheUnderlay() {
        VtepEntries other = parse(EXAMPLE).vteps().get(1);

        assertEquals(IpAddress.parse("10.0.32.13"), other.vtep().underlay().local());
        assertEquals(8472, other.vtep().underlay().port());
    }

    @Test
    void readsJson() {
        DaemonConfig config = parse("{\"vteps\": [{\"name\": \"v\", \"vni\": 5, \"gbp\": true,\n\"tags\": [{\"source\":"
                + " \"10.0.0.0/8\", \"tag\": 3}]}]}");

        assertEquals(5, config.vteps().get(0).vtep().vni());
        assertTrue(config.vteps().get(0).vtep().encapsulation().gbp());
        assertEquals(
                List.of(new Tag(IpPrefix.parse("10.0.0.0/8"), 3)),
                config.vteps().get(0).tags());
    }

    @Test
    void readsAFileWithNothingInIt() {
        DaemonConfig config = parse("# nothing yet\n");

        assertEquals(Threading.SHARED, config.engine().threading());
        assertNull(config.metrics());
        assertEquals(List.of(), config.vteps());
    }

    @Test
    void reportsAllProblemsAtOnceWithTheirLines() {
        String text =
                """
                threading: both
                metrics: 9477
                underlay:
                  local: 10.0.32
                vtepz: []
                vteps:
                  - name: silk-vtep
                    vni: 16777216
                    lerning: false
                    fdb:
                      - {mac: ee:ee:0a, dst: 10.0.16.14}
                  - vni: 2
                    mtu: 10
                """;

        assertEquals(
                List.of(
                        "weft.yml:5: vtepz: is unknown (did you mean \"vteps\"?)",
                        "weft.yml:1: threading: \"both\" is not shared or dedicated",
                        "weft.yml:2: metrics: \"9477\" is not HOST:PORT such as 127.0.0.1:9477 or [::1]:9477",
                        "weft.yml:8: vteps[0].vni: \"16777216\" is not a number from 0 to 16777215",
                        "weft.yml:4: underlay.local: \"10.0.32\" is not an IP address such as 10.0.16.14 or"
                                + " 2001:db8::1",
                        "weft.yml:9: vteps[0].lerning: is unknown (did you mean \"learning\"?)",
                        "weft.yml:12: vteps[1].name: is missing",
                        "weft.yml:13: vteps[1].mtu: \"10\" is not a number from 68 to 65485"),
                problems(text));
    }

    @Test
    void refusesUnknownKeys() {
        assertEquals(
                List.of("weft.yml:1: thredding: is unknown (did you mean \"threading\"?)"),
                problems("thredding: shared\n"));
        assertEquals(
                List.of("weft.yml:2: underlay.locl: is unknown (did you mean \"local\"?)"),
                problems("underlay:\n  locl: 10.0.0.1\n"));
        assertEquals(
                List.of(
                        "weft.yml:5: vteps[0].fdb[0].dts: is unknown (did you mean \"dst\"?)",
                        "weft.yml:5: vteps[0].fdb[0].dst: is missing"),
                problems(vtep("fdb: [{mac: \"ee:ee:0a:ff:2b:00\", dts: 10.0.16.14}]")));
    }

    @Test
    void refusesDuplicateKeys() {
        assertEquals(
                List.of("weft.yml:6: vteps[0].mtu: is given twice: leave one out"),
                problems(vtep("mtu: 1400", "mtu: 1410")));
    }

    @Test
    void refusesWrongTypes() {
        assertEquals(List.of("weft.yml:1: must be a mapping, one \"key: value\" to a line"), problems("- a\n"));
        assertEquals(
                List.of("weft.yml:1: vteps: must be a list, each item after a \"-\""), problems("vteps: {name: v}\n"));
        assertEquals(
                List.of("weft.yml:1: underlay: must be a mapping, one \"key: value\" to a line"),
                problems("underlay: eth0\n"));
        assertEquals(List.of("weft.yml:5: vteps[0].mtu: must be a single value"), problems(vtep("mtu: {is: 1400}")));
        assertEquals(
                List.of("weft.yml:5: vteps[0].mtu: has no value: give one or leave it out"), problems(vtep("mtu:")));
        assertEquals(
                List.of("weft.yml:5: vteps[0].fdb[0]: must be a mapping, one \"key: value\" to a line"),
                problems(vtep("fdb: [1]")));
    }

    @Test
    void refusesBadEntries() {
        assertEquals(
                List.of("weft.yml:5: vteps[0].fdb[0].mac: \"ee:ee\" is not a MAC address such as ee:ee:0a:ff:63:00"),
                problems(vtep("fdb: [{mac: \"ee:ee\", dst: 10.0.16.14}]")));
        assertEquals(
                List.of("weft.yml:5: vteps[0].fdb[0].dst: \"10.0.16\" is not an IP address such as 10.0.16.14 or"
                        + " 2001:db8::1"),
                problems(vtep("fdb: [{mac: \"ee:ee:0a:ff:2b:00\", dst: 10.0.16}]")));
        assertEquals(
                List.of("weft.yml:5: vteps[0].fdb[0].dst: Address family not supported by protocol (2001:db8::1 is"
                        + " IPv6, but silk-vtep sends from 10.0.32.12, which is IPv4)"),
                problems(vtep("fdb: [{mac: \"ee:ee:0a:ff:2b:00\", dst: \"2001:db8::1\"}]")));
        assertEquals(
                List.of(
                        "weft.yml:5: vteps[0].neighbours[0].mac: 01:00:5e:00:00:01 is a multicast address, not a host's"),
                problems(vtep("neighbours: [{ip: 10.255.43.0, mac: \"01:00:5e:00:00:01\"}]")));
        assertEquals(
                List.of("weft.yml:5: vteps[0].tags[0].source: 10.255.126.3/16 has bits set beyond its length; the"
                        + " network is 10.255.0.0/16, the address 10.255.126.3"),
                problems(vtep("tags: [{source: 10.255.126.3/16, tag: 1}]")));
    }

    @Test
    void refusesTagsThatTheWireCannotCarry() {
        String why = ": the group policy extension carries 16 bits, and 0 is no tag";

        assertEquals(
                List.of("weft.yml:5: vteps[0].tags[0].tag: \"65536\" is not a number from 1 to 65535" + why),
                problems(vtep("tags: [{source: 10.255.126.3, tag: 65536}]")));
        assertEquals(
                List.of("weft.yml:5: vteps[0].tags[0].tag: \"0\" is not a number from 1 to 65535" + why),
                problems(vtep("tags: [{source: 10.255.126.3, tag: 0}]")));
    }

    @Test
    void refusesEntriesGivenTwice() {
        assertEquals(
                List.of("weft.yml:7: vteps[0].fdb[1].mac: ee:ee:0a:ff:2b:00 has an entry already: leave one out"),
                problems(vtep(
                        "fdb:",
                        "- {mac: \"ee:ee:0a:ff:2b:00\", dst: 10.0.16.14}",
                        "- {mac: \"ee:ee:0a:ff:2b:00\", dst: 10.0.16.15}")));
        assertEquals(
                List.of("weft.yml:5: vteps[0].neighbours[1].ip: 10.1.1.1 has an entry already: leave one out"),
                problems(vtep("neighbours: [{ip: 10.1.1.1, mac: \"02:00:00:00:00:01\"}, {ip: 10.1.1.1, mac:"
                        + " \"02:00:00:00:00:02\"}]")));
    }

    @Test
    void refusesOverlappingVteps() {
        String second = "  - name: %s\n    vni: %s\n    local: %s\n";

        assertEquals(
                List.of("weft.yml:6: vteps[1].name: a VTEP silk-vtep exists already: give this one another name"),
                problems(vtep() + second.formatted("silk-vtep", "2", "10.0.32.12")));
        assertEquals(
                List.of("weft.yml:7: vteps[1].vni: a VTEP with VNI 1 on 10.0.32.12:4789 exists already: silk-vtep; give"
                        + " two another vni, port or local address"),
                problems(vtep() + second.formatted("two", "1", "10.0.32.12")));
        assertEquals(
                List.of("weft.yml:7: vteps[1].vni: a VTEP with VNI 1 on 10.0.32.12:4789 exists already: silk-vtep; give"
                        + " two another vni, port or local address"),
                problems(vtep() + second.formatted("two", "1", "0.0.0.0")));
    }

    @Test
    void letsVtepsShareAPortWithDifferentVnisOrAVniOnDifferentSockets() {
        String second = "  - {name: two, vni: %s, local: %s, port: %s}\n";

        assertEquals(
                2,
                parse(vtep() + second.formatted("2", "10.0.32.12", "4789"))
                        .vteps()
                        .size());
        assertEquals(
                2,
                parse(vtep() + second.formatted("1", "10.0.32.13", "4789"))
                        .vteps()
                        .size());
        assertEquals(
                2,
                parse(vtep() + second.formatted("1", "10.0.32.12", "8472"))
                        .vteps()
                        .size());
        assertEquals(
                2,
                parse(vtep() + second.formatted("1", "\"::\"", "4789")).vteps().size());
    }

    @Test
    void warnsOfAnMtuLargerThanTheUnderlayCarries() {
        assertEquals(
                1500, parse(vtep("mtu: 1500")).vteps().get(0).vtep().device().mtu());
        assertEquals(
                List.of("mtu 1500 of silk-vtep is larger than the underlay carries: with 1450 no packet needs to be"
                        + " fragmented"),
                warnings);
    }

    @Test
    void warnsOfTagsThatCannotLeave() {
        parse(vtep("tags: [{source: 10.255.126.3, tag: 1}]"));

        assertEquals(List.of("silk-vtep runs without gbp, so its packets leave untagged"), warnings);
    }

    @Test
    void saysWhereAFileIsNoYaml() {
        List<String> problems = problems("vteps:\n  - name: [silk-vtep\n");

        assertEquals(1, problems.size());
        assertTrue(problems.get(0).startsWith("weft.yml:3: is not YAML: "), problems.get(0));
    }

    @Test
    void readsAFileFromDisk() throws IOException {
        Path file = Files.writeString(directory.resolve("weft.yml"), EXAMPLE);

        assertEquals(parse(EXAMPLE), ConfigFile.read(file, ETHERNET, dev -> null, warnings::add));
    }

    @Test
    void namesAFileThatIsNotThere() {
        Path file = directory.resolve("none.yml");

        OperatorException e = assertThrows(
                OperatorException.class, () -> ConfigFile.read(file, ETHERNET, dev -> null, warnings::add));

        assertEquals(Kind.NO_INPUT, e.kind());
        assertEquals("configuration file " + file + " does not exist", e.getMessage());
    }

    @Test
    void namesAFileThatCannotBeRead() {
        OperatorException e = assertThrows(
                OperatorException.class, () -> ConfigFile.read(directory, ETHERNET, dev -> null, warnings::add));

        assertEquals(Kind.NO_INPUT, e.kind());
        assertTrue(e.getMessage().startsWith("configuration file " + directory + " cannot be read: "), e.getMessage());
    }

    @Test
    void namesAFileThatIsNoText() throws IOException {
        Path file = Files.write(directory.resolve("weft.yml"), "é".getBytes(StandardCharsets.ISO_8859_1));

        OperatorException e = assertThrows(
                OperatorException.class, () -> ConfigFile.read(file, ETHERNET, dev -> null, warnings::add));

        assertEquals(Kind.BAD_CONFIG, e.kind());
        assertEquals(file + ":1: is not text in UTF-8", e.getMessage());
    }

    @Test
    void readsAHundredThousandEntries() {
        StringBuilder text = new StringBuilder(vtep("fdb:"));
        for (int i = 0; i < 100_000; i++) {
            text.append("      - {mac: \"02:00:00:%02x:%02x:%02x\", dst: 10.0.16.14}\n"
                    .formatted(i >> 16, i >> 8 & 0xff, i & 0xff));
        }

        assertEquals(100_000, parse(text.toString()).vteps().get(0).fdb().size());
    }
}
