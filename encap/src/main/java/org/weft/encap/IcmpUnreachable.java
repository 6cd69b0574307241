package org.weft.encap;

import static java.nio.ByteOrder.BIG_ENDIAN;

import org.agrona.concurrent.UnsafeBuffer;

/**
 * Writes the frame that tells a sender that its packet was refused: ICMP or ICMPv6 "port unreachable" (RFC 792, RFC 4443
 * section 3.1), as the kernel's REJECT target does (nf_send_unreach, nf_send_unreach6).
 */
public final class IcmpUnreachable {
    /** Bytes that {@link #put} may write. */
    public static final int MAX_LENGTH = EthernetHeader.LENGTH + 1280;

    /** An ICMP error is at most as long as every IPv4 host takes (RFC 1812 section 4.3.2.3), an ICMPv6 one as the minimum MTU. */
    private static final int MAX_PACKET_IPV4 = 576;

    private static final int MAX_PACKET_IPV6 = 1280;

    private static final int NETWORK = EthernetHeader.LENGTH;
    private static final int ICMP_LENGTH = 8;
    private static final int CHECKSUM_OFFSET = 2;

    private static final int TYPE_IPV4 = 3;
    private static final int CODE_IPV4 = 3;
    private static final int TYPE_IPV6 = 1;
    private static final int CODE_IPV6 = 4;

    /** Internetwork control in place of the precedence of the packet (kernel: icmp_send). */
    private static final int PRECEDENCE = 0xc0;

    private static final int TOS_MASK = 0x1e;
    private static final int TTL = 64;

    private final Ipv4Header ipv4 = new Ipv4Header();
    private final Ipv6Header ipv6 = new Ipv6Header();

    /**
     * Writes the untagged frame that answers a refused one.
     *
     * @param refused holds the refused frame, which {@code layout} describes; a whole IP packet or its first fragment
     * @param end of that frame
     * @param answer to write to; not over the refused frame
     * @param offset with {@link #MAX_LENGTH} bytes behind it
     * @param mac our own MAC address
     * @param high of the address that the answer comes from
     * @return its length
     */
    public int put(
            UnsafeBuffer refused,
            FrameLayout layout,
            int end,
            UnsafeBuffer answer,
            int offset,
            long mac,
            long high,
            long low) {
        long requester = EthernetHeader.source(refused, layout.offset());
        boolean v4 = layout.isIpv4();
        int headerLength = v4 ? Ipv4Header.LENGTH : Ipv6Header.LENGTH;
        int there = end - layout.networkOffset();
        int total = v4 ? Ipv4Header.totalLength(refused, layout.networkOffset()) : there;
        int packet = total < headerLength ? there : Math.min(total, there);
        int quoted = Math.min(packet, (v4 ? MAX_PACKET_IPV4 : MAX_PACKET_IPV6) - headerLength - ICMP_LENGTH);
        int icmp = offset + NETWORK + headerLength;
        EthernetHeader.put(
                answer, offset, requester, mac, v4 ? EthernetHeader.ETHERTYPE_IPV4 : EthernetHeader.ETHERTYPE_IPV6);
        answer.putLong(icmp, 0);
        answer.putByte(icmp, (byte) (v4 ? TYPE_IPV4 : TYPE_IPV6));
        answer.putByte(icmp + 1, (byte) (v4 ? CODE_IPV4 : CODE_IPV6));
        answer.putBytes(icmp + ICMP_LENGTH, refused, layout.networkOffset(), quoted);
        int length = ICMP_LENGTH + quoted;
        long pseudo = 0;
        if (v4) {
            putIpv4(answer, offset + NETWORK, layout, length, low);
        } else {
            putIpv6(answer, offset + NETWORK, layout, length, high, low);
            pseudo = InternetChecksum.pseudoHeaderIpv6(answer, offset + NETWORK, FlowKey.ICMPV6, length);
        }
        int checksum = InternetChecksum.finish(InternetChecksum.sum(answer, icmp, length, pseudo));
        answer.putShort(icmp + CHECKSUM_OFFSET, (short) checksum, BIG_ENDIAN);
        return NETWORK + headerLength + length;
    }

    private void putIpv4(UnsafeBuffer answer, int offset, FrameLayout layout, int length, long source) {
        ipv4.wrap(answer, offset)
                .headerLength(Ipv4Header.LENGTH)
                .tos(layout.tos() & TOS_MASK | PRECEDENCE)
                .totalLength(Ipv4Header.LENGTH + length)
                .identification(0)
                .fragment(0, 0)
                .ttl(TTL)
                .protocol(FlowKey.ICMP)
                .sourceAddress((int) source)
                .destinationAddress((int) layout.sourceLow())
                .updateChecksum();
    }

    private void putIpv6(UnsafeBuffer answer, int offset, FrameLayout layout, int length, long high, long low) {
        ipv6.wrap(answer, offset)
                .trafficClassAndFlowLabel(0, 0)
                .payloadLength(length)
                .nextHeader(FlowKey.ICMPV6)
                .hopLimit(TTL)
                .source(high, low)
                .destination(layout.sourceHigh(), layout.sourceLow());
    }
}
