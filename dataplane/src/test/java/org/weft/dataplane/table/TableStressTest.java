package org.weft.dataplane.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.table.NeighbourTable.Neighbour;
import org.weft.encap.IpAddress;

/**
 * One writer changes a table in every way there is while readers look up.
 *
 * <p>All words of a remote follow from its low one, and that one names the MAC it was made for, so a value of two writes,
 * or of another entry, shows.
 */
class TableStressTest {
    private static final long NANOS = TimeUnit.MILLISECONDS.toNanos(900);
    private static final long MOST_NANOS = TimeUnit.SECONDS.toNanos(10);
    /** How often the other threads must have looked before it counts, however slow the machine. */
    private static final int TURNS = 10_000;

    private static final int READERS = 2;
    /** MACs that are always in the table: 1 to this. */
    private static final int STABLE = 64;
    /** MACs above that come and go. */
    private static final int PASSING = 3000;

    private static final long[] SEVERAL = {FdbTable.DEFAULT_MAC, 0x0100_5e00_0001L, 0xffff_ffff_ffffL};

    private final FdbTable fdb = new FdbTable(0);
    private final ExecutorService readers = Executors.newFixedThreadPool(READERS);
    private final LongAdder turns = new LongAdder();
    private volatile boolean done;

    @AfterEach
    void stopReaders() throws InterruptedException {
        done = true;
        readers.shutdown();
        assertTrue(readers.awaitTermination(10, TimeUnit.SECONDS));
    }

    @Test
    void fdbReadersSeeWholeEntriesAndMissNone() throws Exception {
        SplittableRandom random = new SplittableRandom(1);
        for (long mac = 1; mac <= STABLE; mac++) {
            fdb.add(mac, remote(mac, random), true, 1);
        }
        for (long mac : SEVERAL) {
            fdb.append(mac, remote(mac, random), true, 1);
        }
        List<Future<?>> checked = start(() -> readFdb(new SplittableRandom(3)));
        long smallest = Long.MAX_VALUE;
        long largest = 0;
        long start = System.nanoTime();
        for (long i = 0; running(start, 3 * NANOS); i++) {
            writeFdb(random, i / 20_000 % 2 == 0);
            smallest = Math.min(smallest, fdb.bytes());
            largest = Math.max(largest, fdb.bytes());
        }
        assertTrue(largest > 8 * smallest, "it has grown: " + smallest + " to " + largest);
        finish(checked);

        for (long mac = STABLE + 1; mac <= STABLE + PASSING; mac++) {
            fdb.remove(mac, null);
            assertFalse(fdb.lookup(mac, new FdbLookup()));
        }
        assertEquals(STABLE + SEVERAL.length, fdb.size());
    }

    private void writeFdb(SplittableRandom random, boolean growing) {
        long stable = 1 + random.nextInt(STABLE);
        assertEquals(Outcome.OK, fdb.replace(stable, remote(stable, random), true, 1));

        long passing = STABLE + 1 + random.nextInt(PASSING);
        if (random.nextInt(10) < (growing ? 8 : 2)) {
            fdb.replace(passing, remote(passing, random), true, 1);
        } else {
            fdb.remove(passing, null);
        }

        long several = SEVERAL[random.nextInt(SEVERAL.length)];
        List<Remote> remotes = fdb.entry(several).remotes();
        if (remotes.size() < 2 || remotes.size() < 8 && random.nextBoolean()) {
            fdb.append(several, remote(several, random), true, 1);
        } else {
            fdb.remove(several, remotes.get(random.nextInt(remotes.size())));
        }
    }

    private void readFdb(SplittableRandom random) {
        FdbLookup found = new FdbLookup();
        while (!done) {
            long stable = 1 + random.nextInt(STABLE);
            assertTrue(fdb.lookup(stable, found), () -> "missed " + stable);
            check(stable, found);
            long passing = STABLE + 1 + random.nextInt(PASSING);
            if (fdb.lookup(passing, found)) {
                check(passing, found);
            }
            long several = SEVERAL[random.nextInt(SEVERAL.length)];
            assertTrue(fdb.lookup(several, found), () -> "missed " + several);
            check(several, found);
            turns.increment();
            if (random.nextInt(4096) == 0) {
                showFdb();
            }
        }
    }

    private void showFdb() {
        List<FdbEntry> entries = fdb.entries().toList();
        assertTrue(entries.size() >= STABLE + SEVERAL.length);
        for (FdbEntry entry : entries) {
            for (Remote remote : entry.remotes()) {
                assertEquals(remote(entry.mac(), remote.address().low() & ~0xffff_ffff_ffffL), remote);
            }
        }
    }

