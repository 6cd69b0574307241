package org.weft.it;

import static org.weft.it.Bytes.concat;
import static org.weft.it.Bytes.hex;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;

/** Hand-made frames, written apart from the codecs under test. */
final class Packets {
    static final int IPV4 = 0x0800;
    static final int ARP = 0x0806;
    static final int IPV6 = 0x86dd;
    static final int VLAN = 0x8100;

    /** IEEE's ethertype for local experiments: no protocol of the host takes it. */
    static final int EXPERIMENT = 0x88b5;

    static final int UDP = 17;

    private Packets() {}

    static byte[] ethernet(String destination, String source, int type, byte[] payload) {
        return concat(hex(destination), hex(source), u16(type), payload);
    }

    /** IPv4 with a valid checksum. */
    static byte[] ipv4(Ip ip, int protocol, byte[] payload) {
        ByteBuffer header = ByteBuffer.allocate(20);
        header.put((byte) 0x45).put((byte) ip.tos).putShort((short) (20 + payload.length));
        header.putShort((short) 0x1234).putShort((short) (ip.df ? 0x4000 : 0));
        header.put((byte) ip.ttl).put((byte) protocol).putShort((short) 0);
        header.put(address(ip.source)).put(address(ip.destination));
        header.putShort(10, (short) Bytes.checksum(header.array()));
        return concat(header.array(), payload);
    }

    static byte[] ipv6(Ip ip, int protocol, byte[] payload) {
        ByteBuffer header = ByteBuffer.allocate(40);
        header.putInt(6 << 28 | ip.tos << 20).putShort((short) payload.length);
        header.put((byte) protocol).put((byte) ip.ttl);
        header.put(address(ip.source)).put(address(ip.destination));
        return concat(header.array(), payload);
    }

    static byte[] ip(Ip ip, int protocol, byte[] payload) {
        return ip.isIpv6() ? ipv6(ip, protocol, payload) : ipv4(ip, protocol, payload);
    }

    /** A UDP datagram with its valid checksum. */
    static byte[] udp(Ip ip, int sourcePort, int destinationPort, byte[] payload) {
        byte[] datagram = udpWithChecksum(0, sourcePort, destinationPort, payload);
        int checksum = transportChecksum(ip, UDP, datagram);
        return udpWithChecksum(checksum == 0 ? 0xffff : checksum, sourcePort, destinationPort, payload);
    }

    static byte[] udpWithChecksum(int checksum, int sourcePort, int destinationPort, byte[] payload) {
        return concat(u16(sourcePort), u16(destinationPort), u16(8 + payload.length), u16(checksum), payload);
    }

    static int transportChecksum(Ip ip, int protocol, byte[] segment) {
        byte[] pseudo = concat(address(ip.source), address(ip.destination), u16(protocol), u16(segment.length));
        return Bytes.checksum(pseudo, segment);
    }

    /** An IP packet with a UDP datagram in it, in an Ethernet frame. */
    static byte[] udpFrame(String destination, String source, Ip ip, int sourcePort, int port, byte[] payload) {
        byte[] packet = ip(ip, UDP, udp(ip, sourcePort, port, payload));
        return ethernet(destination, source, ip.isIpv6() ? IPV6 : IPV4, packet);
    }

    static byte[] u16(int value) {
        return new byte[] {(byte) (value >> 8), (byte) value};
    }

    static byte[] address(String text) {
        try {
            return InetAddress.getByName(text).getAddress();
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    static String text(byte[] address) {
        try {
            return InetAddress.getByAddress(address).getHostAddress();
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    /** The fields of an IP header that tests vary. */
    record Ip(String source, String destination, int tos, int ttl, boolean df) {
        static Ip of(String source, String destination) {
            return new Ip(source, destination, 0, 64, false);
        }

        Ip tos(int changed) {
            return new Ip(source, destination, changed, ttl, df);
        }

        Ip ttl(int changed) {
            return new Ip(source, destination, tos, changed, df);
        }

        Ip df(boolean changed) {
            return new Ip(source, destination, tos, ttl, changed);
        }

        boolean isIpv6() {
            return source.contains(":");
        }
    }
}
