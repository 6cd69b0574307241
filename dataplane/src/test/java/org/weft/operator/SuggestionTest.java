package org.weft.operator;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class SuggestionTest {
    private static final List<String> NAMES = List.of("learning", "mtu", "df", "local");

    @Test
    void findsTheNearestName() {
        assertEquals(" (did you mean \"learning\"?)", Suggestion.among("lerning", NAMES));
        assertEquals(" (did you mean \"mtu\"?)", Suggestion.among("mut", List.of("mtuu", "mtx", "mtu", "mt")));
    }

    @Test
    void suggestsWordsOfTheCommandLine() {
        assertEquals(" (did you mean learning?)", Suggestion.ofWord("lerning", NAMES));
        assertEquals(" (did you mean df?)", Suggestion.ofWord("fd", List.of("df", "dff")));
        assertEquals("", Suggestion.ofWord("colour", NAMES));
        assertEquals("", Suggestion.ofWord("d", NAMES));
        assertEquals("", Suggestion.ofWord("", NAMES));
    }

    @Test
    void staysSilentWhereNothingIsNear() {
        assertEquals("", Suggestion.among("colour", NAMES));
        assertEquals("", Suggestion.among("xy", NAMES));
    }

    @Test
    void countsEdits() {
        assertEquals(0, Suggestion.distance("vni", "vni"));
        assertEquals(1, Suggestion.distance("vni", "vn"));
        assertEquals(1, Suggestion.distance("vni", "vnj"));
        assertEquals(3, Suggestion.distance("kitten", "sitting"));
        assertEquals(3, Suggestion.distance("", "vni"));
        assertEquals(1, Suggestion.distance("dts", "dst"));
    }
}
