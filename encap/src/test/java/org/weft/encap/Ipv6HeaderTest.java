package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

class Ipv6HeaderTest {
    private static final String HEADER =
            "6b8abcde 0123 11 40" + "20010db8000000000000000000000001" + "fe80000000000000ecee0afffeff8400";

    @Test
    void readsEveryField() {
        UnsafeBuffer buffer = Bytes.hex(HEADER);
        assertEquals(Ipv6Header.LENGTH, Ipv6Header.check(buffer, 0, 40));
        Ipv6Header header = new Ipv6Header().wrap(buffer, 0);
        assertEquals(6, header.version());
        assertEquals(0xb8, header.trafficClass());
        assertEquals(0xabcde, header.flowLabel());
        assertEquals(0x123, header.payloadLength());
        assertEquals(17, header.nextHeader());
        assertEquals(64, header.hopLimit());
        assertEquals(IpAddress.parse("2001:db8::1"), new IpAddress(header.sourceHigh(), header.sourceLow()));
        assertEquals(
                IpAddress.parse("fe80::ecee:aff:feff:8400"),
                new IpAddress(header.destinationHigh(), header.destinationLow()));
    }

    @Test
    void writesEveryByte() {
        UnsafeBuffer buffer = Bytes.dirty(40);
        new Ipv6Header()
                .wrap(buffer, 0)
                .trafficClassAndFlowLabel(0xb8, 0xabcde)
                .payloadLength(0x123)
                .nextHeader(17)
                .hopLimit(64)
                .source(0x20010db8_00000000L, 1)
                .destination(0xfe800000_00000000L, 0xecee0aff_feff8400L);
        assertEquals(Bytes.toHex(Bytes.hex(HEADER)), Bytes.toHex(buffer));
    }

    @Test
    void changesTrafficClassAndNothingElse() {
        UnsafeBuffer buffer = Bytes.hex(HEADER);
        for (int trafficClass = 0; trafficClass < 256; trafficClass++) {
            Ipv6Header.trafficClass(buffer, 0, trafficClass);
            assertEquals(trafficClass, Ipv6Header.trafficClass(buffer, 0));
            assertEquals(0xabcde, Ipv6Header.flowLabel(buffer, 0));
            assertEquals(Ipv6Header.LENGTH, Ipv6Header.check(buffer, 0, 40));
        }
        Ipv6Header.trafficClass(buffer, 0, 0xb8);
        assertEquals(Bytes.toHex(Bytes.hex(HEADER)), Bytes.toHex(buffer));
    }

    @Test
    void refusesShortHeadersAndOtherVersions() {
        UnsafeBuffer buffer = Bytes.hex(HEADER);
        for (int length = -1; length < 40; length++) {
            assertEquals(EthernetHeader.INVALID, Ipv6Header.check(buffer, 0, length));
        }
        for (int version = 0; version < 16; version++) {
            buffer.putByte(0, (byte) (version << 4));
            assertEquals(version == 6 ? 40 : EthernetHeader.INVALID, Ipv6Header.check(buffer, 0, 40));
        }
    }
}
