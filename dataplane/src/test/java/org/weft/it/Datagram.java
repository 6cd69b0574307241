package org.weft.it;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.weft.it.Packets.Ip;

/**
 * A UDP datagram as a remote VTEP would send it to the host of a {@link HostLab}.
 *
 * @param checksum of UDP, or null for the right one
 */
record Datagram(Ip ip, int sourcePort, int port, Integer checksum, byte[] payload) {
    private static final int SOURCE_PORT = 44444;

    /** From {@link HostLab#REMOTE_IP}, with a VXLAN header given as 8 bytes in network order. */
    static Datagram vxlan(int port, long header, byte[] frame) {
        return of(port, Bytes.concat(ByteBuffer.allocate(8).putLong(header).array(), frame));
    }

    static Datagram of(int port, byte[] payload) {
        return new Datagram(Ip.of(HostLab.REMOTE_IP, HostLab.HOST_IP), SOURCE_PORT, port, null, payload);
    }

    Datagram from(String source) {
        return new Datagram(Ip.of(source, HostLab.HOST_IP).tos(ip.tos()), sourcePort, port, checksum, payload);
    }

    /** The same over IPv6. */
    Datagram overIpv6() {
        Ip ipv6 = Ip.of(HostLab.REMOTE_IP6, HostLab.HOST_IP6).tos(ip.tos());
        return new Datagram(ipv6, sourcePort, port, checksum, payload);
    }

    Datagram tos(int tos) {
        return new Datagram(ip.tos(tos), sourcePort, port, checksum, payload);
    }

    Datagram checksum(int wrong) {
        return new Datagram(ip, sourcePort, port, wrong, payload);
    }

    /** As an Ethernet frame on the underlay. */
    byte[] frame() {
        byte[] udp = checksum == null
                ? Packets.udp(ip, sourcePort, port, payload)
                : Packets.udpWithChecksum(checksum, sourcePort, port, payload);
        return Packets.ethernet(
                HostLab.HOST_MAC,
                HostLab.REMOTE_MAC,
                ip.isIpv6() ? Packets.IPV6 : Packets.IPV4,
                Packets.ip(ip, Packets.UDP, udp));
    }

    @Override
    public String toString() {
        return ip + " port " + port + " payload " + HexFormat.of().formatHex(payload);
    }
}
