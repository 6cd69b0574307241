package org.weft.silk.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.lease.LeaseTable.Skipped;

class LeaseTableTest {
    private static final Overlay OVERLAY = overlay("10.255.0.0/16");

    private static Overlay overlay(String... networks) {
        return new Overlay(Arrays.stream(networks).map(IpPrefix::parse).toList(), 24);
    }

    /** A record of the words; a mac is derived if there is none, and its origin is its place. */
    private static List<LeaseRecord> records(String... lines) {
        List<LeaseRecord> records = new ArrayList<>();
        for (String line : lines) {
            String[] words = line.split(" ");
            records.add(new LeaseRecord(
                    words[0], words[1], words.length > 2 ? words[2] : null, "[" + records.size() + "]"));
        }
        return records;
    }

    private static LeaseTable table(String... lines) {
        return LeaseTable.of(OVERLAY, null, records(lines));
    }

    private static List<String> subnets(LeaseTable table) {
        return table.leases().stream().map(Lease::subnetText).toList();
    }

    private static List<String> reasons(LeaseTable table) {
        return table.skipped().stream().map(Skipped::reason).toList();
    }

    @Test
    void takesWellFormedLeases() {
        LeaseTable table = table("10.0.16.14 10.255.43.0/24 ee:ee:0a:ff:2b:00", "2001:db8::7 10.255.0.9/32");

        assertEquals(List.of("10.255.43.0/24", "10.255.0.9/32"), subnets(table));
        assertEquals(List.of(), table.skipped());
        assertEquals(
                new Lease(IpAddress.parse("2001:db8::7"), IpPrefix.parse("10.255.0.9/32"), 0xeeee_0aff_0009L),
                table.lease(IpPrefix.parse("10.255.0.9/32")));
        assertNull(table.lease(IpPrefix.parse("10.255.0.8/32")));
    }

