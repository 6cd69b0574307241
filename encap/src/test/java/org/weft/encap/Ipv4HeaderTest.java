package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Ipv4HeaderTest {
    /** Later fragment with a router alert option. */
    private static final String WITH_OPTION = "46b8 05dc 1234 20b9 4011 0000 c0a80001 e00000fb 94040000";

    @Test
    void readsOptionsAndFragment() {
        UnsafeBuffer buffer = Bytes.hex(WITH_OPTION);
        assertEquals(24, Ipv4Header.check(buffer, 0, buffer.capacity()));
        Ipv4Header header = new Ipv4Header().wrap(buffer, 0);
        assertEquals(4, header.version());
        assertEquals(24, header.headerLength());
        assertEquals(0xb8, header.tos());
        assertEquals(1500, header.totalLength());
        assertEquals(0x1234, header.identification());
        assertFalse(header.dontFragment());
        assertTrue(header.moreFragments());
        assertEquals(0xb9 * 8, header.fragmentOffset());
        assertTrue(header.isFragment());
        assertEquals(64, header.ttl());
        assertEquals(17, header.protocol());
        assertEquals(0xc0a80001, header.sourceAddress());
        assertEquals(0xe00000fb, header.destinationAddress());
    }

    @Test
    void writesEveryByte() {
        UnsafeBuffer buffer = Bytes.dirty(24);
        buffer.putInt(20, 0x0000_0494);
        new Ipv4Header()
                .wrap(buffer, 0)
                .headerLength(24)
                .tos(0xb8)
                .totalLength(1500)
                .identification(0x1234)
                .fragment(Ipv4Header.MORE_FRAGMENTS, 0xb9 * 8)
                .ttl(64)
                .protocol(17)
                .checksum(0)
                .sourceAddress(0xc0a80001)
                .destinationAddress(0xe00000fb);
        assertEquals(Bytes.toHex(Bytes.hex(WITH_OPTION)), Bytes.toHex(buffer));
    }

    @Test
    void checksumCoversOptions() {
        UnsafeBuffer buffer = Bytes.hex(WITH_OPTION);
        Ipv4Header header = new Ipv4Header().wrap(buffer, 0).updateChecksum();
        assertTrue(header.isChecksumValid());
        buffer.putByte(23, (byte) 1);
        assertFalse(header.isChecksumValid());
    }

    @ParameterizedTest
    @ValueSource(ints = {0x35, 0x65, 0x44, 0x40, 0x00, 0xc5, 0xff})
    void refusesWrongVersionAndShortIhl(int first) {
        UnsafeBuffer buffer = Bytes.dirty(60);
        buffer.putByte(0, (byte) first);
        assertEquals(EthernetHeader.INVALID, Ipv4Header.check(buffer, 0, 60));
    }

    @Test
    void refusesOptionsThatAreCut() {
        UnsafeBuffer buffer = Bytes.dirty(60);
        for (int ihl = 5; ihl < 16; ihl++) {
            buffer.putByte(0, (byte) (0x40 | ihl));
            for (int length = 0; length <= 60; length++) {
                int expected = length >= ihl * 4 ? ihl * 4 : EthernetHeader.INVALID;
                assertEquals(expected, Ipv4Header.check(buffer, 0, length));
            }
        }
    }

    @Test
    void changingTosKeepsChecksumRight() {
        SplittableRandom random = new SplittableRandom(1624);
        Ipv4Header header = new Ipv4Header();
        for (int i = 0; i < 10_000; i++) {
            UnsafeBuffer buffer = new UnsafeBuffer(Bytes.random(random, 20));
            header.wrap(buffer, 0).headerLength(20).updateChecksum();
            int tos = random.nextInt(256);
            Ipv4Header.changeTos(buffer, 0, tos);
            assertEquals(tos, header.tos());
            int incremental = header.checksum();
            assertEquals(header.updateChecksum().checksum(), incremental);
        }
    }

    @Test
    void changingTosKeepsWrongChecksumWrong() {
        UnsafeBuffer buffer = Bytes.hex(WITH_OPTION);
        Ipv4Header header = new Ipv4Header().wrap(buffer, 0).updateChecksum();
        header.checksum(header.checksum() ^ 0x0100);
        Ipv4Header.changeTos(buffer, 0, 3);
        assertFalse(header.isChecksumValid());
    }
}
