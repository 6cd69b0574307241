package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

class UdpHeaderTest {
    private static final String HEADER = "8fd5 12b5 fff0 abcd";

    @Test
    void readsEveryField() {
        UnsafeBuffer buffer = Bytes.hex(HEADER);
        assertEquals(UdpHeader.LENGTH, UdpHeader.check(buffer, 0, 8));
        UdpHeader header = new UdpHeader().wrap(buffer, 0);
        assertEquals(36821, header.sourcePort());
        assertEquals(4789, header.destinationPort());
        assertEquals(0xfff0, header.length());
        assertEquals(0xabcd, header.checksum());
    }

    @Test
    void writesEveryByte() {
        UnsafeBuffer buffer = Bytes.dirty(8);
        new UdpHeader()
                .wrap(buffer, 0)
                .sourcePort(36821)
                .destinationPort(4789)
                .length(0xfff0)
                .checksum(0xabcd);
        assertEquals(Bytes.toHex(Bytes.hex(HEADER)), Bytes.toHex(buffer));
    }

    @Test
    void refusesWhatDoesNotCoverTheHeader() {
        UnsafeBuffer buffer = Bytes.hex(HEADER);
        for (int length = -1; length < 8; length++) {
            assertEquals(EthernetHeader.INVALID, UdpHeader.check(buffer, 0, length));
        }
        new UdpHeader().wrap(buffer, 0).length(7);
        assertEquals(EthernetHeader.INVALID, UdpHeader.check(buffer, 0, 8));
    }
}
