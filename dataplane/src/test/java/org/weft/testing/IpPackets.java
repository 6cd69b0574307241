package org.weft.testing;

import static java.nio.ByteOrder.BIG_ENDIAN;

import java.util.Arrays;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.encap.EthernetHeader;
import org.weft.encap.FlowKey;
import org.weft.encap.InternetChecksum;
import org.weft.encap.IpAddress;
import org.weft.encap.Ipv4Header;
import org.weft.encap.Ipv6Header;
import org.weft.encap.TcpHeader;
import org.weft.encap.UdpHeader;

/** Small IP packets in Ethernet frames, from one VTEP to another. */
public final class IpPackets {
    private static final int NETWORK = EthernetHeader.LENGTH;
    private static final int PAYLOAD_LENGTH = 16;
    private static final int FIRST_SEQUENCE_NUMBER = 1000;
    /** After a SYN, whose payload counts too. */
    private static final int NEXT_SEQUENCE_NUMBER = FIRST_SEQUENCE_NUMBER + 1 + PAYLOAD_LENGTH;

    private final long destinationMac;
    private final long sourceMac;

    public IpPackets(long destinationMac, long sourceMac) {
        this.destinationMac = destinationMac;
        this.sourceMac = sourceMac;
    }

    /** Whatever was sent before, each segment is the one that the other side waits for. */
    public byte[] tcp(String source, int sourcePort, String destination, int destinationPort, int flags) {
        UnsafeBuffer buffer = ip(source, destination, TcpHeader.PROTOCOL, TcpHeader.LENGTH + PAYLOAD_LENGTH);
        int transport = transport(buffer);
        new TcpHeader()
                .wrap(buffer, transport)
                .sourcePort(sourcePort)
                .destinationPort(destinationPort)
                .sequenceNumber((flags & TcpHeader.SYN) != 0 ? FIRST_SEQUENCE_NUMBER : NEXT_SEQUENCE_NUMBER)
                .acknowledgmentNumber((flags & TcpHeader.ACK) != 0 ? NEXT_SEQUENCE_NUMBER : 0)
                .headerLengthAndFlags(TcpHeader.LENGTH, flags)
                .window(500);
        return withChecksum(buffer, TcpHeader.PROTOCOL, TcpHeader.CHECKSUM_OFFSET);
    }

    public byte[] udp(String source, int sourcePort, String destination, int destinationPort) {
        UnsafeBuffer buffer = ip(source, destination, UdpHeader.PROTOCOL, UdpHeader.LENGTH + PAYLOAD_LENGTH);
        new UdpHeader()
                .wrap(buffer, transport(buffer))
                .sourcePort(sourcePort)
                .destinationPort(destinationPort)
                .length(UdpHeader.LENGTH + PAYLOAD_LENGTH);
        return withChecksum(buffer, UdpHeader.PROTOCOL, UdpHeader.CHECKSUM_OFFSET);
    }

    /** An ICMP or ICMPv6 message with an identifier. */
    public byte[] icmp(String source, String destination, int type, int identifier) {
        return icmp(source, destination, type, 0, identifier << 16, new byte[PAYLOAD_LENGTH]);
    }

    /** An ICMP or ICMPv6 error about a frame. */
    public byte[] error(String source, String destination, int type, int code, byte[] about) {
        byte[] quoted = new byte[Math.min(about.length - NETWORK, 68)];
        System.arraycopy(about, NETWORK, quoted, 0, quoted.length);
        return icmp(source, destination, type, code, 0, quoted);
    }

    private byte[] icmp(String source, String destination, int type, int code, int rest, byte[] payload) {
        int protocol = source.contains(":") ? FlowKey.ICMPV6 : FlowKey.ICMP;
        UnsafeBuffer buffer = ip(source, destination, protocol, 8 + payload.length);
        int transport = transport(buffer);
        buffer.putByte(transport, (byte) type);
        buffer.putByte(transport + 1, (byte) code);
        buffer.putInt(transport + 4, rest, BIG_ENDIAN);
        buffer.putBytes(transport + 8, payload);
        return withChecksum(buffer, protocol, 2);
    }

