package org.weft.silk.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.operator.OperatorException;

class LeaseListTest {
    private static List<LeaseRecord> parse(String text) {
        return LeaseList.parse("leases.yml", text);
    }

    private static LeaseRecord record(String host, String subnet, String mac, String place) {
        return new LeaseRecord(host, subnet, mac, "leases.yml:" + place);
    }

    @Test
    void readsAYamlList() {
        String text =
                """
                # hosts of zone 1
                - underlay_ip: 10.0.16.14
                  overlay_subnet: 10.255.43.0/24

                - underlay_ip: "2001:db8::7"
                  overlay_subnet: 10.255.44.0/24
                  overlay_hardware_addr: ee:ee:0a:ff:2c:00
                - {underlay_ip: 10.0.16.16, overlay_subnet: 10.255.0.5/32}
                """;

        assertEquals(
                List.of(
                        record("10.0.16.14", "10.255.43.0/24", null, "2"),
                        record("2001:db8::7", "10.255.44.0/24", "ee:ee:0a:ff:2c:00", "5"),
                        record("10.0.16.16", "10.255.0.5/32", null, "8")),
                parse(text));
    }

    /** As curl prints it, in one line; columns tell the items apart. */
    @Test
    void readsWhatSilkControllerAnswers() {
        String text = "{\"leases\":[{\"underlay_ip\":\"10.0.16.14\",\"overlay_subnet\":\"10.255.43.0/24\","
                + "\"overlay_hardware_addr\":\"ee:ee:0a:ff:2b:00\"},{\"underlay_ip\":\"10.0.16.15\","
                + "\"overlay_subnet\":\"10.255.44.0/24\"}]}";

        assertEquals(
                List.of(
                        record("10.0.16.14", "10.255.43.0/24", "ee:ee:0a:ff:2b:00", "1:12"),
                        record("10.0.16.15", "10.255.44.0/24", null, "1:119")),
                parse(text));
    }

    @Test
    void readsJsonThatIsIndentedByTabs() {
        String text =
                "[\n\t{\n\t\t\"underlay_ip\":\t\"10.0.16.14\",\n\t\t\"overlay_subnet\": \"10.255.43.0/24\"\n\t}\n]\n";

        assertEquals(List.of(record("10.0.16.14", "10.255.43.0/24", null, "2:2")), parse(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"[]", "leases: []", "{\"leases\": []}", "# nobody yet\n[]\n"})
    void knowsAListWithoutLeases(String text) {
        assertEquals(List.of(), parse(text));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "`` | 1: is empty, probably half-written; a list without leases is []",
                "# nobody | 1: is empty, probably half-written",
                "leases: | 1: is no list of leases",
                "`\nnull` | 2: is no list of leases",
                "10.255.0.0/16 | 1: is no list of leases",
                "{} | 1: is no list of leases",
                "`leases: []\nlease: []` | 2: lease is unknown: give only the list leases",
                "`leases: []\nleases: []` | 2: leases is given twice",
                "`- {underlay_ip: 10.0.0.1,\n` | 2: is neither YAML nor JSON",
                "`[{\"underlay_ip\": \"10.0.0.1\"},\n{\"under` | 2: is neither YAML nor JSON",
                "`- a: 1\n b: 2` | 2: is neither YAML nor JSON",
                "`- a\n---\n- b` | 2: is neither YAML nor JSON",
                "- *nothing | 1: is neither YAML nor JSON"
            })
    void namesTheLineOfWhatIsNoList(String text, String sentence) {
        OperatorException e = assertThrows(OperatorException.class, () -> parse(text));

        assertTrue(e.getMessage().startsWith("leases.yml:" + sentence), e.getMessage());
    }

    @Test
    void refusesWhatIsNestedTooDeeply() {
        OperatorException e = assertThrows(OperatorException.class, () -> parse("[".repeat(200_000)));

        assertEquals("leases.yml:1: is nested more than 50 deep", e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "[]", "&x a", "*x"})
    void refusesMoreItemsThanTheHeapBears(String item) {
        String text = "- &x a\n" + ("- [" + (item + ",").repeat(100_000) + "]\n").repeat(6);

        OperatorException e = assertThrows(OperatorException.class, () -> parse(text));

        assertEquals(
                "leases.yml:6: this is the value number 500001, and Weft reads at most 500000 of a file: leave out what is"
                        + " not needed",
                e.getMessage());
    }

    @Test
    void refusesMoreLeasesThanTheHeapBears() {
        assertEquals(65_536, parse("- a\n".repeat(65_536)).size());

        OperatorException e = assertThrows(OperatorException.class, () -> parse("- a\n".repeat(65_537)));

        assertEquals(
                "leases.yml:65537: this is item number 65537 of 65537 in one list, and Weft reads at most 65536: leave out"
                        + " what is not needed",
                e.getMessage());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{underlay_ip: 10.0.0.1, overlay_subnt: x} | overlay_subnt is unknown (did you mean \"overlay_subnet\"?)",
                "{underlay_ip: 10.0.0.1, zone: z1} | zone is unknown",
                "{underlay_ip: , overlay_subnet: x} | underlay_ip has no value, or not a single one",
                "{underlay_ip: [10.0.0.1]} | underlay_ip has no value, or not a single one",
                "{underlay_ip: a, underlay_ip: b} | underlay_ip is given twice: leave one out",
                "10.0.0.1 | is no lease with underlay_ip and overlay_subnet",
                "[] | is no lease with underlay_ip and overlay_subnet"
            })
    void oneBadItemLeavesTheOthers(String item, String fault) {
        List<LeaseRecord> records = parse("- " + item + "\n- {underlay_ip: 10.0.0.2, overlay_subnet: 10.255.2.0/24}\n");

        assertEquals(new LeaseRecord(null, null, null, "leases.yml:1", fault), records.get(0));
        assertEquals(record("10.0.0.2", "10.255.2.0/24", null, "2"), records.get(1));
    }
}
