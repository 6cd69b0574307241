package org.weft.dataplane.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DescriptorsTest {
    @ParameterizedTest
    @CsvSource({
        "65408, 65536, false",
        "65409, 65536, true",
        "896, 1024, false",
        "897, 1024, true",
        "225, 300, false",
        "226, 300, true",
    })
    void keepsSomeBack(int open, int limit, boolean scarce) {
        assertEquals(scarce, Descriptors.areScarce(open, limit));
    }

    @Test
    void thisProcessHasEnough() {
        assertFalse(Descriptors.areScarce());
    }
}
