package org.weft.encap;

import static org.weft.encap.EthernetHeader.ETHERTYPE_IPV4;
import static org.weft.encap.EthernetHeader.ETHERTYPE_IPV6;

import org.agrona.concurrent.UnsafeBuffer;

/**
 * Where the headers of an Ethernet frame are, and the few IP fields a tunnel endpoint acts on. Mutable, one per agent; what
 * it says holds until the next {@link #parse}, and nothing is read from the buffer afterwards.
 */
public final class FrameLayout {
    /** There is no such header. */
    public static final int NONE = -1;

    private static final int SCTP = 132;
    private static final int DCCP = 33;
    private static final int UDP_LITE = 136;

    private final Ipv6ExtensionHeaders extensions = new Ipv6ExtensionHeaders();

    private int offset;
    private int etherType;
    private int networkOffset;
    private boolean networkComplete;
    private int transportOffset;
    private int transportLength;
    private int protocol;
    private boolean fragment;
    private boolean laterFragment;
    private int fragmentId;
    private int tos;
    private int ttl;
    private boolean dontFragment;
    private long sourceHigh;
    private long sourceLow;
    private long destinationHigh;
    private long destinationLow;

    /**
     * Looks at a frame; never past its length.
     *
     * @return false if it is too short for an Ethernet header: then all else says "none"
     */
    public boolean parse(UnsafeBuffer buffer, int offset, int length) {
        reset(offset);
        int headerLength = EthernetHeader.check(buffer, offset, length);
        if (headerLength == EthernetHeader.INVALID) {
            return false;
        }
        etherType = EthernetHeader.payloadEtherType(buffer, offset, headerLength);
        networkOffset = offset + headerLength;
        int rest = length - headerLength;
        if (etherType == ETHERTYPE_IPV4) {
            networkComplete = rest >= Ipv4Header.LENGTH;
            if (networkComplete) {
                parseIpv4(buffer, rest);
            }
        } else if (etherType == ETHERTYPE_IPV6) {
            networkComplete = rest >= Ipv6Header.LENGTH;
            if (networkComplete) {
                parseIpv6(buffer, rest);
            }
        } else {
            networkComplete = true;
        }
        return true;
    }

    private void reset(int offset) {
        this.offset = offset;
        etherType = NONE;
        networkOffset = NONE;
        networkComplete = false;
        transportOffset = NONE;
        transportLength = 0;
        protocol = NONE;
        fragment = false;
        laterFragment = false;
        fragmentId = 0;
        tos = 0;
        ttl = 0;
        dontFragment = false;
        sourceHigh = 0;
        sourceLow = 0;
        destinationHigh = 0;
        destinationLow = 0;
    }

    private void parseIpv4(UnsafeBuffer buffer, int rest) {
        tos = Ipv4Header.tos(buffer, networkOffset);
        ttl = Ipv4Header.ttl(buffer, networkOffset);
        protocol = Ipv4Header.protocol(buffer, networkOffset);
        sourceLow = IpAddress.ipv4Low(Ipv4Header.sourceAddress(buffer, networkOffset));
        destinationLow = IpAddress.ipv4Low(Ipv4Header.destinationAddress(buffer, networkOffset));
        int fragmentField = Ipv4Header.fragmentField(buffer, networkOffset);
        dontFragment = (fragmentField & Ipv4Header.DONT_FRAGMENT) != 0;
        fragment = Ipv4Header.isFragment(fragmentField);
        if (fragment) {
            laterFragment = Ipv4Header.isLaterFragment(fragmentField);
            fragmentId = Ipv4Header.identification(buffer, networkOffset);
        }
        int headerLength = Ipv4Header.check(buffer, networkOffset, rest);
        if (headerLength != EthernetHeader.INVALID && !laterFragment) {
            int total = Ipv4Header.totalLength(buffer, networkOffset);
            locateTransport(buffer, networkOffset + headerLength, networkOffset + claimed(total, rest));
        }
    }

    private void parseIpv6(UnsafeBuffer buffer, int rest) {
        tos = Ipv6Header.trafficClass(buffer, networkOffset);
        ttl = Ipv6Header.hopLimit(buffer, networkOffset);
        protocol = Ipv6Header.nextHeader(buffer, networkOffset);
        sourceHigh = Ipv6Header.sourceHigh(buffer, networkOffset);
        sourceLow = Ipv6Header.sourceLow(buffer, networkOffset);
        destinationHigh = Ipv6Header.destinationHigh(buffer, networkOffset);
        destinationLow = Ipv6Header.destinationLow(buffer, networkOffset);
        if (Ipv6Header.check(buffer, networkOffset, rest) == EthernetHeader.INVALID) {
            return;
        }
        int payload = Ipv6Header.payloadLength(buffer, networkOffset);
        int packet = Ipv6Header.LENGTH + claimed(payload, rest - Ipv6Header.LENGTH);
        extensions.walk(buffer, networkOffset, packet);
        protocol = extensions.protocol();
        fragment = extensions.isFragment();
        laterFragment = extensions.isLaterFragment();
        fragmentId = extensions.fragmentId();
        if (extensions.upperLayerOffset() != Ipv6ExtensionHeaders.NONE) {
            locateTransport(buffer, extensions.upperLayerOffset(), networkOffset + packet);
        }
    }

