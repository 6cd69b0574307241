package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VxlanHeaderTest {
    private final UnsafeBuffer buffer = Bytes.dirty(VxlanHeader.LENGTH);

    @Test
    void readsEveryField() {
        UnsafeBuffer bytes = Bytes.hex("8848beef abcdef00");
        assertEquals(VxlanHeader.LENGTH, VxlanHeader.check(bytes, 0, 8));
        VxlanHeader header = new VxlanHeader().wrap(bytes, 0);
        assertTrue(header.hasVni());
        assertTrue(header.hasGroupPolicy());
        assertTrue(header.dontLearn());
        assertTrue(header.policyApplied());
        assertEquals(0xbeef, header.groupPolicyId());
        assertEquals(0xabcdef, header.vni());
        assertEquals(0x8848beef, header.flagsWord());
        assertEquals(0xabcdef00, header.vniWord());
    }

    @Test
    void wordAnswersAsTheFlyweightDoes() {
        long word = VxlanHeader.word(Bytes.hex("8848beef abcdef00"), 0);
        assertTrue(VxlanHeader.hasVni(word));
        assertTrue(VxlanHeader.hasGroupPolicy(word));
        assertEquals(0xbeef, VxlanHeader.groupPolicyId(word));
        assertEquals(0x48beef, VxlanHeader.mark(word));
        assertEquals(0xabcdef, VxlanHeader.vni(word));
        long plain = VxlanHeader.word(Bytes.hex("0800000000000100"), 0);
        assertTrue(VxlanHeader.hasVni(plain));
        assertFalse(VxlanHeader.hasGroupPolicy(plain));
        assertEquals(1, VxlanHeader.vni(plain));
        assertFalse(VxlanHeader.hasVni(VxlanHeader.word(Bytes.hex("80ffffffffffffff"), 0)));
    }

    @Test
    void writesEveryByte() {
        new VxlanHeader().wrap(buffer, 0).flagsWord(0x8848beef).vni(0xabcdef);
        assertEquals("8848beefabcdef00", Bytes.toHex(buffer));
    }

    @Test
    void putsPlainHeader() {
        VxlanHeader.put(buffer, 0, 0xffffff);
        assertEquals("08000000ffffff00", Bytes.toHex(buffer));
    }

    /** Kernel vxlan_build_gbp_hdr. */
    @ParameterizedTest
    @CsvSource({
        "0x0,        0800000000000700",
        "0x1,        8800000100000700",
        "0xffff,     8800ffff00000700",
        "0x400001,   8840000100000700",
        "0x80001,    8808000100000700",
        "0x10000,    8800000000000700",
        "0xffff0000, 8848000000000700"
    })
    void putsMarkAsTheKernelDoes(String mark, String expected) {
        VxlanHeader.put(buffer, 0, 7, Long.decode(mark).intValue());
        assertEquals(expected, Bytes.toHex(buffer));
    }

    /** What a device of the kernel drops as VXLAN_INVALID_HDR for its reserved bits. */
    @ParameterizedTest
    @CsvSource({
        "0800000000000100, true,  true",
        "08000000ffffff00, true,  true",
        "8800000100000100, false, true",
        "8848ffff00000100, false, true",
        "0800000100000100, false, true",
        "08ffffff00000100, false, true",
        "0800000000000101, false, false",
        "8800000100000180, false, false",
        "0c00000000000100, false, false",
        "4800000000000100, false, false",
        "0900000000000100, false, false",
        "2800000000000100, false, false"
    })
    void toleratesTheBitsTheKernelTolerates(String header, boolean plain, boolean groupPolicy) {
        long word = VxlanHeader.word(Bytes.hex(header), 0);
        assertEquals(plain, VxlanHeader.isReservedClear(word, VxlanHeader.RESERVED_PLAIN));
        assertEquals(groupPolicy, VxlanHeader.isReservedClear(word, VxlanHeader.RESERVED_GBP));
    }

    @Test
    void refusesShortHeaders() {
        for (int length = -1; length < VxlanHeader.LENGTH; length++) {
            assertEquals(EthernetHeader.INVALID, VxlanHeader.check(buffer, 0, length));
        }
    }
}
