package org.weft.dataplane.capture;

import org.agrona.concurrent.UnsafeBuffer;
import org.weft.encap.InternetChecksum;
import org.weft.encap.IpAddress;
import org.weft.encap.Ipv4Header;
import org.weft.encap.Ipv6Header;
import org.weft.encap.UdpHeader;

/**
 * Puts IP and UDP headers in front of a datagram's payload, so that a capture decodes as what was on the wire.
 *
 * <p>Addresses, ports, lengths and TOS are those of the datagram. The rest is the kernel's and not known here: IPv4
 * identification 0, no DF, TTL 64, one unfragmented datagram. The IPv4 UDP checksum is 0 (none), the others are
 * computed.
 */
final class OuterHeaders {
    static final int MAX_LENGTH = Ipv6Header.LENGTH + UdpHeader.LENGTH;

    private static final int TTL = 64;

    private final Ipv4Header ipv4 = new Ipv4Header();
    private final Ipv6Header ipv6 = new Ipv6Header();
    private final UdpHeader udp = new UdpHeader();

    static int length(CapturedPacket packet) {
        return UdpHeader.LENGTH + (isIpv4(packet) ? Ipv4Header.LENGTH : Ipv6Header.LENGTH);
    }

    private static boolean isIpv4(CapturedPacket packet) {
        return IpAddress.isIpv4(packet.destinationHigh(), packet.destinationLow());
    }

    /** Writes the headers at an offset; the payload stands behind them already. */
    void write(CapturedPacket packet, UnsafeBuffer target, int offset) {
        int udpLength = UdpHeader.LENGTH + packet.length();
        if (isIpv4(packet)) {
            writeIpv4(packet, target, offset, udpLength);
            writeUdp(packet, target, offset + Ipv4Header.LENGTH, udpLength);
        } else {
            writeIpv6(packet, target, offset, udpLength);
            writeUdp(packet, target, offset + Ipv6Header.LENGTH, udpLength);
            int kept = UdpHeader.LENGTH + packet.keptLength();
            long pseudo = InternetChecksum.pseudoHeaderIpv6(target, offset, UdpHeader.PROTOCOL, udpLength);
            udp.checksum(InternetChecksum.finishNonZero(
                    InternetChecksum.sum(target, offset + Ipv6Header.LENGTH, kept, pseudo)));
        }
    }

    private void writeIpv4(CapturedPacket packet, UnsafeBuffer target, int offset, int udpLength) {
        ipv4.wrap(target, offset)
                .headerLength(Ipv4Header.LENGTH)
                .tos(packet.tos())
                .totalLength(Ipv4Header.LENGTH + udpLength)
                .identification(0)
                .fragment(0, 0)
                .ttl(TTL)
                .protocol(UdpHeader.PROTOCOL)
                .sourceAddress((int) packet.sourceLow())
                .destinationAddress((int) packet.destinationLow())
                .updateChecksum();
    }

    private void writeIpv6(CapturedPacket packet, UnsafeBuffer target, int offset, int udpLength) {
        ipv6.wrap(target, offset)
                .trafficClassAndFlowLabel(packet.tos(), 0)
                .payloadLength(udpLength)
                .nextHeader(UdpHeader.PROTOCOL)
                .hopLimit(TTL)
                .source(packet.sourceHigh(), packet.sourceLow())
                .destination(packet.destinationHigh(), packet.destinationLow());
    }

    private void writeUdp(CapturedPacket packet, UnsafeBuffer target, int offset, int udpLength) {
        udp.wrap(target, offset)
                .sourcePort(packet.sourcePort())
                .destinationPort(packet.destinationPort())
                .length(udpLength)
                .checksum(0);
    }
}
