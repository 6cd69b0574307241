package org.weft.dataplane.capture;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.weft.encap.IpAddress;

/**
 * Puts IP and UDP headers in front of a datagram's payload, so that a capture decodes as what was on the wire.
 *
 * <p>Addresses, ports, lengths and TOS are those of the datagram. The rest is the kernel's and not known here: IPv4
 * identification 0, no DF, TTL 64, one unfragmented datagram. The IPv4 UDP checksum is 0 (none), the others are
 * computed.
 */
final class OuterHeaders {
    static final int MAX_LENGTH = 40 + 8;

    private static final int IPV4_LENGTH = 20;
    private static final int IPV6_LENGTH = 40;
    private static final int UDP_LENGTH = 8;
    private static final byte TTL = 64;
    private static final byte UDP = 17;

    private OuterHeaders() {}

    static int length(CapturedPacket packet) {
        return UDP_LENGTH + (isIpv4(packet) ? IPV4_LENGTH : IPV6_LENGTH);
    }

    private static boolean isIpv4(CapturedPacket packet) {
        return IpAddress.isIpv4(packet.destinationHigh(), packet.destinationLow());
    }

    /** Writes the headers at an offset; the payload stands behind them already. */
    static void write(CapturedPacket packet, byte[] target, int offset) {
        ByteBuffer buffer = ByteBuffer.wrap(target).order(ByteOrder.BIG_ENDIAN);
        if (isIpv4(packet)) {
            ipv4(packet, buffer, offset);
            udp(packet, buffer, offset + IPV4_LENGTH);
        } else {
            ipv6(packet, buffer, offset);
            udp(packet, buffer, offset + IPV6_LENGTH);
            udpChecksum(packet, buffer, offset + IPV6_LENGTH);
        }
    }

    private static void ipv4(CapturedPacket packet, ByteBuffer buffer, int offset) {
        buffer.position(offset);
        buffer.put((byte) 0x45).put((byte) packet.tos());
        buffer.putShort((short) (IPV4_LENGTH + UDP_LENGTH + packet.length()));
        buffer.putInt(0).put(TTL).put(UDP).putShort((short) 0);
        buffer.putInt((int) packet.sourceLow()).putInt((int) packet.destinationLow());
        buffer.putShort(offset + 10, checksum(sum(buffer, offset, IPV4_LENGTH)));
    }

    private static void ipv6(CapturedPacket packet, ByteBuffer buffer, int offset) {
        buffer.position(offset);
        buffer.putInt(6 << 28 | (packet.tos() & 0xff) << 20);
        buffer.putShort((short) (UDP_LENGTH + packet.length())).put(UDP).put(TTL);
        buffer.putLong(packet.sourceHigh()).putLong(packet.sourceLow());
        buffer.putLong(packet.destinationHigh()).putLong(packet.destinationLow());
    }

    private static void udp(CapturedPacket packet, ByteBuffer buffer, int offset) {
        buffer.position(offset);
        buffer.putShort((short) packet.sourcePort()).putShort((short) packet.destinationPort());
        buffer.putShort((short) (UDP_LENGTH + packet.length())).putShort((short) 0);
    }

    /** RFC 8200 section 8.1: a computed 0 is sent as ffff. */
    private static void udpChecksum(CapturedPacket packet, ByteBuffer buffer, int offset) {
        int addresses = offset - 32;
        long sum = sum(buffer, addresses, 32) + UDP + UDP_LENGTH + packet.length();
        short checksum = checksum(sum + sum(buffer, offset, UDP_LENGTH + packet.keptLength()));
        buffer.putShort(offset + 6, checksum == 0 ? (short) 0xffff : checksum);
    }

    private static long sum(ByteBuffer buffer, int offset, int length) {
        long sum = 0;
        int even = length & ~1;
        for (int i = 0; i < even; i += 2) {
            sum += buffer.getShort(offset + i) & 0xffff;
        }
        return length == even ? sum : sum + ((buffer.get(offset + even) & 0xff) << 8);
    }

    private static short checksum(long sum) {
        long folded = sum;
        while (folded >>> 16 != 0) {
            folded = (folded & 0xffff) + (folded >>> 16);
        }
        return (short) ~folded;
    }
}
