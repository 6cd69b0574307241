package org.weft.dataplane.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SlotsTest {
    private static final long ONE_WORD_KEY = 0;
    private static final long TWO_WORD_KEY = -1;

    @Test
    void findsWhatWasWritten() {
        Slots slots = new Slots(5, TWO_WORD_KEY, 7);
        put(slots, 1, 2, 3, 2, 99);
        long entry = slots.find(1, 2);
        assertEquals(1, slots.first(entry));
        assertEquals(2, slots.second(entry));
        assertEquals(3, slots.third(entry));
        assertEquals(2, Slots.flags(entry));
        assertEquals(99, slots.time(entry));
        assertTrue(slots.unchanged(entry));
        assertEquals(Slots.NONE, slots.find(1, 3));
    }

    @Test
    void secondWordIsNoKeyWhenMaskedOut() {
        Slots slots = new Slots(5, ONE_WORD_KEY, 7);
        put(slots, 1, 2, 3, 0, 0);
        assertEquals(2, slots.second(slots.find(1, 77)));
    }

    @Test
    void keepsNegativeWordsAndTimes() {
        Slots slots = new Slots(5, TWO_WORD_KEY, 7);
        put(slots, -1, Long.MIN_VALUE, -3, Slots.MAX_FLAGS, -2);
        long entry = slots.find(-1, Long.MIN_VALUE);
        assertEquals(-3, slots.third(entry));
        assertEquals(-2, slots.time(entry));
        assertEquals(Slots.MAX_FLAGS, Slots.flags(entry));
    }

    @Test
    void entryIsNotUnchangedAfterAnyWriteToItsSlot() {
        Slots slots = new Slots(5, ONE_WORD_KEY, 7);
        put(slots, 1, 2, 3, 0, 0);
        long first = slots.find(1, 0);
        put(slots, 1, 2, 3, 0, 0);
        assertFalse(slots.unchanged(first));
        long second = slots.find(1, 0);
        slots.remove(slots.slotFor(1, 0));
        assertFalse(slots.unchanged(second));
        put(slots, 1, 2, 3, 0, 0);
        assertFalse(slots.unchanged(second));
    }

    @Test
    void entryBehindARemovedOneIsStillFound() {
        Slots slots = new Slots(100, ONE_WORD_KEY, 7);
        List<Long> keys = colliding(slots, 4);
        keys.forEach(key -> put(slots, key, 0, key + 1, 0, 0));
        slots.remove(slots.slotFor(keys.get(1), 0));
        assertEquals(Slots.NONE, slots.find(keys.get(1), 0));
        for (int i : new int[] {0, 2, 3}) {
            assertEquals(keys.get(i) + 1, slots.third(slots.find(keys.get(i), 0)));
        }
    }

    @Test
    void tombstoneIsUsedAgainButNotWhenTheKeyIsFurtherOn() {
        Slots slots = new Slots(100, ONE_WORD_KEY, 7);
        List<Long> keys = colliding(slots, 4);
        keys.subList(0, 3).forEach(key -> put(slots, key, 0, 1, 0, 0));
        int second = slots.slotFor(keys.get(1), 0);
        int third = slots.slotFor(keys.get(2), 0);
        slots.remove(second);
        assertEquals(third, slots.slotFor(keys.get(2), 0));
        assertEquals(second, slots.slotFor(keys.get(3), 0));
        assertTrue(slots.isUsed(second));
        assertFalse(slots.isPresent(second));
    }

    @Test
    void probeWrapsFromTheLastSlotToTheFirst() {
        Slots slots = new Slots(4, ONE_WORD_KEY, 7);
        long last = 0;
        while (slots.slotFor(last, 0) != 3) {
            last++;
        }
        put(slots, last, 0, 1, 0, 0);
        long next = last + 1;
        while (slots.slotFor(next, 0) != 0 || new Slots(4, ONE_WORD_KEY, 7).slotFor(next, 0) != 3) {
            next++;
        }
        put(slots, next, 0, 2, 0, 0);
        assertEquals(2, slots.third(slots.find(next, 0)));
        assertEquals(1, slots.third(slots.find(last, 0)));
    }

    @Test
    void refreshSetsOnlyALaterTime() {
        Slots slots = new Slots(5, ONE_WORD_KEY, 7);
        put(slots, 1, 2, 3, 1, 100);
        long entry = slots.find(1, 0);
        slots.refresh(entry, 99);
        assertEquals(100, slots.time(entry));
        slots.refresh(entry, 101);
        assertEquals(101, slots.time(entry));
        assertTrue(slots.unchanged(entry));
        assertEquals(3, slots.third(entry));
    }

    @Test
    void refreshComparesTimesAcrossTheWrapOf32Bits() {
        Slots slots = new Slots(5, ONE_WORD_KEY, 7);
        put(slots, 1, 2, 3, 1, Integer.MAX_VALUE);
        long entry = slots.find(1, 0);
        slots.refresh(entry, Integer.MIN_VALUE);
        assertEquals(Integer.MIN_VALUE, slots.time(entry));
    }

    @Test
    void refreshOfAnEntryThatIsGoneTouchesNothing() {
        Slots slots = new Slots(5, ONE_WORD_KEY, 7);
        put(slots, 1, 2, 3, 0, 100);
        long gone = slots.find(1, 0);
        int slot = slots.slotFor(1, 0);
        slots.remove(slot);
        slots.write(slot, 1, 9, 9, 0, 50);
        slots.refresh(gone, 200);
        assertEquals(50, slots.time(slots.find(1, 0)));
    }

    @Test
    void atReturnsEntriesOnly() {
        Slots slots = new Slots(5, ONE_WORD_KEY, 7);
        put(slots, 1, 2, 3, 0, 0);
        int slot = slots.slotFor(1, 0);
        for (int i = 0; i < slots.capacity(); i++) {
            assertEquals(i == slot, slots.at(i) != Slots.NONE);
        }
        assertNotEquals(Slots.NONE, slots.at(slot));
        slots.remove(slot);
        assertEquals(Slots.NONE, slots.at(slot));
    }

    private static void put(Slots slots, long first, long second, long third, int flags, int time) {
        slots.write(slots.slotFor(first, second), first, second, third, flags, time);
    }

    private static List<Long> colliding(Slots empty, int count) {
        List<Long> keys = new ArrayList<>();
        int slot = empty.slotFor(1, 0);
        for (long key = 1; keys.size() < count; key++) {
            if (empty.slotFor(key, 0) == slot) {
                keys.add(key);
            }
        }
        return keys;
    }
}
