package org.weft.dataplane.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClosingTest {
    private final List<String> closed = new ArrayList<>();

    private Runnable failing(String part, Throwable failure) {
        return () -> {
            closed.add(part);
            if (failure instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) failure;
        };
    }

    @Test
    void closesAllPartsInOrder() {
        Closing.all(() -> closed.add("a"), () -> closed.add("b"));
        Closing.each(List.of("c", "d"), closed::add);
        assertEquals(List.of("a", "b", "c", "d"), closed);
    }

    @Test
    void aPartThatThrowsLeavesNoOtherOpen() {
        Error first = new OutOfMemoryError("thrown by a test");
        RuntimeException second = new IllegalStateException("thrown by a test");
        assertSame(
                first,
                assertThrows(
                        OutOfMemoryError.class,
                        () -> Closing.all(failing("a", first), failing("b", second), () -> closed.add("c"))));
        assertEquals(List.of("a", "b", "c"), closed);
        assertArrayEquals(new Throwable[] {second}, first.getSuppressed());
    }

    @Test
    void oneFailureOfSeveralPartsIsThrownOnce() {
        RuntimeException failure = new IllegalStateException("thrown by a test");
        assertSame(
                failure,
                assertThrows(
                        IllegalStateException.class, () -> Closing.all(failing("a", failure), failing("b", failure))));
        assertEquals(List.of("a", "b"), closed);
    }
}
