package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ArpPacketTest {
    private static final String REQUEST_FRAME =
            "ffffffffffff eeee0aff6300 0806" + "0001 0800 06 04 0001 eeee0aff6300 0aff6300 000000000000 0aff8400";
    private static final String REPLY_FRAME =
            "eeee0aff6300 eeee0aff8400 0806" + "0001 0800 06 04 0002 eeee0aff8400 0aff8400 eeee0aff6300 0aff6300";
    private static final long ANSWER = 0xeeee0aff8400L;

    @Test
    void readsRequest() {
        UnsafeBuffer frame = Bytes.hex(REQUEST_FRAME);
        assertEquals(ArpPacket.LENGTH, ArpPacket.check(frame, 14, 28));
        ArpPacket arp = new ArpPacket().wrap(frame, 14);
        assertEquals(ArpPacket.REQUEST, arp.operation());
        assertEquals(0xeeee0aff6300L, arp.senderMac());
        assertEquals(0x0aff6300, arp.senderAddress());
        assertEquals(0, arp.targetMac());
        assertEquals(0x0aff8400, arp.targetAddress());
        assertTrue(arp.isAnswerable());
    }

    @Test
    void writesEveryByte() {
        UnsafeBuffer buffer = Bytes.dirty(ArpPacket.LENGTH);
        new ArpPacket()
                .wrap(buffer, 0)
                .ipv4OverEthernet()
                .operation(ArpPacket.REQUEST)
                .senderMac(0xeeee0aff6300L)
                .senderAddress(0x0aff6300)
                .targetMac(0)
                .targetAddress(0x0aff8400);
        assertEquals(Bytes.toHex(Bytes.hex(REQUEST_FRAME), 14, 28), Bytes.toHex(buffer));
    }

    @Test
    void becomesItsReplyInPlace() {
        UnsafeBuffer frame = Bytes.hex(REQUEST_FRAME);
        new ArpPacket().wrap(frame, 14).toReply(ANSWER);
        assertEquals(Bytes.toHex(Bytes.hex(REPLY_FRAME), 14, 28), Bytes.toHex(frame, 14, 28));
    }

    @Test
    void writesReplyFrameElsewhere() {
        UnsafeBuffer request = Bytes.hex(REQUEST_FRAME);
        UnsafeBuffer reply = Bytes.dirty(ArpPacket.FRAME_LENGTH);
        ArpPacket arp = new ArpPacket().wrap(request, 14);
        assertEquals(42, arp.putReply(reply, 0, ANSWER));
        assertEquals(Bytes.toHex(Bytes.hex(REPLY_FRAME)), Bytes.toHex(reply));
        assertEquals(Bytes.toHex(Bytes.hex(REQUEST_FRAME)), Bytes.toHex(request));
        assertEquals(ArpPacket.REQUEST, arp.operation());
    }

    @Test
    void writesReplyFrameOverTheRequest() {
        UnsafeBuffer frame = Bytes.hex(REQUEST_FRAME);
        new ArpPacket().wrap(frame, 14).putReply(frame, 0, ANSWER);
        assertEquals(Bytes.toHex(Bytes.hex(REPLY_FRAME)), Bytes.toHex(frame));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 6})
    void takesBothEthernetHardwareTypes(int hardwareType) {
        UnsafeBuffer frame = Bytes.hex(REQUEST_FRAME);
        frame.putByte(15, (byte) hardwareType);
        assertEquals(ArpPacket.LENGTH, ArpPacket.check(frame, 14, 28));
    }

    @ParameterizedTest
    @CsvSource({"15, 2", "14, 1", "16, 9", "17, 1", "18, 5", "19, 16"})
    void refusesOtherHardwareAndProtocols(int index, int value) {
        UnsafeBuffer frame = Bytes.hex(REQUEST_FRAME);
        frame.putByte(index, (byte) value);
        assertEquals(EthernetHeader.INVALID, ArpPacket.check(frame, 14, 28));
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "224.0.0.1", "239.255.255.255"})
    void doesNotAnswerForLoopbackAndMulticast(String target) {
        UnsafeBuffer frame = Bytes.hex(REQUEST_FRAME);
        ArpPacket arp = new ArpPacket().wrap(frame, 14);
        arp.targetAddress(IpAddress.parse(target).ipv4());
        assertFalse(arp.isAnswerable());
    }

    @Test
    void doesNotAnswerReplies() {
        assertFalse(new ArpPacket().wrap(Bytes.hex(REPLY_FRAME), 14).isAnswerable());
    }
}
