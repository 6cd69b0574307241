package org.weft.dataplane.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.table.FdbTable.Learned;
import org.weft.encap.IpAddress;
import org.weft.encap.MacAddress;

/** As the kernel's {@code vxlan_snoop} and {@code vxlan_cleanup} do. */
class FdbLearningTest {
    private static final long MAC = MacAddress.parse("02:00:00:00:00:01");
    private static final IpAddress HERE = IpAddress.parse("10.0.16.14");
    private static final IpAddress THERE = IpAddress.parse("10.0.16.15");

    private final FdbTable table = new FdbTable(0);

    private Learned learn(IpAddress remote, long nowSeconds) {
        return table.learn(MAC, remote.high(), remote.low(), nowSeconds);
    }

    @Test
    void newSourceIsLearned() {
        assertEquals(Learned.LEARNED, learn(HERE, 10));
        assertEquals(new FdbEntry(MAC, List.of(new Remote(HERE)), false, 10), table.entry(MAC));
    }

    @Test
    void knownSourceIsRefreshed() {
        learn(HERE, 10);
        assertEquals(Learned.KNOWN, learn(HERE, 10));
        assertEquals(Learned.KNOWN, learn(HERE, 17));
        assertEquals(17, table.entry(MAC).updatedSeconds());
    }

    @Test
    void learnedSourceMoves() {
        learn(HERE, 10);
        assertEquals(Learned.LEARNED, learn(THERE, 20));
        assertEquals(new FdbEntry(MAC, List.of(new Remote(THERE)), false, 20), table.entry(MAC));
    }

    @Test
    void movedEntryKeepsItsPortAndVni() {
        table.add(MAC, new Remote(HERE, 4790, 5), false, 10);
        assertEquals(Learned.KNOWN, learn(HERE, 11));
        assertEquals(11, table.entry(MAC).updatedSeconds());
        assertEquals(Learned.LEARNED, learn(THERE, 20));
        assertEquals(List.of(new Remote(THERE, 4790, 5)), table.entry(MAC).remotes());
    }

    @Test
    void permanentEntryNeverMoves() {
        table.add(MAC, new Remote(HERE), true, 10);
        assertEquals(Learned.STATIC_ELSEWHERE, learn(THERE, 20));
        assertEquals(Learned.KNOWN, learn(HERE, 20));
        table.replace(MAC, new Remote(HERE, 4790, 5), true, 10);
        assertEquals(Learned.STATIC_ELSEWHERE, learn(THERE, 20));
        assertEquals(List.of(new Remote(HERE, 4790, 5)), table.entry(MAC).remotes());
    }

    @Test
    void nothingNewIsLearnedBeyondTheLimitButEntriesStillMove() {
        FdbTable limited = new FdbTable(1);
        assertEquals(Learned.LEARNED, limited.learn(MAC, 0, 1, 10));
        assertEquals(Learned.FULL, limited.learn(MAC + 1, 0, 1, 10));
        assertNull(limited.entry(MAC + 1));
        assertEquals(Learned.KNOWN, limited.learn(MAC, 0, 1, 11));
        assertEquals(Learned.LEARNED, limited.learn(MAC, 0, 2, 11));
    }

    @Test
    void entryAgesFromItsLastRefresh() {
        learn(HERE, 100);
        learn(HERE, 150);
        assertEquals(0, table.age(449, 300));
        assertEquals(1, table.age(450, 300));
        assertNull(table.entry(MAC));
    }

    @Test
    void permanentEntriesDoNotAgeAndOperatorsDynamicOnesDo() {
        table.add(MAC, new Remote(HERE), true, 0);
        table.add(MAC + 1, new Remote(HERE), false, 0);
        assertEquals(1, table.age(300, 300));
        assertNotNull(table.entry(MAC));
        assertNull(table.entry(MAC + 1));
    }

    @Test
    void ageingOfZeroRemovesNothing() {
        learn(HERE, 0);
        assertEquals(0, table.age(1_000_000, 0));
    }

    @Test
    void clockThatGoesBackAgesNothing() {
        learn(HERE, 1000);
        assertEquals(0, table.age(10, 300));
    }

    @Test
    void secondsBeyond31BitsAreKept() {
        long now = 0x8000_0000L + 5;
        learn(HERE, now);
        assertEquals(now, table.entry(MAC).updatedSeconds());
        assertEquals(0, table.age(now + 299, 300));
        assertEquals(1, table.age(now + 300, 300));
    }
}
