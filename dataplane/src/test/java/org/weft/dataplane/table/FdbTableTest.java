package org.weft.dataplane.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.weft.encap.IpAddress;
import org.weft.encap.MacAddress;

/** Outcomes are those of {@code bridge fdb} on a vxlan device of Linux 6.18, except where a name says so. */
class FdbTableTest {
    private static final long MAC = MacAddress.parse("ee:ee:0a:ff:2b:00");
    private static final long OTHER_MAC = MacAddress.parse("ee:ee:0a:ff:2c:00");
    private static final long MULTICAST = MacAddress.parse("01:00:5e:00:00:01");
    private static final Remote A = remote("10.0.16.14");
    private static final Remote B = remote("10.0.16.15");
    private static final Remote C = remote("2001:db8::1");
    private static final Remote WITH_PORT = new Remote(IpAddress.parse("10.0.16.14"), 4790, 77);

    private final FdbTable table = new FdbTable(0);
    private final FdbLookup found = new FdbLookup();

    @Test
    void addedEntryIsFound() {
        assertEquals(Outcome.OK, table.add(MAC, A, true, 100));
        assertLookup(MAC, A);
        assertEquals(new FdbEntry(MAC, List.of(A), true, 100), table.entry(MAC));
        assertEquals(1, table.size());
    }

    @Test
    void addOfAKnownMacIsEexist() {
        table.add(MAC, A, true, 1);
        assertEquals(Outcome.EXISTS, table.add(MAC, B, true, 2));
        assertLookup(MAC, A);
    }

    @Test
    void macThatIsNotThereIsNotFoundEvenIfThereIsADefaultEntry() {
        table.add(FdbTable.DEFAULT_MAC, A, true, 1);
        assertFalse(table.lookup(MAC, found));
        assertNull(table.entry(MAC));
    }

    @Test
    void ipv6RemoteKeepsAll128Bits() {
        table.add(MAC, C, true, 1);
        assertLookup(MAC, C);
    }

    @Test
    void remoteWithItsOwnPortAndVniIsFound() {
        table.add(MAC, WITH_PORT, true, 1);
        assertLookup(MAC, WITH_PORT);
        assertEquals(List.of(WITH_PORT), table.entry(MAC).remotes());
    }

    @Test
    void appendMakesAnEntryOfAnyKind() {
        for (long mac : new long[] {MAC, MULTICAST, FdbTable.DEFAULT_MAC}) {
            assertEquals(Outcome.OK, table.append(mac, A, true, 1));
            assertLookup(mac, A);
        }
    }

    @Test
    void appendAddsRemotesInOrderToDefaultAndMulticastEntries() {
        for (long mac : new long[] {MULTICAST, FdbTable.DEFAULT_MAC, MacAddress.BROADCAST}) {
            table.add(mac, A, true, 1);
            assertEquals(Outcome.OK, table.append(mac, WITH_PORT, true, 2));
            assertEquals(Outcome.OK, table.append(mac, C, true, 3));
            assertLookup(mac, A, WITH_PORT, C);
        }
    }

    @Test
    void appendOfAKnownRemoteChangesNothing() {
        table.add(FdbTable.DEFAULT_MAC, A, true, 1);
        table.append(FdbTable.DEFAULT_MAC, B, true, 1);
        assertEquals(Outcome.OK, table.append(FdbTable.DEFAULT_MAC, B, true, 1));
        assertLookup(FdbTable.DEFAULT_MAC, A, B);
    }

    @Test
    void appendOfAnotherRemoteToUnicastIsRefusedWhereTheKernelIgnoresIt() {
        table.add(MAC, A, true, 1);
        assertEquals(Outcome.NOT_SUPPORTED, table.append(MAC, B, true, 1));
        assertEquals(Outcome.OK, table.append(MAC, A, true, 1));
        assertLookup(MAC, A);
    }

    private boolean knows(Remote remote) {
        return table.knows(remote.address().high(), remote.address().low());
    }

    @Test
    void knowsTheRemotesOfPermanentEntries() {
        assertFalse(knows(A));
        table.add(MAC, A, true, 1);
        table.append(FdbTable.DEFAULT_MAC, WITH_PORT, true, 1);
        table.append(FdbTable.DEFAULT_MAC, C, true, 1);
        assertTrue(knows(A) && knows(WITH_PORT) && knows(C));
        table.remove(FdbTable.DEFAULT_MAC, C);
        assertFalse(knows(C));
        table.replace(MAC, B, true, 1);
        assertTrue(knows(B));
        table.flush(false);
        assertFalse(knows(A) || knows(B) || knows(WITH_PORT));
    }

