package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

class EthernetHeaderTest {
    private static final String UNTAGGED = "eeee0aff8400 eeee0aff6300 0800";
    private static final String TWO_TAGS = "eeee0aff8400 eeee0aff6300 88a8 2064 8100 a00a 86dd";

    @Test
    void readsUntaggedHeader() {
        UnsafeBuffer buffer = Bytes.hex("0000" + UNTAGGED);
        assertEquals(14, EthernetHeader.check(buffer, 2, 14));
        EthernetHeader header = new EthernetHeader().wrap(buffer, 2);
        assertEquals(0xeeee0aff8400L, header.destination());
        assertEquals(0xeeee0aff6300L, header.source());
        assertEquals(0x0800, header.etherType());
        assertEquals(0, header.tagCount());
        assertEquals(16, header.payloadOffset());
    }

    @Test
    void peeksWithoutFlyweight() {
        UnsafeBuffer buffer = Bytes.hex("ff" + UNTAGGED);
        assertEquals(0xeeee0aff8400L, EthernetHeader.destination(buffer, 1));
        assertEquals(0xeeee0aff6300L, EthernetHeader.source(buffer, 1));
        assertEquals(0x0800, EthernetHeader.etherType(buffer, 1));
    }

    @Test
    void readsBothTags() {
        UnsafeBuffer buffer = Bytes.hex(TWO_TAGS);
        int length = EthernetHeader.check(buffer, 0, buffer.capacity());
        assertEquals(22, length);
        EthernetHeader header = new EthernetHeader().wrap(buffer, 0, length);
        assertEquals(2, header.tagCount());
        assertEquals(EthernetHeader.ETHERTYPE_8021AD, header.tagProtocol(0));
        assertEquals(0x2064, header.tagControl(0));
        assertEquals(EthernetHeader.ETHERTYPE_8021Q, header.tagProtocol(1));
        assertEquals(0xa00a, header.tagControl(1));
        assertEquals(0x86dd, header.etherType());
        assertEquals(22, header.payloadOffset());
        assertEquals(EthernetHeader.ETHERTYPE_8021AD, EthernetHeader.etherType(buffer, 0));
    }

    @Test
    void writesEveryByteOfBothTags() {
        UnsafeBuffer buffer = Bytes.dirty(22);
        new EthernetHeader()
                .wrap(buffer, 0, 22)
                .destination(0xeeee0aff8400L)
                .source(0xeeee0aff6300L)
                .tag(0, EthernetHeader.ETHERTYPE_8021AD, 0x2064)
                .tag(1, EthernetHeader.ETHERTYPE_8021Q, 0xa00a)
                .etherType(0x86dd);
        assertEquals(Bytes.toHex(Bytes.hex(TWO_TAGS)), Bytes.toHex(buffer));
    }

    @Test
    void changesOneAddressWithoutTheOther() {
        UnsafeBuffer buffer = Bytes.hex(UNTAGGED);
        EthernetHeader.source(buffer, 0, 0x0102_0304_0506L);
        assertEquals("eeee0aff8400" + "010203040506" + "0800", Bytes.toHex(buffer));
        EthernetHeader.destination(buffer, 0, MacAddress.BROADCAST);
        assertEquals("ffffffffffff" + "010203040506" + "0800", Bytes.toHex(buffer));
    }

    @Test
    void refusesShortHeaders() {
        UnsafeBuffer buffer = Bytes.hex(UNTAGGED);
        for (int length = -1; length < EthernetHeader.LENGTH; length++) {
            assertEquals(EthernetHeader.INVALID, EthernetHeader.check(buffer, 0, length));
        }
    }

    @Test
    void takesCutTagForPayload() {
        UnsafeBuffer buffer = Bytes.hex(TWO_TAGS);
        assertEquals(14, EthernetHeader.check(buffer, 0, 17));
        assertEquals(18, EthernetHeader.check(buffer, 0, 18));
        assertEquals(18, EthernetHeader.check(buffer, 0, 21));
    }

    @Test
    void takesEighthTagForPayload() {
        UnsafeBuffer buffer = Bytes.hex("eeee0aff8400 eeee0aff6300" + "8100 0001".repeat(8) + "0800");
        assertEquals(42, EthernetHeader.check(buffer, 0, buffer.capacity()));
        assertEquals(0x8100, EthernetHeader.payloadEtherType(buffer, 0, 42));
        assertEquals(8, new EthernetHeader().wrap(buffer, 0, 46).tagCount());
    }
}