    @Test
    void isEmptyAtFirst() {
        assertTrue(LeaseTable.empty().leases().isEmpty());
        assertTrue(LeaseTable.of(OVERLAY, null, List.of()).skipped().isEmpty());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                "- | 10.255.1.0/24 | - | underlay_ip is missing",
                "10.0.0.1 | - | - | overlay_subnet is missing",
                "host-1 | 10.255.1.0/24 | - | \"host-1\" is not an IP address",
                "0.0.0.0 | 10.255.1.0/24 | - | underlay_ip 0.0.0.0 is no host's address",
                ":: | 10.255.1.0/24 | - | underlay_ip :: is no host's address",
                "239.1.1.1 | 10.255.1.0/24 | - | underlay_ip 239.1.1.1 is no host's address",
                "127.0.0.1 | 10.255.1.0/24 | - | underlay_ip 127.0.0.1 is no host's address",
                "127.255.0.9 | 10.255.1.0/24 | - | underlay_ip 127.255.0.9 is no host's address",
                "::1 | 10.255.1.0/24 | - | underlay_ip ::1 is no host's address",
                "::ffff:127.0.0.1 | 10.255.1.0/24 | - | underlay_ip 127.0.0.1 is no host's address",
                "255.255.255.255 | 10.255.1.0/24 | - | underlay_ip 255.255.255.255 is no host's address",
                "10.255.1.9 | 10.255.1.0/24 | - | underlay_ip 10.255.1.9 is in the overlay 10.255.0.0/16: give the address",
                "10.255.7.9 | 10.255.1.0/24 | - | underlay_ip 10.255.7.9 is in the overlay 10.255.0.0/16: give the address",
                "10.0.0.1 | everything | - | \"everything\" is not an IP address",
                "10.0.0.1 | 10.255.1.0/33 | - | prefix length 33",
                "10.0.0.1 | 10.255.1.0/x | - | \"10.255.1.0/x\" is not a prefix",
                "10.0.0.1 | fd00::/64 | - | overlay_subnet fd00::/64 is not an IPv4 network",
                "10.0.0.1 | 10.255.1.5/24 | - | overlay_subnet 10.255.1.5/24 has bits beyond its prefix length: 10.255.1.0/24",
                "10.0.0.1 | 10.254.1.0/24 | - | overlay_subnet 10.254.1.0/24 is not in the overlay 10.255.0.0/16",
                "10.0.0.1 | 10.255.0.0/16 | - | overlay_subnet 10.255.0.0/16 is not in the overlay",
                "10.0.0.1 | 10.254.0.0/15 | - | overlay_subnet 10.254.0.0/15 is not in the overlay",
                "10.0.0.1 | 0.0.0.0/0 | - | overlay_subnet 0.0.0.0/0 is not in the overlay",
                "10.0.0.1 | 10.255.1.0/24 | ee:ee:0a:ff:01 | \"ee:ee:0a:ff:01\" is not a MAC address",
                "10.0.0.1 | 10.255.1.0/24 | 00:00:00:00:00:00 | 00:00:00:00:00:00 is no host's address",
                "10.0.0.1 | 10.255.1.0/24 | 01:00:5e:00:00:01 | 01:00:5e:00:00:01 is no host's address"
            })
    void namesAMalformedLeaseAndKeepsTheOthers(String underlay, String subnet, String mac, String reason) {
        LeaseRecord bad = new LeaseRecord(underlay, subnet, mac, "leases.yml:7");
        LeaseRecord good = new LeaseRecord("10.0.0.2", "10.255.2.0/24", null, "leases.yml:8");

        LeaseTable table = LeaseTable.of(OVERLAY, null, List.of(bad, good));

        assertEquals(List.of("10.255.2.0/24"), subnets(table));
        assertEquals(bad, table.skipped().get(0).record());
        String sentence = table.skipped().get(0).reason();
        assertTrue(sentence.startsWith("leases.yml:7: ") && sentence.contains(reason), sentence);
    }

    @Test
    void skipsWhatItsSourceFoundAFaultWith() {
        LeaseRecord record = new LeaseRecord("10.0.0.1", "10.255.1.0/24", null, "[0]", "underlay is unknown");

        assertEquals(List.of("[0]: underlay is unknown"), reasons(LeaseTable.of(OVERLAY, null, List.of(record))));
    }

    @Test
    void countsALeaseThatIsListedTwiceOnce() {
        LeaseTable table = table("10.0.0.1 10.255.1.0/24", "10.0.0.1 10.255.1.0/24 ee:ee:0a:ff:01:00");

        assertEquals(List.of("10.255.1.0/24"), subnets(table));
        assertEquals(List.of(), table.skipped());
    }

    @Test
    void theFirstOfTwoThatCollideCounts() {
        LeaseTable table = table(
                "10.0.0.1 10.255.1.0/24",
                "10.0.0.2 10.255.1.0/24",
                "10.0.0.1 10.255.3.0/24",
                "10.0.0.4 10.255.4.0/24 ee:ee:0a:ff:01:00",
                "10.0.0.5 10.255.5.0/24");

        assertEquals(List.of("10.255.1.0/24", "10.255.5.0/24"), subnets(table));
        assertEquals(
                List.of(
                        "[1]: overlay_subnet 10.255.1.0/24 overlaps 10.255.1.0/24 of 10.0.0.1",
                        "[2]: underlay_ip 10.0.0.1 has a lease already: 10.255.1.0/24 of 10.0.0.1",
                        "[3]: overlay_hardware_addr ee:ee:0a:ff:01:00 is that of 10.255.1.0/24 of 10.0.0.1"),
                reasons(table));
    }

    @Test
    void findsOverlapsOfDifferentLengths() {
        LeaseTable table = table(
                "10.0.0.1 10.255.1.128/25",
                "10.0.0.2 10.255.1.0/24 02:00:00:00:00:02",
                "10.0.0.3 10.255.1.200/32",
                "10.0.0.4 10.255.0.0/20 02:00:00:00:00:04",
                "10.0.0.5 10.255.1.0/25",
                "10.0.0.6 10.255.1.127/32",
                "10.0.0.7 10.255.2.0/32");

        assertEquals(List.of("10.255.1.128/25", "10.255.1.0/25", "10.255.2.0/32"), subnets(table));
        assertEquals(4, table.skipped().size());
    }

    @Test
    void ownLeaseWinsOverWhoTookIt() {
        Lease own = new Lease(IpAddress.parse("10.0.0.9"), IpPrefix.parse("10.255.1.0/24"), 0xeeee_0aff_0100L);

        LeaseTable table = LeaseTable.of(
                OVERLAY, own, records("10.0.0.1 10.255.1.0/24", "10.0.0.2 10.255.2.0/24", "10.0.0.9 10.255.1.0/24"));

        assertEquals(List.of("10.255.1.0/24", "10.255.2.0/24"), subnets(table));
        assertEquals(own, table.lease(own.subnet()));
        assertEquals(List.of("[0]: overlay_subnet 10.255.1.0/24 overlaps 10.255.1.0/24 of 10.0.0.9"), reasons(table));
    }

    @Test
    void takesLeasesOfSeveralOverlayNetworks() {
        Overlay two = overlay("10.255.0.0/16", "10.250.0.0/20");

        LeaseTable table = LeaseTable.of(
                two, null, records("10.0.0.1 10.255.1.0/24", "10.0.0.2 10.250.1.0/24", "10.0.0.3 10.250.16.0/24"));

        assertEquals(List.of("10.255.1.0/24", "10.250.1.0/24"), subnets(table));
        assertEquals(
                List.of("[2]: overlay_subnet 10.250.16.0/24 is not in the overlay 10.255.0.0/16, 10.250.0.0/20"),
                reasons(table));
    }

    @Test
    void checksTenThousandLeasesQuickly() {
        List<LeaseRecord> records = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            records.add(new LeaseRecord(
                    IpAddress.ofIpv4(0x0a00_0001 + i).toString(),
                    IpAddress.ofIpv4(0x1400_0000 + (i << 8)) + "/24",
                    null,
                    "[" + i + "]"));
        }
        Overlay large = overlay("20.0.0.0/8");

        LeaseTable table = assertTimeout(Duration.ofSeconds(2), () -> LeaseTable.of(large, null, records));

        assertEquals(10_000, table.leases().size());
    }

    @Test
    void neverOverlapsAndLosesNoRecordWhateverIsGiven() {
        Random random = new Random(7);
        for (int round = 0; round < 300; round++) {
            List<LeaseRecord> records = new ArrayList<>();
            for (int i = random.nextInt(60); i > 0; i--) {
                records.add(randomRecord(random, i));
            }

            LeaseTable table = LeaseTable.of(OVERLAY, null, records);

            List<Lease> leases = List.copyOf(table.leases());
            for (int i = 0; i < leases.size(); i++) {
                for (int j = 0; j < i; j++) {
                    assertApart(leases.get(i), leases.get(j));
                }
            }
            List<LeaseRecord> skipped =
                    table.skipped().stream().map(Skipped::record).toList();
            for (LeaseRecord record : records) {
                assertEquals(skipped.contains(record), !isIn(table, record), record::toString);
            }
        }
    }

    private static void assertApart(Lease a, Lease b) {
        assertFalse(
                a.underlay().equals(b.underlay())
                        || a.mac() == b.mac()
                        || Overlay.contains(a.subnet(), b.base())
                        || Overlay.contains(b.subnet(), a.base()),
                () -> a + " and " + b);
    }

    private static boolean isIn(LeaseTable table, LeaseRecord record) {
        try {
            Lease lease = LeaseTable.parse(OVERLAY, record);
            return lease.equals(table.lease(lease.subnet()));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static LeaseRecord randomRecord(Random random, int index) {
        int length = 20 + random.nextInt(13);
        int base = 0x0aff_0000 | random.nextInt(0x1000);
        int address = random.nextInt(8) == 0 ? base : base & -1 << 32 - length;
        return new LeaseRecord(
                "10.0.0." + random.nextInt(80),
                IpAddress.ofIpv4(address) + "/" + length,
                random.nextInt(4) == 0 ? "02:00:00:00:00:0" + random.nextInt(10) : null,
                "[" + index + "]");
    }
}
