package org.weft.dataplane.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class OffHeapTest {
    /** No other test takes this much. */
    private static final int LENGTH = 123_457;

    @Test
    void memoryThatIsGivenBackServesTheNextOfItsLengthAndIsZeroed() {
        OffHeap first = OffHeap.take(LENGTH);
        long address = first.buffer().addressOffset();
        first.buffer().setMemory(0, LENGTH, (byte) 7);
        first.close();

        OffHeap next = OffHeap.take(LENGTH);
        assertEquals(address, next.buffer().addressOffset());
        for (int i = 0; i < LENGTH; i++) {
            assertEquals(0, next.buffer().getByte(i));
        }
    }

    @Test
    void formerOwnerCanNeitherReadNorChangeIt() {
        OffHeap former = OffHeap.take(LENGTH + 1);
        former.close();
        OffHeap.take(LENGTH + 1);

        assertThrows(IndexOutOfBoundsException.class, () -> former.buffer().putLong(0, 1));
        assertThrows(IndexOutOfBoundsException.class, () -> former.buffer().getByte(LENGTH));
    }

    @Test
    void givingBackTwiceGivesBackOnce() {
        OffHeap once = OffHeap.take(LENGTH + 2);
        once.close();
        once.close();

        OffHeap one = OffHeap.take(LENGTH + 2);
        OffHeap other = OffHeap.take(LENGTH + 2);
        assertNotEquals(one.buffer().addressOffset(), other.buffer().addressOffset());
    }
}
