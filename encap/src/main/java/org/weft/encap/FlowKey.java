package org.weft.encap;

import static java.nio.ByteOrder.BIG_ENDIAN;

import org.agrona.concurrent.UnsafeBuffer;

/**
 * What tells the flow of an IP packet from others: addresses, protocol, and ports, or in their place the identifier of an
 * ICMP query and what it asks for (kernel: nf_conntrack_tuple). Mutable, one per agent; holds until the next {@link #read}.
 */
public final class FlowKey {
    /** What a frame is to whoever looks for its flow. */
    public enum Kind {
        /** No IP packet. */
        NOT_IP,
        /** A whole packet, or the first fragment of one. */
        PACKET,
        /** Any other fragment: it has addresses, protocol and {@link #fragmentId}, but no ports. */
        LATER_FRAGMENT,
        /** An ICMP error: the key is that of the packet it is about, in that packet's direction. */
        ICMP_ERROR,
        /** An IP or transport header that is cut off or contradicts itself. */
        MALFORMED
    }

    public static final int ICMP = 1;
    public static final int ICMPV6 = 58;

    private static final int ECHO = 8;
    private static final int TIMESTAMP = 13;
    private static final int ECHO_IPV6 = 128;

    private static final int ICMP_LENGTH = 8;
    private static final int ICMP_IDENTIFIER_OFFSET = 4;

    /** What of a packet an ICMP error has at least behind the IP header (RFC 792). */
    private static final int QUOTED_LENGTH = 8;

    private final Ipv6ExtensionHeaders extensions = new Ipv6ExtensionHeaders();

    private long sourceHigh;
    private long sourceLow;
    private long destinationHigh;
    private long destinationLow;
    private int protocol;
    private int sourcePort;
    private int destinationPort;
    private int tcpFlags;
    private int icmpType;
    private int icmpCode;
    private boolean fragment;
    private int fragmentId;

    /**
     * Reads a frame.
     *
     * @param layout what {@link FrameLayout#parse} found in this very frame
     */
    public Kind read(UnsafeBuffer buffer, FrameLayout layout) {
        if (!layout.isIpv4() && !layout.isIpv6()) {
            return Kind.NOT_IP;
        }
        sourceHigh = layout.sourceHigh();
        sourceLow = layout.sourceLow();
        destinationHigh = layout.destinationHigh();
        destinationLow = layout.destinationLow();
        protocol = layout.protocol();
        sourcePort = 0;
        destinationPort = 0;
        tcpFlags = 0;
        icmpType = 0;
        icmpCode = 0;
        fragment = layout.isFragment();
        fragmentId = layout.fragmentId();
        if (layout.isLaterFragment()) {
            return Kind.LATER_FRAGMENT;
        }
        if (layout.transportOffset() == FrameLayout.NONE) {
            return Kind.MALFORMED;
        }
        return readTransport(buffer, layout.transportOffset(), layout.transportLength(), layout.hasPorts());
    }

    private Kind readTransport(UnsafeBuffer buffer, int offset, int length, boolean hasPorts) {
        if (protocol == ICMP || protocol == ICMPV6) {
            return length < ICMP_LENGTH ? Kind.MALFORMED : readIcmp(buffer, offset, length);
        }
        if (hasPorts) {
            readPorts(buffer, offset);
        }
        if (protocol == TcpHeader.PROTOCOL) {
            tcpFlags = TcpHeader.flags(buffer, offset);
        }
        return Kind.PACKET;
    }

    private void readPorts(UnsafeBuffer buffer, int offset) {
        int ports = buffer.getInt(offset, BIG_ENDIAN);
        sourcePort = ports >>> 16;
        destinationPort = ports & 0xffff;
    }

    private Kind readIcmp(UnsafeBuffer buffer, int offset, int length) {
        icmpType = buffer.getByte(offset) & 0xff;
        icmpCode = buffer.getByte(offset + 1) & 0xff;
        if (isIcmpError(icmpType)) {
            return readQuoted(buffer, offset + ICMP_LENGTH, length - ICMP_LENGTH) ? Kind.ICMP_ERROR : Kind.MALFORMED;
        }
        readIdentifier(buffer, offset);
        return Kind.PACKET;
    }

