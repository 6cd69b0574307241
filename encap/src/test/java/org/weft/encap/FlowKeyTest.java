package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.pcap4j.packet.EthernetPacket;
import org.pcap4j.packet.IcmpV4CommonPacket;
import org.pcap4j.packet.IcmpV4DestinationUnreachablePacket;
import org.pcap4j.packet.IcmpV6CommonPacket;
import org.pcap4j.packet.IllegalRawDataException;
import org.pcap4j.packet.IpV4Packet;
import org.pcap4j.packet.IpV6Packet;
import org.pcap4j.packet.TcpPacket;
import org.pcap4j.packet.namednumber.IcmpV4Code;
import org.pcap4j.packet.namednumber.IcmpV6Code;
import org.weft.encap.FlowKey.Kind;

class FlowKeyTest {
    private static final String MACS = "eeee0aff8400 eeee0aff6300";
    private static final String V4 =
            MACS + "0800 4500 0024 0007 %s 4011 0000 0a000001 0a000002" + "0001 0002 0010 0000 0000000000000000";
    private static final String ADDRESSES = "fd000000000000000000000000000001" + "fd000000000000000000000000000002";

    private final FrameLayout layout = new FrameLayout();
    private final FlowKey key = new FlowKey();

    private Kind read(UnsafeBuffer frame) {
        layout.parse(frame, 0, frame.capacity());
        return key.read(frame, layout);
    }

    private static UnsafeBuffer v4(String fragmentField) {
        return Bytes.hex(V4.formatted(fragmentField));
    }

    @Test
    void readsTheSpecifiedPacket() {
        assertEquals(Kind.PACKET, read(Bytes.seed("2-source-silk-vtep")));
        assertEquals("10.255.99.3", new IpAddress(key.sourceHigh(), key.sourceLow()).toString());
        assertEquals("10.255.132.2", new IpAddress(key.destinationHigh(), key.destinationLow()).toString());
        assertEquals(TcpHeader.PROTOCOL, key.protocol());
        assertEquals(7777, key.destinationPort());
        assertEquals(TcpHeader.PSH | TcpHeader.ACK, key.tcpFlags());
    }

    @Test
    void tellsFragmentsApart() {
        assertEquals(Kind.PACKET, read(v4("0000")));
        assertFalse(key.isFragment());
        assertEquals(Kind.PACKET, read(v4("2000")));
        assertTrue(key.isFragment());
        assertEquals(7, key.fragmentId());
        assertEquals(2, key.destinationPort());
        assertEquals(Kind.LATER_FRAGMENT, read(v4("0002")));
        assertEquals(7, key.fragmentId());
        assertEquals(0, key.destinationPort());
        String v6 = MACS + "86dd 60000000 0018 2c 40" + ADDRESSES + "11 00 %s 00000009" + "0001 0002 0010 0000"
                + "00".repeat(8);
        assertEquals(Kind.PACKET, read(Bytes.hex(v6.formatted("0001"))));
        assertEquals(9, key.fragmentId());
        assertEquals(2, key.destinationPort());
        assertEquals(Kind.LATER_FRAGMENT, read(Bytes.hex(v6.formatted("0011"))));
        assertEquals(UdpHeader.PROTOCOL, key.protocol());
    }

    @Test
    void anErrorHasTheKeyOfWhatItIsAbout() {
        String quoted = "4500 0080 0000 0000 4011 0000 0a000002 0a000001 0001 0002 0008 0000";
        String icmp = MACS + "0800 4500 0038 0000 0000 4001 0000 0a000009 0a000002 %s 0000 00000000" + quoted;
        assertEquals(Kind.ICMP_ERROR, read(Bytes.hex(icmp.formatted("0303"))));
        assertEquals("10.0.0.2", new IpAddress(key.sourceHigh(), key.sourceLow()).toString());
        assertEquals(UdpHeader.PROTOCOL, key.protocol());
        assertEquals(1, key.sourcePort());
        assertEquals(3, key.icmpType());
        assertEquals(Kind.MALFORMED, read(Bytes.hex(icmp.formatted("0303").replace("4500 0038", "4500 0037"))));
        assertEquals(Kind.PACKET, read(Bytes.hex(icmp.formatted("0800"))));
    }