    /** What a length field claims, but not more than is there; 0 is a packet of more than 64 KB (kernel: BIG TCP). */
    private static int claimed(int length, int there) {
        return length == 0 ? there : Math.min(length, there);
    }

    private void locateTransport(UnsafeBuffer buffer, int position, int end) {
        int there = end - position;
        boolean whole =
                switch (protocol) {
                    case TcpHeader.PROTOCOL -> TcpHeader.check(buffer, position, there) != EthernetHeader.INVALID;
                    case UdpHeader.PROTOCOL, UDP_LITE -> there >= UdpHeader.LENGTH;
                    case SCTP, DCCP -> there >= 12;
                    default -> there >= 0;
                };
        transportOffset = whole ? position : NONE;
        transportLength = whole ? there : 0;
    }

    /** Whether the transport header is there and begins with two ports. */
    public boolean hasPorts() {
        return transportOffset != NONE && hasPorts(protocol);
    }

    static boolean hasPorts(int protocol) {
        return switch (protocol) {
            case TcpHeader.PROTOCOL, UdpHeader.PROTOCOL, UDP_LITE, SCTP, DCCP -> true;
            default -> false;
        };
    }

    /** Where in the buffer the frame begins. */
    public int offset() {
        return offset;
    }

    /** What the payload is, behind up to {@link EthernetHeader#MAX_TAGS} VLAN tags; {@link #NONE} if the frame is too short. */
    public int etherType() {
        return etherType;
    }

    /**
     * Whether a VLAN tag follows those that were looked behind, or one is cut off: the payload may still be IP, because the
     * kernel takes any number of tags with VLAN id 0 off a received frame (__netif_receive_skb_core).
     */
    public boolean endsInTag() {
        return etherType != NONE && EthernetHeader.isTag(etherType);
    }

    /** Where in the buffer the payload begins, possibly at the end of the frame; {@link #NONE} if the frame is too short. */
    public int networkOffset() {
        return networkOffset;
    }

    /** An IPv4 packet whose fixed header is there; its version and IHL need not be right. */
    public boolean isIpv4() {
        return networkComplete && etherType == ETHERTYPE_IPV4;
    }

    /** An IPv6 packet whose fixed header is there; its version need not be right. */
    public boolean isIpv6() {
        return networkComplete && etherType == ETHERTYPE_IPV6;
    }

    /**
     * Whether as much is there as the EtherType promises: 20 bytes for IPv4, 40 for IPv6, nothing for others (kernel:
     * pskb_inet_may_pull, which for a tagged frame asks for nothing either; here the tags are skipped first).
     */
    public boolean networkComplete() {
        return networkComplete;
    }

    /**
     * Where in the buffer the transport header begins; {@link #NONE} for a later fragment, a malformed IP header, or a
     * transport header that is not all there. Of protocols other than TCP, UDP, UDP-Lite, SCTP and DCCP the header
     * itself is not looked at.
     */
    public int transportOffset() {
        return transportOffset;
    }

    /** Bytes of transport header and payload, as the IP header says but not more than are there; 0 without a header. */
    public int transportLength() {
        return transportLength;
    }

    /** Upper-layer protocol of an IP packet, behind IPv6 extension headers; {@link #NONE} for others. */
    public int protocol() {
        return protocol;
    }

    /** Whether the IP packet is a fragment, the first one included. */
    public boolean isFragment() {
        return fragment;
    }

    /** Whether it is any fragment but the first: it has no transport header. */
    public boolean isLaterFragment() {
        return laterFragment;
    }

    /** What the fragments of one packet have in common, 16 bits in IPv4 and 32 in IPv6; 0 for what is no fragment. */
    public int fragmentId() {
        return fragmentId;
    }

    /** TOS or traffic class; 0 if not IP. */
    public int tos() {
        return tos;
    }

    /** TTL or hop limit; 0 if not IP. */
    public int ttl() {
        return ttl;
    }

    /** The DF flag of IPv4; false for all others. */
    public boolean dontFragment() {
        return dontFragment;
    }

    /** High half of the source address as {@link IpAddress} has it: 0 for IPv4, and for what is not IP. */
    public long sourceHigh() {
        return sourceHigh;
    }

    /** Low half of the source address as {@link IpAddress} has it; 0 for what is not IP. */
    public long sourceLow() {
        return sourceLow;
    }

    public long destinationHigh() {
        return destinationHigh;
    }

    public long destinationLow() {
        return destinationLow;
    }
}
