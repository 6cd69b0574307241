package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

class TcpHeaderTest {
    private static final String HEADER = "ddbe 1e61 8c783a6f 80d313ea 71ff ffd7 abcd 0102" + "0101080a00000000";

    @Test
    void readsEveryField() {
        UnsafeBuffer buffer = Bytes.hex(HEADER);
        assertEquals(28, TcpHeader.check(buffer, 0, 28));
        TcpHeader header = new TcpHeader().wrap(buffer, 0);
        assertEquals(56766, header.sourcePort());
        assertEquals(7777, header.destinationPort());
        assertEquals(0x8c783a6f, header.sequenceNumber());
        assertEquals(0x80d313ea, header.acknowledgmentNumber());
        assertEquals(28, header.headerLength());
        assertEquals(8, header.optionsLength());
        assertEquals(0x1ff, header.flags());
        assertEquals(0xffd7, header.window());
        assertEquals(0xabcd, header.checksum());
        assertEquals(0x0102, header.urgentPointer());
    }

    @Test
    void writesEveryByteInFrontOfTheOptions() {
        UnsafeBuffer buffer = Bytes.dirty(20);
        new TcpHeader()
                .wrap(buffer, 0)
                .sourcePort(56766)
                .destinationPort(7777)
                .sequenceNumber(0x8c783a6f)
                .acknowledgmentNumber(0x80d313ea)
                .headerLengthAndFlags(28, 0x1ff)
                .window(0xffd7)
                .checksum(0xabcd)
                .urgentPointer(0x0102);
        assertEquals(Bytes.toHex(Bytes.hex(HEADER), 0, 20), Bytes.toHex(buffer));
    }

    @Test
    void keepsFlagsApart() {
        TcpHeader header = new TcpHeader().wrap(Bytes.dirty(20), 0);
        int[] flags = {
            TcpHeader.FIN,
            TcpHeader.SYN,
            TcpHeader.RST,
            TcpHeader.PSH,
            TcpHeader.ACK,
            TcpHeader.URG,
            TcpHeader.ECE,
            TcpHeader.CWR,
            TcpHeader.NS
        };
        for (int i = 0; i < flags.length; i++) {
            assertEquals(1 << i, flags[i]);
            header.headerLengthAndFlags(60, flags[i]);
            assertEquals(flags[i], header.flags());
            assertEquals(60, header.headerLength());
        }
    }

    @Test
    void refusesWhatDoesNotHoldItsOptions() {
        UnsafeBuffer buffer = Bytes.dirty(60);
        TcpHeader header = new TcpHeader().wrap(buffer, 0);
        for (int headerLength = 0; headerLength <= 60; headerLength += 4) {
            header.headerLengthAndFlags(headerLength, 0);
            for (int length = 0; length <= 60; length++) {
                boolean valid = headerLength >= 20 && headerLength <= length;
                assertEquals(valid ? headerLength : EthernetHeader.INVALID, TcpHeader.check(buffer, 0, length));
            }
        }
    }
}
