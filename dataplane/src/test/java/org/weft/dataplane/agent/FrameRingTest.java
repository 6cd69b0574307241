package org.weft.dataplane.agent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.io.FrameSlab;

class FrameRingTest {
    @Test
    void hasRoomForEverySlot() {
        FrameSlab slab = new FrameSlab(48);
        FrameRing ring = new FrameRing(48, 1);
        long[] slots = new long[48];
        for (int round = 0; round < 5; round++) {
            for (int i = 0; i < 48; i++) {
                ring.offer(slab.claim());
            }
            assertEquals(FrameSlab.NONE, slab.claim());
            assertEquals(48, ring.take(slots));
            for (long slot : slots) {
                ring.giveBack((int) slot);
            }
            ring.reclaim(slab);
            assertEquals(48, slab.freeSlots());
        }
    }

    @Test
    void keepsTheOrderAndTheLimit() {
        FrameRing ring = new FrameRing(8, 1);
        for (int i = 0; i < 5; i++) {
            ring.offer(i);
        }
        long[] slots = new long[3];
        assertEquals(3, ring.take(slots));
        assertArrayEquals(new long[] {0, 1, 2}, slots);
        assertEquals(2, ring.take(slots));
        assertEquals(3, slots[0]);
        assertEquals(0, ring.take(slots));
    }

    /** No agent fills a ring, because the ring has room for all of its slots. */
    @Test
    void aFullRingThrowsAndKeepsWhatItHas() {
        FrameRing ring = new FrameRing(8, 1);
        int[] offered = new int[1];
        assertThrows(IllegalStateException.class, () -> {
            while (true) {
                ring.offer(offered[0]);
                offered[0]++;
            }
        });
        assertTrue(offered[0] >= 8);
        long[] slots = new long[100];
        assertEquals(offered[0], ring.take(slots));
        for (int i = 0; i < offered[0]; i++) {
            assertEquals(i, slots[i]);
        }
    }

    @Test
    void handsOverBetweenTwoThreads() throws Exception {
        FrameSlab slab = new FrameSlab(16);
        FrameRing ring = new FrameRing(16, 1);
        int rounds = 200_000;
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread consumer = new Thread(() -> {
            long[] slots = new long[4];
            int expected = 0;
            while (expected < rounds) {
                int taken = ring.take(slots);
                for (int i = 0; i < taken; i++) {
                    int number = slab.buffer().getInt(slab.offset((int) slots[i]));
                    if (number != expected++) {
                        failure.compareAndSet(null, new AssertionError(number + " instead of " + (expected - 1)));
                    }
                    ring.giveBack((int) slots[i]);
                }
            }
        });
        consumer.start();
        for (int i = 0; i < rounds; ) {
            ring.reclaim(slab);
            int slot = slab.claim();
            if (slot != FrameSlab.NONE) {
                slab.buffer().putInt(slab.offset(slot), i++);
                ring.offer(slot);
            }
        }
        consumer.join();
        assertNull(failure.get());
        ring.reclaim(slab);
        assertEquals(16, slab.freeSlots());
    }
}
