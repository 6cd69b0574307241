package org.weft.dataplane.table;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class Hash128Test {
    private static final long SEED = 0x0123_4567_89ab_cdefL;
    private static final long WORD = 0xffff_0aff_6303L;

    @Test
    void hashesTwoWordsAsBefore() {
        long hash = Hash128.add(Hash128.begin(0, SEED), WORD);
        assertEquals(0x2107_1643_5a92_0152L, Hash128.end(hash));
        assertEquals(0xe75f_5a4f_3c11_72f1L, Hash128.add(hash, 0x1_2345));
    }

    @Test
    void hashesThreeWordsAsBefore() {
        assertEquals(0xba19_9ff8_0626_507cL, Hash128.end(Hash128.add(Hash128.add(Hash128.begin(7, SEED), WORD), 9)));
    }
}
