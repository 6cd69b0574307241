package org.weft.dataplane.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class OffHeapMapTest {
    @Test
    void doesWhatAHashMapDoes() {
        SplittableRandom random = new SplittableRandom(42);
        OffHeapMap map = new OffHeapMap(2);
        Map<Long, Long> expected = new HashMap<>();
        for (int i = 0; i < 150_000; i++) {
            // The share of removals swings, so the map grows and shrinks many times.
            boolean growing = i / 10_000 % 2 == 0;
            long key = random.nextInt(20_000);
            if (random.nextInt(10) < (growing ? 8 : 2)) {
                long value = random.nextLong() >>> 1;
                assertTrue(map.put(key, -key, value, 0, 0));
                expected.put(key, value);
            } else {
                assertEquals(expected.remove(key) != null, map.remove(key, -key));
            }
            assertEquals(expected.size(), map.size());
        }
        for (long key = 0; key < 20_000; key++) {
            assertEquals(expected.getOrDefault(key, OffHeapMap.MISSING), map.get(key, -key));
            assertEquals(expected.containsKey(key), map.contains(key, -key));
        }
        Map<Long, Long> visited = new HashMap<>();
        map.forEach((first, second, third, flags, time) -> assertEquals(null, visited.put(first, third)));
        assertEquals(expected, visited);
    }

    @Test
    void keysThatDifferInOneWordAreDifferent() {
        OffHeapMap map = new OffHeapMap(2);
        map.put(1, 2, 12, 0, 0);
        map.put(2, 1, 21, 0, 0);
        assertEquals(12, map.get(1, 2));
        assertEquals(21, map.get(2, 1));
        assertEquals(OffHeapMap.MISSING, map.get(1, 1));
    }

    @Test
    void tombstonesDoNotMakeItGrow() {
        OffHeapMap map = new OffHeapMap(1);
        for (int i = 0; i < 100_000; i++) {
            map.put(i, 0, i, 0, 0);
            assertTrue(map.remove(i, 0));
        }
        assertEquals(16 * Slots.LENGTH, map.bytes());
    }

    @Test
    void givesMemoryBackWhenMostIsRemoved() {
        OffHeapMap map = new OffHeapMap(1);
        for (int i = 0; i < 100_000; i++) {
            map.put(i, 0, i, 0, 0);
        }
        for (int i = 100; i < 100_000; i++) {
            map.remove(i, 0);
        }
        assertTrue(map.bytes() <= 100 * 4 * Slots.LENGTH + Slots.LENGTH, map.bytes() + " bytes");
        for (int i = 0; i < 100; i++) {
            assertEquals(i, map.get(i, 0));
        }
    }

    @Test
    void growthKeepsFlagsAndTimes() {
        OffHeapMap map = new OffHeapMap(1);
        for (int i = 0; i < 1000; i++) {
            map.put(i, i + 1, i + 2, i & 3, i + 4);
        }
        int[] visited = {0};
        map.forEach((first, second, third, flags, time) -> {
            assertEquals(first + 1, second);
            assertEquals(first + 2, third);
            assertEquals(first & 3, flags);
            assertEquals(first + 4, time);
            visited[0]++;
        });
        assertEquals(1000, visited[0]);
    }

    @Test
    void refusesWhatItHasNoRoomForAndTakesItOnceThereIs() {
        OffHeapMap map = new OffHeapMap(1, 20);
        int taken = 0;
        while (map.put(taken, 0, taken, 0, 0)) {
            taken++;
        }
        assertEquals(15, taken);
        assertEquals(15, map.size());
        assertFalse(map.contains(15, 0));
        assertTrue(map.put(3, 0, 33, 0, 0), "an entry it has can be changed");
        assertTrue(map.remove(4, 0));
        assertTrue(map.put(15, 0, 15, 0, 0));
        assertFalse(map.put(16, 0, 16, 0, 0));
        assertEquals(33, map.get(3, 0));
        assertEquals(15, map.get(15, 0));
    }

    @Test
    void releasedMapIsEmptyAndTakesMemoryAgainWhenItIsUsed() {
        OffHeapMap map = new OffHeapMap(1);
        for (int i = 0; i < 1000; i++) {
            map.put(i, 0, i, 0, 0);
        }
        map.release();
        assertEquals(0, map.size());
        assertEquals(OffHeapMap.MISSING, map.get(1, 0));
        assertFalse(map.putIfRoom(1, 0, 1, 0, 0));
        assertEquals(Slots.LENGTH, map.bytes());
        assertTrue(map.put(1, 0, 7, 0, 0));
        assertEquals(7, map.get(1, 0));
        assertEquals(16 * Slots.LENGTH, map.bytes());
    }
}
