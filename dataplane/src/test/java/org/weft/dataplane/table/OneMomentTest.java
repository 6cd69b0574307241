package org.weft.dataplane.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

/**
 * An address that moves from one prefix length to another always has an entry, because the new one
 * comes before the old one goes. A lookup that takes one length after the other must not pass
 * between the two.
 */
class OneMomentTest {
    private static final long NANOS = TimeUnit.MILLISECONDS.toNanos(1500);
    private static final long MOST_NANOS = TimeUnit.SECONDS.toNanos(20);

    /** How often each side must have had its turn before it counts, however slow the machine. */
    private static final int MOVES = 20_000;

    private static final long LOOKUPS = 1_000_000;

    private static final int ADDRESS = 0x0a00_0001;
    private static final IpPrefix OWN = new IpPrefix(IpAddress.ofIpv4(ADDRESS), 32);
    private static final IpPrefix NETWORK = new IpPrefix(IpAddress.ofIpv4(0x0a00_0000), 24);
    private static final long MAC = 0xeeee_0aff_6300L;

    private final ExecutorService reader = Executors.newSingleThreadExecutor();
    private volatile boolean done;
    private volatile long lookups;

    @AfterEach
    void stopReader() throws InterruptedException {
        done = true;
        reader.shutdown();
        assertTrue(reader.awaitTermination(10, TimeUnit.SECONDS));
    }

    /**
     * Moves an entry there and back while a thread looks it up; returns how often it was not found.
     */
    private long missedWhile(Runnable there, Runnable back, LongPredicate found) throws Exception {
        Future<Long> missed = reader.submit(() -> {
            long count = 0;
            for (long i = 0; !done; i++) {
                count += found.test(i) ? 0 : 1;
                lookups = i;
            }
            return count;
        });
        int moves = 0;
        long start = System.nanoTime();
        long nanos = 0;
        while (nanos < NANOS || (moves < MOVES || lookups < LOOKUPS) && nanos < MOST_NANOS) {
            there.run();
            back.run();
            moves++;
            nanos = System.nanoTime() - start;
        }
        done = true;
        assertTrue(moves >= MOVES && lookups >= LOOKUPS, moves + " moves, " + lookups + " lookups");
        return missed.get(10, TimeUnit.SECONDS);
    }

    @Test
    void aTagThatMovesBetweenPrefixLengthsIsFound() throws Exception {
        TagTable tags = new TagTable();
        for (int length = NETWORK.length() + 1; length < OWN.length(); length++) {
            tags.add(new IpPrefix(IpAddress.ofIpv4(0x0b00_0000), length), 99);
        }
        tags.add(NETWORK, 24);
        long missed = missedWhile(
                () -> {
                    tags.add(OWN, 32);
                    tags.remove(NETWORK);
                },
                () -> {
                    tags.add(NETWORK, 24);
                    tags.remove(OWN);
                },
                i -> tags.lookup(0, IpAddress.ipv4Low(ADDRESS)) != TagTable.UNTAGGED);
        assertEquals(0, missed);
        assertEquals(24, tags.lookup(0, IpAddress.ipv4Low(ADDRESS)));
    }

    /**
     * The longer prefix is there before the shorter one gets its tag, so none may ever see the tag
     * of the shorter one.
     */
    @Test
    void aTagOfAShorterPrefixIsNotFoundBehindALongerOne() throws Exception {
        TagTable tags = new TagTable();
        tags.add(NETWORK, 24);
        long wrong = missedWhile(
                () -> {
                    tags.add(OWN, 32);
                    tags.replace(NETWORK, 25);
                },
                () -> {
                    tags.replace(NETWORK, 24);
                    tags.remove(OWN);
                },
                i -> tags.lookup(0, IpAddress.ipv4Low(ADDRESS)) != 25);
        assertEquals(0, wrong);
        assertNotEquals(32, tags.lookup(0, IpAddress.ipv4Low(ADDRESS)));
    }

    @Test
    void aMacWithoutAnEntryGetsTheDefaultOneUntilItHasItsOwn() throws Exception {
        FdbTable fdb = new FdbTable(0);
        Remote remote = new Remote(IpAddress.parse("10.0.16.16"));
        fdb.add(FdbTable.DEFAULT_MAC, remote, true, 0);
        FdbLookup result = new FdbLookup();
        long missed = missedWhile(
                () -> {
                    fdb.add(MAC, remote, true, 0);
                    fdb.remove(FdbTable.DEFAULT_MAC, null);
                },
                () -> {
                    fdb.add(FdbTable.DEFAULT_MAC, remote, true, 0);
                    fdb.remove(MAC, null);
                },
                i -> fdb.lookupOrDefault(MAC, result)
                        && result.low(0) == remote.address().low());
        assertEquals(0, missed);
    }

    @Test
    void aHostWhoseNetworkGetsAnotherLengthHoldsItsAddresses() throws Exception {
        NeighbourTable neighbours = new NeighbourTable();
        for (int length = 16; length <= 32; length++) {
            neighbours.noteNetworkLength(length);
        }
        IpAddress own = OWN.address();
        IpAddress network = NETWORK.address();
        neighbours.add(network, MAC);
        long missed = missedWhile(
                () -> {
                    neighbours.add(own, MAC);
                    neighbours.remove(network);
                },
                () -> {
                    neighbours.add(network, MAC);
                    neighbours.remove(own);
                },
                i -> neighbours.holder(ADDRESS, 24) == MAC);
        assertEquals(0, missed);
        assertEquals(NeighbourTable.NONE, neighbours.holder(0x0b00_0001, 24));
    }
}
