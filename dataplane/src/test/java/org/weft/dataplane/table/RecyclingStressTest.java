package org.weft.dataplane.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Memory that one table gives back serves another at once, while threads that nothing knows of read both. Each table has
 * words of its own, and memory that is given back is full of words of no table, so a read that comes too late shows.
 */
class RecyclingStressTest {
    private static final long NANOS = TimeUnit.MILLISECONDS.toNanos(1500);
    private static final long MOST_NANOS = TimeUnit.SECONDS.toNanos(20);
    private static final int TURNS = 10_000;

    /** Keys that are always in a map. */
    private static final int STABLE = 200;
    /** Keys above that come and go, in turn: several segments when all are there, one when none is. */
    private static final int PASSING = 20_000;

    private final ExecutorService threads = Executors.newFixedThreadPool(4);
    private final LongAdder turns = new LongAdder();
    private volatile boolean done;

    @BeforeEach
    void poison() {
        SlotMemory.poison(true);
    }

    @AfterEach
    void stop() throws InterruptedException {
        done = true;
        threads.shutdown();
        assertTrue(threads.awaitTermination(20, TimeUnit.SECONDS));
        SlotMemory.poison(false);
    }

    @Test
    void readersNeverSeeWhatIsNotInTheirMap() throws Exception {
        OffHeapMap[] maps = {new OffHeapMap(1), new OffHeapMap(1)};
        for (int table = 0; table < maps.length; table++) {
            for (int key = 0; key < STABLE; key++) {
                maps[table].put(key, word(key, table), -word(key, table), 0, 0);
            }
        }
        List<Future<?>> futures = new ArrayList<>();
        for (int table = 0; table < maps.length; table++) {
            int number = table;
            OffHeapMap map = maps[table];
            futures.add(threads.submit(() -> write(map, number)));
            futures.add(threads.submit(() -> read(map, number, new SplittableRandom(number))));
        }
        long start = System.nanoTime();
        while (System.nanoTime() - start < NANOS || turns.sum() < TURNS && System.nanoTime() - start < MOST_NANOS) {
            for (int table = 0; table < maps.length; table++) {
                walk(maps[table], table);
            }
        }
        done = true;
        for (Future<?> future : futures) {
            future.get(20, TimeUnit.SECONDS);
        }
        assertTrue(turns.sum() >= TURNS, () -> "readers had only " + turns + " turns");
        for (OffHeapMap map : maps) {
            for (int key = 0; key < STABLE; key++) {
                assertTrue(map.contains(key, 0));
            }
        }
    }

    private static long word(long key, int table) {
        return key * 4 + table + 1;
    }

    private void write(OffHeapMap map, int table) {
        while (!done) {
            for (int key = STABLE; key < STABLE + PASSING && !done; key++) {
                map.put(key, word(key, table), -word(key, table), 0, 0);
            }
            for (int key = STABLE; key < STABLE + PASSING && !done; key++) {
                map.remove(key, 0);
            }
        }
    }

    private void read(OffHeapMap map, int table, SplittableRandom random) {
        while (!done) {
            int stable = random.nextInt(STABLE);
            assertEquals(-word(stable, table), map.get(stable, 0), () -> "missed " + stable);
            int passing = STABLE + random.nextInt(PASSING);
            long found = map.get(passing, 0);
            assertTrue(found == OffHeapMap.MISSING || found == -word(passing, table), () -> passing + ": " + found);
            turns.increment();
        }
    }

    private static void walk(OffHeapMap map, int table) {
        boolean[] seen = new boolean[STABLE];
        map.forEach((first, second, third, flags, time) -> {
            assertEquals(word(first, table), second);
            assertEquals(-second, third);
            if (first < STABLE) {
                seen[(int) first] = true;
            }
        });
        for (boolean each : seen) {
            assertTrue(each);
        }
    }

    @Test
    void lateReaderOfRetiredSlotsIsToldSo() {
        Slots slots = new Slots(16, 0, 7);
        slots.write(slots.slotFor(1, 0), 1, 2, 3, 0, 10);
        long entry = slots.find(1, 0);
        slots.retire();
        Slots next = new Slots(16, 0, 7);
        next.write(next.slotFor(1, 0), 1, 2, 3, 0, 10);

        assertTrue(!slots.unchanged(entry));
        assertEquals(Slots.GONE, slots.at(0));
        assertTrue(slots.find(1, 0) == Slots.GONE || !slots.unchanged(slots.find(1, 0)));
        assertEquals(Slots.GONE, slots.find(2, 0));
        // It is the same memory, where the entry stands as it stood before.
        slots.refresh(entry, 99);
        assertEquals(10, next.time(next.find(1, 0)), "refreshed by who looked in slots of another table");
    }

    @Test
    void blockThatIsGivenBackIsTheNextOneOfItsSize() {
        Slots slots = new Slots(48, 0, 7);
        slots.write(slots.slotFor(1, 0), 1, 2, 3, 0, 10);
        long idle = SlotMemory.idleBytes();
        slots.retire();
        assertEquals(idle + 48 * Slots.LENGTH, SlotMemory.idleBytes());
        Slots next = new Slots(48, 0, 7);
        assertNotNull(next);
        assertEquals(idle, SlotMemory.idleBytes());
        for (int slot = 0; slot < 48; slot++) {
            assertEquals(Slots.NONE, next.at(slot));
            assertTrue(!next.isUsed(slot));
        }
    }
}
