package org.weft.dataplane.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.table.FdbTable.Learned;
import org.weft.encap.IpAddress;

/**
 * A thread that learns takes no memory and copies no table: another one makes room before it is
 * needed.
 */
class LearningRoomTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** The bytes that measuring itself may allocate. */
    private static final long TOLERANCE_BYTES = 1024;

    /** The table can learn so many addresses after each {@link FdbTable#makeRoom}. */
    private static final int ROOM = 1000;

    /** More addresses than the table ever has room for. */
    private static final int MOST = 100_000;

    private static final Remote REMOTE = new Remote(IpAddress.ofIpv4(7));
    private static final Remote WITH_PORT = new Remote(IpAddress.ofIpv4(8), 4790, Remote.SAME_VNI);

    private final FdbTable table = new FdbTable(0);
    private final FdbLookup found = new FdbLookup();

    @AfterEach
    void memoryIsThereAgain() {
        SlotMemory.refuse(false);
    }

    private Learned learn(long mac) {
        return table.learn(mac, 0, mac, 1);
    }

    /**
     * Learns addresses, beginning with this one, until the table has no room; returns the address
     * without room.
     */
    private long fill(long from) {
        long mac = from;
        while (mac < from + MOST && learn(mac) == Learned.LEARNED) {
            mac++;
        }
        return mac;
    }

    @Test
    void learningTakesNoMemoryAndIsRefusedWithoutRoom() {
        table.makeRoom();
        long bytes = table.bytes();
        long end = fill(0);
        assertTrue(end > ROOM, end + " learned");
        assertEquals(Learned.FULL, learn(end));
        assertEquals(bytes, table.bytes());
        table.makeRoom();
        assertEquals(Learned.LEARNED, learn(end));
        for (long mac = 0; mac <= end; mac++) {
            assertTrue(table.lookup(mac, found));
            assertEquals(mac, found.low(0));
        }
    }

    /** The table learns no sender of a flood beyond its room. */
    @Test
    void aTableWithoutRoomIsAskedWithoutALock() throws Exception {
        OffHeapMap map = new OffHeapMap(1);
        FdbTable full = new FdbTable(0, map);
        full.makeRoom();
        long mac = 0;
        while (full.learn(mac, 0, 1, 1) == Learned.LEARNED) {
            mac++;
        }
        long next = mac;
        ExecutorService learner = Executors.newSingleThreadExecutor();
        try {
            synchronized (map) {
                Future<Learned> learned = learner.submit(() -> full.learn(next, 0, 1, 1));
                assertEquals(Learned.FULL, learned.get(20, TimeUnit.SECONDS));
            }
        } finally {
            learner.shutdown();
        }
    }

    @Test
    void learningOrMovingAllocatesNothing() {
        long thread = Thread.currentThread().getId();
        long allocated = 0;
        for (int round = 0; round < 40; round++) {
            table.makeRoom();
            long from = (long) round * ROOM;
            long before = THREADS.getThreadAllocatedBytes(thread);
            for (long mac = from; mac < from + ROOM; mac++) {
                assertEquals(Learned.LEARNED, table.learn(mac, 0, mac, 1));
                assertEquals(Learned.LEARNED, table.learn(mac, 0, mac + 1, 1));
            }
            // The first rounds run before the code is compiled.
            allocated = THREADS.getThreadAllocatedBytes(thread) - before;
        }
        assertTrue(allocated <= TOLERANCE_BYTES, allocated + " bytes");
    }

    @Test
    void thereIsRoomForAThousandMoreEachTimeHoweverLargeTheTable() {
        int learned = 0;
        for (int tick = 0; tick < 300; tick++) {
            table.makeRoom();
            for (int i = 0; i < ROOM; i++) {
                assertEquals(Learned.LEARNED, learn(learned++), "at " + learned);
            }
            assertTrue(table.bytes() <= Math.max(1 << 19, learned * 128L), table.bytes() + " for " + learned);
        }
        assertEquals(learned, table.size());
    }

    @Test
    void withoutMemoryATableStaysAsItIsAndGrowsOnceThereIsSome() {
        table.makeRoom();
        long end = fill(0);
        SlotMemory.refuse(true);
        table.makeRoom();
        assertEquals(Learned.FULL, learn(end));
        assertEquals(Learned.LEARNED, table.learn(3, 0, 99, 1), "an entry it has can move");
        assertEquals(Outcome.FULL, table.add(end, REMOTE, true, 1));
        assertTrue(table.lookup(end - 1, found));
        SlotMemory.refuse(false);
        table.makeRoom();
        assertTrue(fill(end) >= end + ROOM);
        assertEquals(Outcome.OK, table.add(1L << 40, REMOTE, true, 1));
    }

    @Test
    void tombstonesOfAddressesThatAgedLeaveRoom() {
        for (int round = 1; round <= 50; round++) {
            table.makeRoom();
            for (int i = 0; i < ROOM; i++) {
                assertEquals(Learned.LEARNED, table.learn((long) round << 20 | i, 0, 1, round));
            }
            assertEquals(ROOM, table.age(round + 1, 1));
        }
        assertEquals(OffHeapMap.LARGEST * Slots.LENGTH, table.bytes());
    }

    @Test
    void aTableThatWasReleasedTakesNoMemoryAgain() {
        table.makeRoom();
        learn(1);
        table.release();
        long idle = SlotMemory.idleBytes();
        table.makeRoom();
        assertEquals(Learned.FULL, learn(2));
        assertFalse(table.lookup(1, found));
        assertEquals(idle, SlotMemory.idleBytes());
        assertEquals(Slots.LENGTH, table.bytes());
    }

    @Test
    void neighboursAreFlushedWithoutMemory() {
        NeighbourTable neighbours = new NeighbourTable();
        for (int i = 0; i < 100; i++) {
            neighbours.add(IpAddress.ofIpv4(i), i);
        }
        SlotMemory.refuse(true);
        assertEquals(100, neighbours.flush());
        assertEquals(0, neighbours.size());
        assertEquals(NeighbourTable.NONE, neighbours.lookup(0, IpAddress.ipv4Low(1)));
        assertEquals(Outcome.FULL, neighbours.add(IpAddress.ofIpv4(1), 1));
        SlotMemory.refuse(false);
        assertEquals(Outcome.OK, neighbours.add(IpAddress.ofIpv4(1), 1));
    }

    /**
     * Learners, ageing, growth and operators at once: half the addresses are learned only, half
     * belong to operators as well. In the end all entries are whole, and permanent entries lead
     * where the operator said.
     */
    @Test
    void learnersAndOperatorsAtOnceLeaveATableThatIsWhole() throws Exception {
        ExecutorService learners = Executors.newFixedThreadPool(2);
        int addresses = 20_000;
        boolean[] done = {false};
        List<Future<Long>> learned = new ArrayList<>();
        try {
            for (int i = 0; i < 2; i++) {
                SplittableRandom random = new SplittableRandom(i);
                learned.add(learners.submit(() -> learnUntil(done, addresses, random)));
            }
            SplittableRandom random = new SplittableRandom(9);
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(2);
            while (System.nanoTime() < end) {
                table.makeRoom();
                for (int i = 0; i < 500; i++) {
                    operate(2L * random.nextInt(addresses / 2), random);
                }
                table.age(100, 50);
            }
        } finally {
            synchronized (done) {
                done[0] = true;
            }
            learners.shutdown();
            assertTrue(learners.awaitTermination(20, TimeUnit.SECONDS));
        }
        for (Future<Long> each : learned) {
            assertTrue(each.get() > 1000, "addresses were learned");
        }
        List<FdbEntry> entries = table.entries().toList();
        assertEquals(
                table.size(),
                entries.stream().mapToLong(FdbEntry::mac).distinct().count());
        for (FdbEntry entry : entries) {
            assertTrue(entry.permanent()
                    == (entry.remotes().get(0).port() != 0 || entry.remotes().contains(REMOTE)));
            assertTrue(table.lookup(entry.mac(), found));
            assertEquals(entry.permanent(), table.learn(entry.mac(), 1, 1, 1) == Learned.STATIC_ELSEWHERE);
        }
        assertEquals(entries.size(), table.flush(false));
        assertFalse(table.knows(0, REMOTE.address().low())
                || table.knows(0, WITH_PORT.address().low()));
    }

    private long learnUntil(boolean[] done, int addresses, SplittableRandom random) {
        long learned = 0;
        while (true) {
            synchronized (done) {
                if (done[0]) {
                    return learned;
                }
            }
            for (int i = 0; i < 100; i++) {
                long mac = random.nextInt(addresses);
                Learned result = table.learn(mac, 1, 1L << 40 | random.nextInt(2), random.nextInt(2) * 100);
                learned += result == Learned.LEARNED ? 1 : 0;
            }
        }
    }

    private void operate(long mac, SplittableRandom random) {
        switch (random.nextInt(4)) {
            case 0 -> table.add(mac, REMOTE, true, 1);
            case 1 -> table.replace(mac, WITH_PORT, true, 1);
            case 2 -> table.replace(mac, REMOTE, true, 1);
            default -> table.remove(mac, null);
        }
    }
}
