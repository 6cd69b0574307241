package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.concurrent.UnsafeBuffer;
import org.pcap4j.packet.EthernetPacket;
import org.pcap4j.packet.IpV4Packet;
import org.pcap4j.packet.IpV6Packet;
import org.pcap4j.packet.TcpPacket;
import org.pcap4j.packet.UdpPacket;

/** Compares what a flyweight reads with what pcap4j reads, checksums included. */
final class Pcap4j {
    private Pcap4j() {}

    static void assertEthernet(UnsafeBuffer frame, EthernetPacket packet) {
        EthernetPacket.EthernetHeader expected = packet.getHeader();
        EthernetHeader header = new EthernetHeader().wrap(frame, 0);
        assertEquals(expected.getDstAddr().toString(), MacAddress.toString(header.destination()));
        assertEquals(expected.getSrcAddr().toString(), MacAddress.toString(header.source()));
        assertEquals(expected.getType().value() & 0xffff, header.etherType());
    }

    static void assertIpv4(Ipv4Header header, IpV4Packet.IpV4Header expected) {
        assertTrue(expected.hasValidChecksum(false));
        assertTrue(header.isChecksumValid());
        assertEquals(expected.getIhlAsInt() * 4, header.headerLength());
        assertEquals(expected.getTos().value() & 0xff, header.tos());
        assertEquals(expected.getTotalLengthAsInt(), header.totalLength());
        assertEquals(expected.getIdentificationAsInt(), header.identification());
        assertEquals(expected.getDontFragmentFlag(), header.dontFragment());
        assertEquals(expected.getMoreFragmentFlag(), header.moreFragments());
        assertEquals(expected.getFragmentOffset() * 8, header.fragmentOffset());
        assertEquals(expected.getTtlAsInt(), header.ttl());
        assertEquals(expected.getProtocol().value() & 0xff, header.protocol());
        assertEquals(expected.getHeaderChecksum() & 0xffff, header.checksum());
        assertEquals(
                expected.getSrcAddr(), IpAddress.ofIpv4(header.sourceAddress()).toInetAddress());
        assertEquals(
                expected.getDstAddr(),
                IpAddress.ofIpv4(header.destinationAddress()).toInetAddress());
    }

    static void assertIpv6(Ipv6Header header, IpV6Packet.IpV6Header expected) {
        assertEquals(expected.getVersion().value().intValue(), header.version());
        assertEquals(expected.getTrafficClass().value() & 0xff, header.trafficClass());
        assertEquals(expected.getFlowLabel().value(), header.flowLabel());
        assertEquals(expected.getPayloadLengthAsInt(), header.payloadLength());
        assertEquals(expected.getNextHeader().value() & 0xff, header.nextHeader());
        assertEquals(expected.getHopLimitAsInt(), header.hopLimit());
        assertEquals(expected.getSrcAddr(), new IpAddress(header.sourceHigh(), header.sourceLow()).toInetAddress());
        assertEquals(
                expected.getDstAddr(),
                new IpAddress(header.destinationHigh(), header.destinationLow()).toInetAddress());
    }

    static void assertUdp(UdpHeader header, UdpPacket expected, IpAddress source, IpAddress destination) {
        assertTrue(expected.hasValidChecksum(source.toInetAddress(), destination.toInetAddress(), false));
        assertEquals(expected.getHeader().getSrcPort().valueAsInt(), header.sourcePort());
        assertEquals(expected.getHeader().getDstPort().valueAsInt(), header.destinationPort());
        assertEquals(expected.getHeader().getLengthAsInt(), header.length());
        assertEquals(expected.getHeader().getChecksum() & 0xffff, header.checksum());
    }

    static void assertTcp(TcpHeader header, TcpPacket expected, IpAddress source, IpAddress destination) {
        TcpPacket.TcpHeader tcp = expected.getHeader();
        assertTrue(expected.hasValidChecksum(source.toInetAddress(), destination.toInetAddress(), false));
        assertEquals(tcp.getSrcPort().valueAsInt(), header.sourcePort());
        assertEquals(tcp.getDstPort().valueAsInt(), header.destinationPort());
        assertEquals(tcp.getSequenceNumber(), header.sequenceNumber());
        assertEquals(tcp.getAcknowledgmentNumber(), header.acknowledgmentNumber());
        assertEquals(tcp.getDataOffsetAsInt() * 4, header.headerLength());
        assertEquals(flags(tcp), header.flags());
        assertEquals(tcp.getWindowAsInt(), header.window());
        assertEquals(tcp.getChecksum() & 0xffff, header.checksum());
        assertEquals(tcp.getUrgentPointerAsInt(), header.urgentPointer());
    }

    /** pcap4j takes NS, CWR and ECE for three of six reserved bits. */
    private static int flags(TcpPacket.TcpHeader tcp) {
        return (tcp.getReserved() & 7) << 6
                | (tcp.getUrg() ? TcpHeader.URG : 0)
                | (tcp.getAck() ? TcpHeader.ACK : 0)
                | (tcp.getPsh() ? TcpHeader.PSH : 0)
                | (tcp.getRst() ? TcpHeader.RST : 0)
                | (tcp.getSyn() ? TcpHeader.SYN : 0)
                | (tcp.getFin() ? TcpHeader.FIN : 0);
    }
}