    private UnsafeBuffer ip(String source, String destination, int protocol, int length) {
        IpAddress from = IpAddress.parse(source);
        IpAddress to = IpAddress.parse(destination);
        int header = from.isIpv4() ? Ipv4Header.LENGTH : Ipv6Header.LENGTH;
        UnsafeBuffer buffer = new UnsafeBuffer(new byte[NETWORK + header + length]);
        EthernetHeader.put(
                buffer,
                0,
                destinationMac,
                sourceMac,
                from.isIpv4() ? EthernetHeader.ETHERTYPE_IPV4 : EthernetHeader.ETHERTYPE_IPV6);
        if (from.isIpv4()) {
            new Ipv4Header()
                    .wrap(buffer, NETWORK)
                    .headerLength(header)
                    .totalLength(header + length)
                    .ttl(63)
                    .protocol(protocol)
                    .sourceAddress(from.ipv4())
                    .destinationAddress(to.ipv4())
                    .updateChecksum();
        } else {
            new Ipv6Header()
                    .wrap(buffer, NETWORK)
                    .trafficClassAndFlowLabel(0, 0)
                    .payloadLength(length)
                    .nextHeader(protocol)
                    .hopLimit(63)
                    .source(from.high(), from.low())
                    .destination(to.high(), to.low());
        }
        return buffer;
    }

    private static boolean isIpv4(UnsafeBuffer buffer) {
        return EthernetHeader.etherType(buffer, 0) == EthernetHeader.ETHERTYPE_IPV4;
    }

    private static int transport(UnsafeBuffer buffer) {
        return NETWORK + (isIpv4(buffer) ? Ipv4Header.LENGTH : Ipv6Header.LENGTH);
    }

    private static byte[] withChecksum(UnsafeBuffer buffer, int protocol, int field) {
        int transport = transport(buffer);
        int length = buffer.capacity() - transport;
        long pseudo = 0;
        if (!isIpv4(buffer)) {
            pseudo = InternetChecksum.pseudoHeaderIpv6(buffer, NETWORK, protocol, length);
        } else if (protocol != FlowKey.ICMP) {
            pseudo = InternetChecksum.pseudoHeaderIpv4(buffer, NETWORK, protocol, length);
        }
        int checksum = InternetChecksum.finish(InternetChecksum.sum(buffer, transport, length, pseudo));
        buffer.putShort(transport + field, (short) checksum, BIG_ENDIAN);
        return buffer.byteArray();
    }

    /** The frame with so many VLAN tags in front of its EtherType, 802.1Q and 802.1ad in turn, of VLAN id 0. */
    public static byte[] tagged(byte[] frame, int tags) {
        int addresses = EthernetHeader.LENGTH - 2;
        byte[] tagged = new byte[frame.length + tags * EthernetHeader.TAG_LENGTH];
        System.arraycopy(frame, 0, tagged, 0, addresses);
        UnsafeBuffer buffer = new UnsafeBuffer(tagged);
        for (int i = 0; i < tags; i++) {
            int protocol = i % 2 == 0 ? EthernetHeader.ETHERTYPE_8021Q : EthernetHeader.ETHERTYPE_8021AD;
            buffer.putShort(addresses + i * EthernetHeader.TAG_LENGTH, (short) protocol, BIG_ENDIAN);
        }
        System.arraycopy(frame, addresses, tagged, tagged.length - frame.length + addresses, frame.length - addresses);
        return tagged;
    }

    /** Cuts an IPv4 packet in two: the first fragment has as many bytes behind the IP header, a multiple of 8. */
    public static byte[][] fragments(byte[] frame, int identification, int firstLength) {
        int header = NETWORK + Ipv4Header.LENGTH;
        byte[] first = Arrays.copyOf(frame, header + firstLength);
        byte[] later = new byte[frame.length - firstLength];
        System.arraycopy(frame, 0, later, 0, header);
        System.arraycopy(frame, header + firstLength, later, header, later.length - header);
        fragment(first, identification, Ipv4Header.MORE_FRAGMENTS, 0);
        fragment(later, identification, 0, firstLength);
        return new byte[][] {first, later};
    }

    private static void fragment(byte[] frame, int identification, int flags, int offset) {
        new Ipv4Header()
                .wrap(new UnsafeBuffer(frame), NETWORK)
                .totalLength(frame.length - NETWORK)
                .identification(identification)
                .fragment(flags, offset)
                .updateChecksum();
    }
}
