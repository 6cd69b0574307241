package org.weft.bench;

import java.nio.ByteOrder;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.encap.EthernetHeader;
import org.weft.encap.InternetChecksum;
import org.weft.encap.IpAddress;
import org.weft.encap.Ipv4Header;
import org.weft.encap.Ipv6Header;
import org.weft.encap.NeighbourDiscovery;
import org.weft.encap.TcpHeader;

/** TCP frames as containers send them; everything in them is right, checksums included. */
final class Packets {
    static final long DESTINATION_MAC = 0xeeee_0aff_8400L;
    static final long SOURCE_MAC = 0xeeee_0aff_6300L;
    static final int SOURCE = 0x0aff_6303;
    static final int DESTINATION = 0x0aff_8402;
    static final int DESTINATION_PORT = 7777;

    private static final IpAddress SOURCE_IPV6 = IpAddress.parse("fd00:99::3");
    private static final IpAddress DESTINATION_IPV6 = IpAddress.parse("fd00:132::2");
    private static final int SOURCE_PORT = 43210;
    private static final int WINDOW = 502;
    private static final int TTL = 63;

    /** With the sender's MAC address as an option. */
    private static final int SOLICITATION_LENGTH = 32;

    private Packets() {}

    /** Writes a frame over IPv4; {@code length} counts from the Ethernet header, and is at least 54. */
    static void putIpv4(UnsafeBuffer buffer, int offset, int length) {
        EthernetHeader.put(buffer, offset, DESTINATION_MAC, SOURCE_MAC, EthernetHeader.ETHERTYPE_IPV4);
        int network = offset + EthernetHeader.LENGTH;
        int transport = network + Ipv4Header.LENGTH;
        int transportLength = offset + length - transport;
        putIpv4Header(new Ipv4Header(), buffer, network, Ipv4Header.LENGTH + transportLength);
        long pseudo = InternetChecksum.pseudoHeaderIpv4(SOURCE, DESTINATION, TcpHeader.PROTOCOL, transportLength);
        putTcp(buffer, transport, transportLength, pseudo);
    }

    static Ipv4Header putIpv4Header(Ipv4Header header, UnsafeBuffer buffer, int offset, int totalLength) {
        return header.wrap(buffer, offset)
                .headerLength(Ipv4Header.LENGTH)
                .tos(0)
                .totalLength(totalLength)
                .identification(0x1234)
                .fragment(Ipv4Header.DONT_FRAGMENT, 0)
                .ttl(TTL)
                .protocol(TcpHeader.PROTOCOL)
                .sourceAddress(SOURCE)
                .destinationAddress(DESTINATION)
                .updateChecksum();
    }

    /** Writes a frame over IPv6; {@code length} counts from the Ethernet header, and is at least 74. */
    static void putIpv6(UnsafeBuffer buffer, int offset, int length) {
        EthernetHeader.put(buffer, offset, DESTINATION_MAC, SOURCE_MAC, EthernetHeader.ETHERTYPE_IPV6);
        int network = offset + EthernetHeader.LENGTH;
        int transport = network + Ipv6Header.LENGTH;
        int transportLength = offset + length - transport;
        putIpv6Header(new Ipv6Header(), buffer, network, transportLength);
        long pseudo = InternetChecksum.pseudoHeaderIpv6(buffer, network, TcpHeader.PROTOCOL, transportLength);
        putTcp(buffer, transport, transportLength, pseudo);
    }

    static Ipv6Header putIpv6Header(Ipv6Header header, UnsafeBuffer buffer, int offset, int payloadLength) {
        return header.wrap(buffer, offset)
                .trafficClassAndFlowLabel(0, 0x12345)
                .payloadLength(payloadLength)
                .nextHeader(TcpHeader.PROTOCOL)
                .hopLimit(TTL)
                .source(SOURCE_IPV6.high(), SOURCE_IPV6.low())
                .destination(DESTINATION_IPV6.high(), DESTINATION_IPV6.low());
    }

    /** Writes a neighbour solicitation for the address that packets go to, and returns the length of its frame. */
    static int putSolicitation(UnsafeBuffer buffer, int offset) {
        EthernetHeader.put(buffer, offset, 0x3333_ff00_0002L, SOURCE_MAC, EthernetHeader.ETHERTYPE_IPV6);
        int network = offset + EthernetHeader.LENGTH;
        new Ipv6Header()
                .wrap(buffer, network)
                .trafficClassAndFlowLabel(0, 0)
                .payloadLength(SOLICITATION_LENGTH)
                .nextHeader(NeighbourDiscovery.ICMPV6)
                .hopLimit(255)
                .source(SOURCE_IPV6.high(), SOURCE_IPV6.low())
                .destination(0xff02_0000_0000_0000L, 0x1_ff00_0002L);
        int message = network + Ipv6Header.LENGTH;
        buffer.setMemory(message, SOLICITATION_LENGTH, (byte) 0);
        buffer.putByte(message, (byte) NeighbourDiscovery.SOLICITATION);
        buffer.putLong(message + 8, DESTINATION_IPV6.high(), ByteOrder.BIG_ENDIAN);
        buffer.putLong(message + 16, DESTINATION_IPV6.low(), ByteOrder.BIG_ENDIAN);
        buffer.putShort(message + 24, (short) 0x0101, ByteOrder.BIG_ENDIAN);
        buffer.putShort(message + 26, (short) (SOURCE_MAC >>> 32), ByteOrder.BIG_ENDIAN);
        buffer.putInt(message + 28, (int) SOURCE_MAC, ByteOrder.BIG_ENDIAN);
        return EthernetHeader.LENGTH + Ipv6Header.LENGTH + SOLICITATION_LENGTH;
    }

    private static void putTcp(UnsafeBuffer buffer, int offset, int length, long pseudo) {
        TcpHeader header = putTcpHeader(new TcpHeader(), buffer, offset);
        for (int i = TcpHeader.LENGTH; i < length; i++) {
            buffer.putByte(offset + i, (byte) (i * 31));
        }
        header.checksum(InternetChecksum.finish(InternetChecksum.sum(buffer, offset, length, pseudo)));
    }

    static TcpHeader putTcpHeader(TcpHeader header, UnsafeBuffer buffer, int offset) {
        return header.wrap(buffer, offset)
                .sourcePort(SOURCE_PORT)
                .destinationPort(DESTINATION_PORT)
                .sequenceNumber(0x01020304)
                .acknowledgmentNumber(0x05060708)
                .headerLengthAndFlags(TcpHeader.LENGTH, TcpHeader.ACK | TcpHeader.PSH)
                .window(WINDOW)
                .checksum(0)
                .urgentPointer(0);
    }
}
