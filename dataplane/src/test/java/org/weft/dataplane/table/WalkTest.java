package org.weft.dataplane.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.table.NeighbourTable.Neighbour;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

class WalkTest {
    private static final Remote REMOTE = new Remote(IpAddress.parse("10.0.16.14"));

    /** Whatever the keys that are found at a time: fewer than there are, just as many, one more. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 99, 100, 101, 1000})
    void givesEachEntryOnceInOrder(int keysAtATime) {
        OffHeapMap map = new OffHeapMap(2);
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            long first = (i / 10 - 5) * 0x1000_0000_0000_0000L;
            map.put(first, i % 10, i, 0, 0);
            expected.add(Long.toHexString(first) + " " + i % 10);
        }
        // unsigned: what begins with 0 to 4 goes before what begins with b to f
        expected.sort((a, b) -> Long.compareUnsigned(number(a), number(b)));

        assertEquals(expected, walk(map, keysAtATime).toList());
    }

    private static long number(String key) {
        return Long.parseUnsignedLong(key.substring(0, key.indexOf(' ')), 16)
                + Long.parseLong(key.substring(key.length() - 1));
    }

    private static Stream<String> walk(OffHeapMap map, int keysAtATime) {
        return Walk.over(
                keys -> map.forEach((first, second, third, flags, time) -> keys.offer(first, second)),
                (first, second, found) -> {
                    if (map.contains(first, second)) {
                        found.accept(Long.toHexString(first) + " " + second);
                    }
                },
                keysAtATime);
    }

    @Test
    void missesNothingThatStaysAndRepeatsNothingWhileTheTableIsRebuilt() {
        SplittableRandom random = new SplittableRandom(1);
        OffHeapMap map = new OffHeapMap(1);
        TreeSet<Long> staying = new TreeSet<>();
        while (staying.size() < 1000) {
            long key = random.nextLong(1L << 48) & ~1L;
            staying.add(key);
            map.put(key, 0, key, 0, 0);
        }
        List<Long> seen = new ArrayList<>();
        Iterator<Long> walk = Walk.<Long>over(
                        keys -> map.forEach((first, second, third, flags, time) -> keys.offer(first, 0)),
                        (first, second, found) -> {
                            if (map.contains(first, 0)) {
                                found.accept(first);
                            }
                        },
                        64)
                .iterator();
        while (walk.hasNext()) {
            seen.add(walk.next());
            // Odd keys come and go in thousands, so the map grows and shrinks.
            boolean growing = seen.size() / 100 % 2 == 0;
            for (int i = 0; i < 100; i++) {
                long key = seen.size() / 200 * 100_003L + (seen.size() % 100 * 100 + i) * 2L + 1;
                if (growing) {
                    map.put(key, 0, key, 0, 0);
                } else {
                    map.remove(key, 0);
                }
            }
        }

        assertEquals(new TreeSet<>(seen).size(), seen.size(), "none comes twice");
        assertEquals(seen.stream().sorted().toList(), seen);
        assertEquals(
                List.copyOf(staying), seen.stream().filter(key -> key % 2 == 0).toList());
    }

    @Test
    void readsAnEntryWhenItIsAskedFor() {
        FdbTable table = new FdbTable(0);
        LongStream.rangeClosed(1, 5).forEach(mac -> table.add(mac, REMOTE, true, 0));
        Iterator<FdbEntry> entries = table.entries().iterator();
        entries.next();
        entries.next();

        table.remove(4, null);
        table.replace(5, new Remote(IpAddress.parse("10.0.16.15")), true, 0);

        assertEquals(3, entries.next().mac());
        FdbEntry changed = entries.next();
        assertEquals(5, changed.mac());
        assertEquals("10.0.16.15", changed.remotes().get(0).address().toString());
        assertFalse(entries.hasNext());
    }

    @Test
    void givesALargeTableInOrderOfMacs() {
        int count = 300_000;
        FdbTable table = new FdbTable(0);
        SplittableRandom random = new SplittableRandom(2);
        TreeSet<Long> macs = new TreeSet<>(List.of(FdbTable.DEFAULT_MAC));
        while (macs.size() < count) {
            macs.add(random.nextLong(1L << 48) & ~(1L << 40));
        }
        macs.forEach(mac -> table.add(mac, REMOTE, true, 0));

        Iterator<Long> expected = macs.iterator();
        table.entries().forEach(entry -> assertEquals(expected.next(), entry.mac()));

        assertFalse(expected.hasNext());
    }

    @Test
    void givesTheShorterOfTwoPrefixesFirst() {
        List<String> prefixes = List.of(
                "::/0",
                "0.0.0.0/0",
                "10.0.0.0/8",
                "10.0.0.0/16",
                "10.0.0.0/32",
                "10.255.0.0/16",
                "fd00::/8",
                "fd00::/128");
        TagTable tags = new TagTable();
        for (int i = prefixes.size() - 1; i >= 0; i--) {
            tags.add(IpPrefix.parse(prefixes.get(i)), i + 1);
        }

        assertEquals(
                IntStream.range(0, prefixes.size())
                        .mapToObj(i -> new Tag(IpPrefix.parse(prefixes.get(i)), i + 1))
                        .toList(),
                tags.entries().toList());
    }

    @Test
    void givesNeighboursByAddress() {
        List<String> addresses = List.of("10.255.43.0", "10.255.43.1", "192.0.2.1", "fd00::1", "fe80::1");
        NeighbourTable neighbours = new NeighbourTable();
        for (int i = addresses.size() - 1; i >= 0; i--) {
            neighbours.add(IpAddress.parse(addresses.get(i)), i);
        }

        assertEquals(
                addresses,
                neighbours
                        .entries()
                        .map(Neighbour::address)
                        .map(IpAddress::toString)
                        .toList());
        assertTrue(new NeighbourTable().entries().toList().isEmpty());
    }
}
