package org.weft.silk.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Iterator;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.weft.operator.OperatorException;

/** What is done against programs that set other MAC addresses; the rest needs namespaces. */
class VethPairTest {
    private static final String OURS = "aa:aa:0a:ff:6c:b8";
    private static final String THEIRS = "02:00:00:00:00:01";

    private int calls;

    private Supplier<String> reading(Iterator<String> macs) {
        return () -> {
            calls++;
            return macs.next();
        };
    }

    @Test
    void setsNothingAgainThatIsRight() {
        VethPair.settle("s-010255108184", OURS, OURS, reading(List.<String>of().iterator()));
        assertEquals(0, calls);
    }

    @Test
    void setsItsMacAddressAgainUntilItStays() {
        VethPair.settle(
                "s-010255108184",
                OURS,
                THEIRS,
                reading(List.of(THEIRS, THEIRS, OURS).iterator()));
        assertEquals(3, calls);
    }

    @Test
    void givesUpAfterTenTimes() {
        String message = assertThrows(
                        OperatorException.class,
                        () -> VethPair.settle(
                                "s-010255108184",
                                OURS,
                                THEIRS,
                                reading(Stream.generate(() -> THEIRS).iterator())))
                .getMessage();
        assertEquals(10, calls);
        assertTrue(message.startsWith("s-010255108184: something sets the MAC address " + THEIRS), message);
    }
}
