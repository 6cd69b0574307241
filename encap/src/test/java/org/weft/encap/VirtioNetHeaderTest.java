package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

class VirtioNetHeaderTest {
    /** A TCP super-frame as a TAP hands it over: hdr_len 66, gso_size 1398, csum_start 34, csum_offset 16. */
    private static final String SUPER_FRAME = "01 01 4200 7605 2200 1000";

    @Test
    void readsLittleEndianFields() {
        UnsafeBuffer buffer = Bytes.hex(SUPER_FRAME);
        assertEquals(VirtioNetHeader.LENGTH, VirtioNetHeader.check(buffer, 0, 10));
        VirtioNetHeader header = new VirtioNetHeader().wrap(buffer, 0);
        assertEquals(VirtioNetHeader.FLAG_NEEDS_CHECKSUM, header.flags());
        assertTrue(header.needsChecksum());
        assertEquals(VirtioNetHeader.GSO_TCPV4, header.gsoType());
        assertEquals(66, header.headerLength());
        assertEquals(1398, header.gsoSize());
        assertEquals(34, header.checksumStart());
        assertEquals(16, header.checksumOffset());
    }

    @Test
    void writesEveryByte() {
        UnsafeBuffer buffer = Bytes.dirty(10);
        new VirtioNetHeader()
                .wrap(buffer, 0)
                .flags(VirtioNetHeader.FLAG_NEEDS_CHECKSUM)
                .gsoType(VirtioNetHeader.GSO_TCPV4)
                .headerLength(66)
                .gsoSize(1398)
                .checksumStart(34)
                .checksumOffset(16);
        assertEquals(Bytes.toHex(Bytes.hex(SUPER_FRAME)), Bytes.toHex(buffer));
    }

    @Test
    void clearsEveryByteAndNoOther() {
        UnsafeBuffer buffer = Bytes.dirty(12);
        VirtioNetHeader.clear(buffer, 1);
        assertEquals("a5" + "00".repeat(10) + "a5", Bytes.toHex(buffer));
        assertFalse(new VirtioNetHeader().wrap(buffer, 1).needsChecksum());
    }

    @Test
    void refusesShortHeaders() {
        assertEquals(EthernetHeader.INVALID, VirtioNetHeader.check(Bytes.dirty(10), 0, 9));
    }
}