    /** A query goes from a port with its identifier to one with the type of the request; its answer comes back. */
    private void readIdentifier(UnsafeBuffer buffer, int offset) {
        int type = buffer.getByte(offset) & 0xff;
        int identifier = buffer.getShort(offset + ICMP_IDENTIFIER_OFFSET, BIG_ENDIAN) & 0xffff;
        if (isIcmpRequest(type)) {
            sourcePort = identifier;
            destinationPort = type;
        } else if (isIcmpAnswer(type)) {
            sourcePort = protocol == ICMPV6 ? ECHO_IPV6 : type == 0 ? ECHO : TIMESTAMP;
            destinationPort = identifier;
        }
    }

    /** The beginning of a packet, of which no more is certain than 8 bytes behind the IP header. */
    private boolean readQuoted(UnsafeBuffer buffer, int offset, int length) {
        int transport =
                protocol == ICMPV6 ? readQuotedIpv6(buffer, offset, length) : readQuotedIpv4(buffer, offset, length);
        if (transport == FrameLayout.NONE || offset + length - transport < QUOTED_LENGTH) {
            return false;
        }
        if (protocol == ICMP || protocol == ICMPV6) {
            readIdentifier(buffer, transport);
        } else if (FrameLayout.hasPorts(protocol)) {
            readPorts(buffer, transport);
        }
        return true;
    }

    private int readQuotedIpv4(UnsafeBuffer buffer, int offset, int length) {
        int headerLength = Ipv4Header.check(buffer, offset, length);
        if (headerLength == EthernetHeader.INVALID
                || Ipv4Header.isLaterFragment(Ipv4Header.fragmentField(buffer, offset))) {
            return FrameLayout.NONE;
        }
        sourceHigh = 0;
        sourceLow = IpAddress.ipv4Low(Ipv4Header.sourceAddress(buffer, offset));
        destinationHigh = 0;
        destinationLow = IpAddress.ipv4Low(Ipv4Header.destinationAddress(buffer, offset));
        protocol = Ipv4Header.protocol(buffer, offset);
        return offset + headerLength;
    }

    private int readQuotedIpv6(UnsafeBuffer buffer, int offset, int length) {
        if (Ipv6Header.check(buffer, offset, length) == EthernetHeader.INVALID) {
            return FrameLayout.NONE;
        }
        sourceHigh = Ipv6Header.sourceHigh(buffer, offset);
        sourceLow = Ipv6Header.sourceLow(buffer, offset);
        destinationHigh = Ipv6Header.destinationHigh(buffer, offset);
        destinationLow = Ipv6Header.destinationLow(buffer, offset);
        extensions.walk(buffer, offset, length);
        protocol = extensions.protocol();
        return extensions.upperLayerOffset();
    }

    private boolean isIcmpError(int type) {
        return protocol == ICMPV6
                ? type >= 1 && type <= 4
                : switch (type) {
                    case 3, 4, 5, 11, 12 -> true;
                    default -> false;
                };
    }

    /** Echo and timestamp: all that a host answers by an identifier. */
    private boolean isIcmpRequest(int type) {
        return protocol == ICMPV6 ? type == ECHO_IPV6 : type == ECHO || type == TIMESTAMP;
    }

    private boolean isIcmpAnswer(int type) {
        return protocol == ICMPV6 ? type == ECHO_IPV6 + 1 : type == 0 || type == TIMESTAMP + 1;
    }

    /** Whether it is an ICMP query that a host answers, with which a flow may begin (kernel: icmp_pkt_to_tuple). */
    public boolean isIcmpRequest() {
        return isIcmpRequest(icmpType);
    }

    public long sourceHigh() {
        return sourceHigh;
    }

    public long sourceLow() {
        return sourceLow;
    }

    public long destinationHigh() {
        return destinationHigh;
    }

    public long destinationLow() {
        return destinationLow;
    }

    public int protocol() {
        return protocol;
    }

    /** 0 where there are none. */
    public int sourcePort() {
        return sourcePort;
    }

    /** 0 where there are none. */
    public int destinationPort() {
        return destinationPort;
    }

    /** {@link TcpHeader}'s flags; 0 for other protocols, and for the packet that an ICMP error is about. */
    public int tcpFlags() {
        return tcpFlags;
    }

    /** Of an ICMP message, an error included; else 0. */
    public int icmpType() {
        return icmpType;
    }

    public int icmpCode() {
        return icmpCode;
    }

    /** Whether the packet is a fragment, the first one included. */
    public boolean isFragment() {
        return fragment;
    }

    /** {@link FrameLayout#fragmentId}. */
    public int fragmentId() {
        return fragmentId;
    }
}