    @ParameterizedTest
    @CsvSource({
        "0800, true, 42, 8",
        "0000, false, 8, 42",
        "0d00, true, 42, 13",
        "0e00, false, 13, 42",
        "0900, false, 0, 0"
    })
    void onlyARequestOpensAndItsAnswerGoesTheOtherWay(String typeAndCode, boolean opens, int source, int destination) {
        assertEquals(
                Kind.PACKET,
                read(Bytes.hex(MACS + "0800 4500 001c 0000 0000 4001 0000 0a000009 0a000002 " + typeAndCode
                        + "0000 002a 0001")));
        assertEquals(opens, key.isIcmpRequest());
        assertEquals(source, key.sourcePort());
        assertEquals(destination, key.destinationPort());
    }

    @Test
    void whatIsCutIsMalformed() {
        UnsafeBuffer frame = v4("0000");
        layout.parse(frame, 0, 40);
        assertEquals(Kind.MALFORMED, key.read(frame, layout));
        layout.parse(frame, 0, 20);
        assertEquals(Kind.NOT_IP, key.read(frame, layout));
    }

    private EthernetPacket refuse(UnsafeBuffer refused, String from) throws IllegalRawDataException {
        IpAddress source = IpAddress.parse(from);
        UnsafeBuffer answer = Bytes.dirty(IcmpUnreachable.MAX_LENGTH);
        layout.parse(refused, 0, refused.capacity());
        int length = new IcmpUnreachable()
                .put(refused, layout, refused.capacity(), answer, 0, 1, source.high(), source.low());
        return EthernetPacket.newPacket(answer.byteArray(), 0, length);
    }

    @Test
    void pcap4jReadsTheAnswerToARefusedPacket() throws IllegalRawDataException {
        EthernetPacket answer = refuse(Bytes.seed("2-source-silk-vtep"), "10.255.132.0");
        assertEquals("ee:ee:0a:ff:63:00", answer.getHeader().getDstAddr().toString());
        IpV4Packet ip = answer.get(IpV4Packet.class);
        assertEquals("/10.255.132.0", ip.getHeader().getSrcAddr().toString());
        assertEquals("/10.255.99.3", ip.getHeader().getDstAddr().toString());
        assertTrue(ip.getHeader().hasValidChecksum(true));
        IcmpV4CommonPacket icmp = answer.get(IcmpV4CommonPacket.class);
        assertEquals(IcmpV4Code.PORT_UNREACHABLE, icmp.getHeader().getCode());
        assertTrue(icmp.hasValidChecksum(true));
        assertEquals(
                (short) 7777,
                answer.get(IcmpV4DestinationUnreachablePacket.class)
                        .getPayload()
                        .get(TcpPacket.class)
                        .getHeader()
                        .getDstPort()
                        .value());
    }

    @Test
    void pcap4jReadsTheAnswerToARefusedIpv6Packet() throws IllegalRawDataException {
        UnsafeBuffer refused =
                Bytes.hex(MACS + "86dd 60000000 0600 11 40" + ADDRESSES + "0001 0002 0600 0000" + "5a".repeat(1528));
        EthernetPacket answer = refuse(refused, "fd00::3");
        IcmpV6CommonPacket icmp = answer.get(IcmpV6CommonPacket.class);
        assertEquals(IcmpV6Code.PORT_UNREACHABLE, icmp.getHeader().getCode());
        assertEquals(IcmpUnreachable.MAX_LENGTH, answer.length());
        var ip = answer.get(IpV6Packet.class).getHeader();
        assertTrue(icmp.hasValidChecksum(ip.getSrcAddr(), ip.getDstAddr(), true));
    }
}
