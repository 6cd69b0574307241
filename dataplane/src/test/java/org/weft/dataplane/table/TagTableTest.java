package org.weft.dataplane.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

class TagTableTest {
    private final TagTable table = new TagTable();

    private Outcome add(String source, int tag) {
        return table.add(IpPrefix.parse(source), tag);
    }

    private int lookup(String address) {
        IpAddress parsed = IpAddress.parse(address);
        return table.lookup(parsed.high(), parsed.low());
    }

    @Test
    void longestPrefixWins() {
        add("10.0.0.0/8", 8);
        add("10.255.126.3", 32);
        add("10.255.0.0/16", 16);
        assertEquals(32, lookup("10.255.126.3"));
        assertEquals(16, lookup("10.255.126.4"));
        assertEquals(8, lookup("10.254.0.1"));
        assertEquals(TagTable.UNTAGGED, lookup("11.0.0.1"));
    }

    @Test
    void ipv6PrefixesMatch() {
        add("2001:db8::/32", 1);
        add("2001:db8:0:1::/64", 2);
        add("2001:db8:0:1:8000::/65", 3);
        add("2001:db8:0:1::5", 4);
        assertEquals(1, lookup("2001:db8:1::1"));
        assertEquals(2, lookup("2001:db8:0:1::1"));
        assertEquals(3, lookup("2001:db8:0:1:8000::1"));
        assertEquals(4, lookup("2001:db8:0:1::5"));
        assertEquals(TagTable.UNTAGGED, lookup("2001:db9::1"));
    }

    @Test
    void defaultOfOneFamilyDoesNotMatchTheOther() {
        add("::/0", 6);
        assertEquals(TagTable.UNTAGGED, lookup("10.0.0.1"));
        add("0.0.0.0/0", 4);
        assertEquals(4, lookup("10.0.0.1"));
        assertEquals(6, lookup("fe80::1"));
        table.remove(IpPrefix.parse("::/0"));
        assertEquals(TagTable.UNTAGGED, lookup("fe80::1"));
    }

    @Test
    void bitsBeyondTheLengthDoNotMatter() {
        assertEquals(Outcome.OK, add("10.255.9.9/16", 5));
        assertEquals(Outcome.EXISTS, add("10.255.0.0/16", 6));
        assertEquals(5, lookup("10.255.1.1"));
        assertEquals(
                List.of(new Tag(IpPrefix.parse("10.255.0.0/16"), 5)),
                table.entries().toList());
        assertEquals(Outcome.OK, table.remove(IpPrefix.parse("10.255.7.7/16")));
        assertEquals(TagTable.UNTAGGED, lookup("10.255.1.1"));
    }

    @Test
    void replaceMakesOrChanges() {
        assertEquals(Outcome.OK, table.replace(IpPrefix.parse("10.0.0.1"), 1));
        assertEquals(Outcome.OK, table.replace(IpPrefix.parse("10.0.0.1"), 65535));
        assertEquals(65535, lookup("10.0.0.1"));
        assertEquals(1, table.size());
    }

    @Test
    void removeOfWhatIsNotThereIsEnoent() {
        assertEquals(Outcome.NOT_FOUND, table.remove(IpPrefix.parse("10.0.0.1")));
        add("10.0.0.1", 1);
        assertEquals(Outcome.NOT_FOUND, table.remove(IpPrefix.parse("10.0.0.2")));
        assertEquals(Outcome.NOT_FOUND, table.remove(IpPrefix.parse("10.0.0.1/31")));
    }

    @Test
    void lengthThatWentOutOfUseCanComeBack() {
        add("10.0.0.0/8", 1);
        table.remove(IpPrefix.parse("10.0.0.0/8"));
        assertEquals(Outcome.OK, add("10.0.0.0/8", 2));
        assertEquals(2, lookup("10.1.1.1"));
    }

    @Test
    void tagsOutOfRangeAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> add("10.0.0.1", 0));
        assertThrows(IllegalArgumentException.class, () -> add("10.0.0.1", 65536));
        assertEquals(0, table.size());
    }

    @Test
    void flushTakesAll() {
        add("10.0.0.1", 1);
        add("10.0.0.0/8", 2);
        add("::1", 3);
        assertEquals(
                Set.of(
                        new Tag(IpPrefix.parse("10.0.0.1"), 1),
                        new Tag(IpPrefix.parse("10.0.0.0/8"), 2),
                        new Tag(IpPrefix.parse("::1"), 3)),
                Set.copyOf(table.entries().toList()));
        assertEquals(3, table.flush());
        assertEquals(0, table.size());
        assertEquals(TagTable.UNTAGGED, lookup("10.0.0.1"));
    }

    @Test
    void agreesWithASearchOfAllPrefixes() {
        SplittableRandom random = new SplittableRandom(7);
        Map<IpPrefix, Integer> all = new HashMap<>();
        for (int i = 1; i <= 500; i++) {
            int length = random.nextInt(33);
            int mask = length == 0 ? 0 : -1 << 32 - length;
            IpPrefix prefix = new IpPrefix(IpAddress.ofIpv4(random.nextInt(1 << 10) << 22 & mask), length);
            table.replace(prefix, i);
            all.put(prefix, i);
        }
        assertEquals(all.size(), table.size());
        for (int i = 0; i < 20_000; i++) {
            int address = random.nextInt(1 << 12) << 20 | random.nextInt(2);
            assertEquals(slowly(all, address), table.lookup(0, IpAddress.ipv4Low(address)));
        }
    }

    private static int slowly(Map<IpPrefix, Integer> all, int address) {
        for (int length = 32; length >= 0; length--) {
            int mask = length == 0 ? 0 : -1 << 32 - length;
            Integer tag = all.get(new IpPrefix(IpAddress.ofIpv4(address & mask), length));
            if (tag != null) {
                return tag;
            }
        }
        return TagTable.UNTAGGED;
    }
}