    @Test
    void doesNotKnowWhatItOnlyLearned() {
        table.learn(MAC, A.address().high(), A.address().low(), 1);
        table.add(MAC + 1, B, false, 1);
        assertFalse(knows(A) || knows(B));
        table.replace(MAC, A, true, 1);
        assertTrue(knows(A));
        table.replace(MAC, A, false, 1);
        assertFalse(knows(A));
    }

    /** By any operations, what is known is what permanent entries lead to. */
    @RepeatedTest(20)
    void knowsExactlyThoseWhateverHappens(RepetitionInfo round) {
        SplittableRandom random = new SplittableRandom(round.getCurrentRepetition());
        List<Remote> remotes = List.of(A, B, C, WITH_PORT, new Remote(IpAddress.parse("fd00::9"), 1, 7));
        long[] macs = {MAC, MAC + 1, MULTICAST, FdbTable.DEFAULT_MAC};
        for (int i = 0; i < 500; i++) {
            long mac = macs[random.nextInt(macs.length)];
            Remote remote = remotes.get(random.nextInt(remotes.size()));
            boolean permanent = random.nextInt(3) > 0;
            switch (random.nextInt(8)) {
                case 0, 1 -> table.add(mac, remote, permanent, i);
                case 2, 3 -> table.append(mac, remote, permanent, i);
                case 4 -> table.replace(mac, remote, permanent, i);
                case 5 ->
                    table.learn(mac, remote.address().high(), remote.address().low(), i);
                case 6 -> table.remove(mac, random.nextBoolean() ? remote : null);
                default -> table.age(i + random.nextInt(20), 10);
            }
            Set<IpAddress> expected = table.entries()
                    .filter(FdbEntry::permanent)
                    .flatMap(entry -> entry.remotes().stream())
                    .map(Remote::address)
                    .collect(Collectors.toSet());
            for (Remote each : remotes) {
                assertEquals(expected.contains(each.address()), knows(each), each + " after " + i);
            }
        }
        table.flush(true);
    }

    @Test
    void replaceMakesOrChangesAUnicastEntry() {
        assertEquals(Outcome.OK, table.replace(MAC, A, true, 1));
        assertLookup(MAC, A);
        assertEquals(Outcome.OK, table.replace(MAC, WITH_PORT, false, 2));
        assertLookup(MAC, WITH_PORT);
        assertEquals(new FdbEntry(MAC, List.of(WITH_PORT), false, 2), table.entry(MAC));
        assertEquals(Outcome.OK, table.replace(MAC, B, true, 3));
        assertEquals(new FdbEntry(MAC, List.of(B), true, 3), table.entry(MAC));
        assertEquals(1, table.size());
    }

    @Test
    void replaceOfAMulticastEntryIsEopnotsupp() {
        assertEquals(Outcome.NOT_SUPPORTED, table.replace(MULTICAST, A, true, 1));
        table.add(MULTICAST, A, true, 1);
        assertEquals(Outcome.NOT_SUPPORTED, table.replace(MULTICAST, B, true, 1));
        assertLookup(MULTICAST, A);
    }

    @Test
    void replaceSetsTheDefaultEntryToOneRemoteWhereTheKernelRefuses() {
        assertEquals(Outcome.OK, table.replace(FdbTable.DEFAULT_MAC, A, true, 1));
        table.append(FdbTable.DEFAULT_MAC, B, true, 1);
        assertEquals(Outcome.OK, table.replace(FdbTable.DEFAULT_MAC, C, true, 1));
        assertLookup(FdbTable.DEFAULT_MAC, C);
    }

    @Test
    void removeTakesOneRemoteAndWithTheLastTheEntry() {
        table.add(MULTICAST, A, true, 5);
        table.append(MULTICAST, B, true, 5);
        table.append(MULTICAST, WITH_PORT, true, 5);
        assertEquals(Outcome.OK, table.remove(MULTICAST, B));
        assertLookup(MULTICAST, A, WITH_PORT);
        assertEquals(Outcome.OK, table.remove(MULTICAST, WITH_PORT));
        assertEquals(new FdbEntry(MULTICAST, List.of(A), true, 5), table.entry(MULTICAST));
        assertEquals(Outcome.OK, table.remove(MULTICAST, A));
        assertFalse(table.lookup(MULTICAST, found));
        assertEquals(0, table.size());
    }