    /** Half of them with the VTEP's own port and VNI, which are kept in another way. */
    private static Remote remote(long mac, SplittableRandom random) {
        return remote(mac, random.nextLong() & ~0xffff_ffff_ffffL);
    }

    private static Remote remote(long mac, long number) {
        long low = number | mac;
        boolean plain = low < 0;
        return new Remote(new IpAddress(high(low), low), plain ? 0 : port(low), plain ? Remote.SAME_VNI : vni(low));
    }

    private static long high(long low) {
        return low * 0x9e37_79b9_7f4a_7c15L;
    }

    private static int port(long low) {
        return 1 + (int) (low >>> 48);
    }

    private static int vni(long low) {
        return (int) (high(low) >>> 40);
    }

    private static void check(long mac, FdbLookup found) {
        for (int i = 0; i < found.count(); i++) {
            long low = found.low(i);
            boolean plain = low < 0;
            boolean whole = (low & 0xffff_ffff_ffffL) == mac
                    && found.high(i) == high(low)
                    && found.port(i) == (plain ? 0 : port(low))
                    && found.vni(i) == (plain ? Remote.SAME_VNI : vni(low));
            if (!whole) {
                throw new AssertionError(Long.toHexString(mac) + " found with "
                        + new Remote(new IpAddress(found.high(i), low), found.port(i), found.vni(i)));
            }
        }
    }

    @Test
    void neighbourReadersSeeTheirMacAndMissNone() throws Exception {
        NeighbourTable neighbours = new NeighbourTable();
        SplittableRandom random = new SplittableRandom(6);
        for (int i = 1; i <= STABLE; i++) {
            neighbours.add(neighbour(i), mac(i, random));
        }
        List<Future<?>> checked = start(() -> readNeighbours(neighbours, new SplittableRandom(7)));
        long start = System.nanoTime();
        for (long i = 0; running(start); i++) {
            int stable = 1 + random.nextInt(STABLE);
            assertEquals(Outcome.OK, neighbours.replace(neighbour(stable), mac(stable, random)));
            int passing = STABLE + 1 + random.nextInt(PASSING);
            if (random.nextInt(10) < (i / 20_000 % 2 == 0 ? 8 : 2)) {
                neighbours.replace(neighbour(passing), mac(passing, random));
            } else {
                neighbours.remove(neighbour(passing));
            }
        }
        finish(checked);
    }

    private void readNeighbours(NeighbourTable neighbours, SplittableRandom random) {
        while (!done) {
            int stable = 1 + random.nextInt(STABLE);
            assertEquals(stable, neighbours.lookup(high(stable), stable) & 0xffff);
            int passing = STABLE + 1 + random.nextInt(PASSING);
            long mac = neighbours.lookup(high(passing), passing);
            assertTrue(mac == NeighbourTable.NONE || (mac & 0xffff) == passing, () -> passing + " is at " + mac);
            turns.increment();
            if (random.nextInt(4096) == 0) {
                List<Neighbour> all = neighbours.entries().toList();
                assertTrue(all.size() >= STABLE);
                all.forEach(each -> assertEquals(each.address().low(), each.mac() & 0xffff));
            }
        }
    }

    private static IpAddress neighbour(int number) {
        return new IpAddress(high(number), number);
    }

    private static long mac(int number, SplittableRandom random) {
        return (long) random.nextInt() << 16 & 0xffff_ffff_ffffL | number;
    }

    @Test
    void mapReadersSeeWholeEntriesAndMissNone() throws Exception {
        OffHeapMap map = new OffHeapMap(2);
        for (long key = 1; key <= STABLE; key++) {
            map.put(key, high(key), key, 0, 0);
        }
        List<Future<?>> checked = start(() -> readMap(map, new SplittableRandom(5)));
        SplittableRandom random = new SplittableRandom(4);
        long start = System.nanoTime();
        for (long i = 0; running(start); i++) {
            // Few keys in few slots: tombstones are used again for other keys all the time.
            long passing = STABLE + 1 + random.nextInt(40);
            if (random.nextBoolean()) {
                map.put(passing, high(passing), random.nextLong() >>> 8 << 8 | passing, 0, 0);
            } else {
                map.remove(passing, high(passing));
            }
        }
        finish(checked);
    }

    private void readMap(OffHeapMap map, SplittableRandom random) {
        while (!done) {
            long stable = 1 + random.nextInt(STABLE);
            assertEquals(stable, map.get(stable, high(stable)));
            long passing = STABLE + 1 + random.nextInt(40);
            long value = map.get(passing, high(passing));
            assertTrue(value == OffHeapMap.MISSING || (value & 0xff) == passing, () -> passing + " has " + value);
            turns.increment();
        }
    }

    @Test
    void refreshNeitherUndoesAReplacementNorTouchesTheNextEntryInTheSlot() throws Exception {
        Slots slots = new Slots(2, 0, 0);
        long mine = 1;
        long other = mine + 1;
        while (slots.slotFor(other, 0) != slots.slotFor(mine, 0)) {
            other++;
        }
        int slot = slots.slotFor(mine, 0);
        List<Future<?>> refreshed = start(() -> refresh(slots, mine));
        long start = System.nanoTime();
        for (int i = 0; running(start); i++) {
            slots.write(slot, mine, i, -i, 0, 1);
            slots.write(slot, mine, i + 1, -i - 1, 0, 2);
            pause(i);
            long entry = slots.find(mine, 0);
            assertEquals(i + 1, slots.second(entry));
            assertEquals(-i - 1, slots.third(entry));
            slots.remove(slot);
            slots.write(slot, other, 5, 5, 0, 3);
            pause(i);
            assertEquals(3, slots.time(slots.find(other, 0)), "refreshed by who looked for another key");
            slots.remove(slot);
        }
        finish(refreshed);
    }

    private void refresh(Slots slots, long key) {
        while (!done) {
            long entry = slots.find(key, 0);
            if (entry != Slots.NONE) {
                long second = slots.second(entry);
                long third = slots.third(entry);
                if (slots.unchanged(entry)) {
                    assertEquals(second, -third);
                    slots.refresh(entry, 1000);
                    turns.increment();
                }
            }
        }
    }

    @Test
    void learningNeverMovesAnEntryOnceItIsPermanent() throws Exception {
        long mac = 2;
        fdb.add(mac, new Remote(new IpAddress(0, 1)), true, 1);
        List<Future<?>> learners = start(() -> {
            for (long seconds = 2; !done; seconds++) {
                fdb.learn(mac, 0, 1, seconds);
                turns.increment();
            }
        });
        FdbLookup found = new FdbLookup();
        long start = System.nanoTime();
        for (int i = 0; running(start); i++) {
            long low = 1 + i % 3;
            fdb.replace(mac, new Remote(new IpAddress(0, 7)), false, 1);
            fdb.replace(mac, new Remote(new IpAddress(0, low), i % 2 == 0 ? 0 : 4790, Remote.SAME_VNI), true, 1);
            pause(i);
            assertTrue(fdb.lookup(mac, found));
            assertEquals(low, found.low(0));
        }
        finish(learners);
    }

    @Test
    void severalLearnersAndAgeingLeaveATableThatIsWhole() throws Exception {
        List<Future<?>> learners = start(() -> learnAtRandom(new SplittableRandom(9)));
        int aged = 0;
        long start = System.nanoTime();
        for (long now = 0; running(start); now++) {
            aged += fdb.age(1000, 10);
            fdb.makeRoom();
            assertTrue(fdb.size() <= PASSING);
        }
        finish(learners);
        assertTrue(aged > 0);
        FdbLookup found = new FdbLookup();
        List<FdbEntry> entries = fdb.entries().toList();
        assertEquals(
                fdb.size(), entries.stream().mapToLong(FdbEntry::mac).distinct().count());
        for (FdbEntry entry : entries) {
            assertTrue(fdb.lookup(entry.mac(), found));
            check(entry.mac(), found);
        }
        assertEquals(entries.size(), fdb.flush(true));
    }

    private void learnAtRandom(SplittableRandom random) {
        while (!done) {
            long mac = 1 + random.nextInt(PASSING);
            long low = Long.MIN_VALUE | (long) random.nextInt(2) << 50 | mac;
            boolean old = random.nextInt(4) == 0;
            fdb.learn(mac, high(low), low, old ? 900 : 1000);
            turns.increment();
        }
    }

    private List<Future<?>> start(Runnable reader) {
        List<Future<?>> futures = new ArrayList<>();
        for (int i = 0; i < READERS; i++) {
            futures.add(readers.submit(reader));
        }
        return futures;
    }

    private boolean running(long start) {
        return running(start, NANOS);
    }

    private boolean running(long start, long leastNanos) {
        long nanos = System.nanoTime() - start;
        return nanos < leastNanos || turns.sum() < TURNS && nanos < MOST_NANOS;
    }

    /** Up to some hundred nanoseconds, for other threads to come between. */
    private static void pause(int step) {
        for (int spin = step & 63; spin > 0; spin--) {
            Thread.onSpinWait();
        }
    }

    private void finish(List<Future<?>> futures) throws Exception {
        done = true;
        for (Future<?> future : futures) {
            future.get(10, TimeUnit.SECONDS);
        }
        assertTrue(turns.sum() >= TURNS, () -> "the others had only " + turns + " turns");
    }
}