    @Test
    void removeWithoutARemoteTakesTheEntry() {
        table.add(MULTICAST, A, true, 1);
        table.append(MULTICAST, B, true, 1);
        assertEquals(Outcome.OK, table.remove(MULTICAST, null));
        assertFalse(table.lookup(MULTICAST, found));
    }

    @Test
    void removeOfWhatIsNotThereIsEnoent() {
        assertEquals(Outcome.NOT_FOUND, table.remove(MAC, A));
        assertEquals(Outcome.NOT_FOUND, table.remove(MAC, null));
        table.add(MAC, A, true, 1);
        assertEquals(Outcome.NOT_FOUND, table.remove(MAC, B));
        assertEquals(Outcome.NOT_FOUND, table.remove(MAC, WITH_PORT));
        assertLookup(MAC, A);
    }

    @Test
    void groupIdUsedAgainLeadsToTheNewEntry() {
        table.add(MAC, WITH_PORT, true, 1);
        table.remove(MAC, null);
        Remote other = new Remote(IpAddress.parse("10.0.0.9"), 1, 2);
        table.add(OTHER_MAC, other, true, 1);
        table.add(MAC, B, true, 1);
        assertLookup(OTHER_MAC, other);
        assertLookup(MAC, B);
    }

    @Test
    void limitCountsEveryEntryAsMaxaddressDoes() {
        FdbTable limited = new FdbTable(2);
        assertEquals(Outcome.OK, limited.append(FdbTable.DEFAULT_MAC, A, true, 1));
        assertEquals(Outcome.OK, limited.add(MAC, A, true, 1));
        assertEquals(Outcome.FULL, limited.add(OTHER_MAC, A, true, 1));
        assertEquals(Outcome.FULL, limited.append(OTHER_MAC, A, true, 1));
        assertEquals(Outcome.FULL, limited.replace(OTHER_MAC, A, true, 1));
        assertEquals(Outcome.OK, limited.replace(MAC, B, true, 1));
        assertEquals(Outcome.OK, limited.append(FdbTable.DEFAULT_MAC, B, true, 1));
        limited.remove(MAC, null);
        assertEquals(Outcome.OK, limited.add(OTHER_MAC, A, true, 1));
    }

    @Test
    void outOfMemoryIsFullAndLeavesTheTableAsItWas() {
        FdbTable small = new FdbTable(0, new OffHeapMap(1, 16));
        for (int i = 1; i <= 12; i++) {
            assertEquals(Outcome.OK, small.add(i, WITH_PORT, true, 1));
        }
        assertEquals(Outcome.FULL, small.add(13, WITH_PORT, true, 1));
        assertEquals(Outcome.FULL, small.add(13, A, true, 1));
        assertEquals(FdbTable.Learned.FULL, small.learn(13, 0, 1, 1));
        assertEquals(Outcome.OK, small.replace(12, A, true, 1));
        assertEquals(12, small.size());
        assertTrue(small.lookup(12, found));
        assertEquals(A.address().low(), found.low(0));
    }

    @Test
    void flushTakesAllOrOnlyWhatIsNotPermanent() {
        table.add(MAC, A, true, 1);
        table.add(OTHER_MAC, WITH_PORT, false, 1);
        table.learn(7, 0, 1, 1);
        assertEquals(2, table.flush(true));
        assertEquals(Set.of(MAC), table.entries().map(FdbEntry::mac).collect(Collectors.toSet()));
        assertEquals(1, table.flush(false));
        assertEquals(List.of(), table.entries().toList());
        assertEquals(0, table.size());
    }

    @Test
    void entriesShowsEachOnce() {
        table.add(MAC, A, true, 1);
        table.append(FdbTable.DEFAULT_MAC, B, true, 2);
        table.append(FdbTable.DEFAULT_MAC, C, true, 2);
        table.learn(OTHER_MAC, A.address().high(), A.address().low(), 3);
        List<FdbEntry> entries = table.entries().toList();
        assertEquals(3, entries.size());
        assertEquals(
                Set.of(
                        new FdbEntry(MAC, List.of(A), true, 1),
                        new FdbEntry(FdbTable.DEFAULT_MAC, List.of(B, C), true, 2),
                        new FdbEntry(OTHER_MAC, List.of(A), false, 3)),
                Set.copyOf(entries));
    }

    private void assertLookup(long mac, Remote... remotes) {
        assertTrue(table.lookup(mac, found));
        assertEquals(List.of(remotes), found.remotes());
        assertEquals(remotes.length, found.count());
    }

    private static Remote remote(String address) {
        return new Remote(IpAddress.parse(address));
    }
}
