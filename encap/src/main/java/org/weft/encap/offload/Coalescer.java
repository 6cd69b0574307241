package org.weft.encap.offload;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static org.weft.encap.offload.HeaderFields.unsignedShort;

import org.agrona.concurrent.UnsafeBuffer;
import org.weft.encap.FrameLayout;
import org.weft.encap.InternetChecksum;
import org.weft.encap.Ipv4Header;
import org.weft.encap.Ipv6Header;
import org.weft.encap.TcpHeader;
import org.weft.encap.UdpHeader;
import org.weft.encap.VirtioNetHeader;

/**
 * Merges consecutive segments of a TCP connection, or datagrams of a UDP flow, into one super-frame: {@link #open} takes the
 * first, {@link #append} copies the payload of those that follow behind it, {@link #close} writes its lengths and checksums.
 * What is not merged stays as it is; the caller closes what is open and passes it on before the other, so order holds.
 *
 * <p>The rules are the kernel's, and stricter where the kernel would lose a byte of a header:
 *
 * <ul>
 *   <li>The packet fills the frame; it is no fragment; IPv4 has no options; IPv6 extension headers are hop-by-hop, routing or
 *       destination options. Its checksums are right, and UDP has one.
 *   <li>All headers are equal, VLAN tags, TOS, TTL, flow label and options included, but for lengths, IPv4 id, checksums, the TCP
 *       sequence number, and the flags said below.
 *   <li>IPv4 ids count up by one; or, if DF is set, all are equal (inet_gro_flush). The latter will count up when the super-frame
 *       is cut again: virtio has no type for it, and an id beside DF means nothing (RFC 6864).
 *   <li>TCP: there is payload, no more than the first segment has, at the next sequence number. URG, RST and SYN are never merged.
 *       PSH or FIN may be on the last: it ends the super-frame. CWR may be on the first only.
 *   <li>UDP: there is payload, no more than the first datagram has, and the length field agrees. At most 64 datagrams.
 *   <li>A segment shorter than the first ends the super-frame.
 * </ul>
 */
public final class Coalescer {
    private static final int MAX_PACKET_LENGTH = 0xffff;
    /** Kernel: UDP_GRO_CNT_MAX. */
    private static final int MAX_DATAGRAMS = 64;

    private static final int NEVER_MERGED = TcpHeader.URG | TcpHeader.RST | TcpHeader.SYN;
    private static final int LAST_ONLY = TcpHeader.PSH | TcpHeader.FIN;
    private final HeaderMask mask = new HeaderMask();

    private UnsafeBuffer buffer;
    private int offset;
    private int network;
    private int transport;
    private int headerLength;
    private boolean ipv4;
    private boolean tcp;

    private boolean open;
    private boolean full;
    private int segments;
    private int segmentLength;
    private int length;
    private int maxLength;
    private int nextSequence;
    private int identification;
    private int identificationStep;
    private int lastFlags;
    /** Of the IPv4 header but for total length, id and checksum. */
    private long networkSum;
    /** Of the pseudo-header but for the length. */
    private long pseudoSum;

    private boolean congestionWindowReduced;

    /**
     * Takes a frame as the first of a super-frame, and verifies its checksums; it is not changed before something is appended.
     * Whatever was open must have been closed.
     *
     * @param length of the frame, without trailing padding
     * @param capacity bytes from {@code offset} on that the super-frame may fill
     * @param layout of this frame
     * @return false if no segment may follow it: it goes alone, and nothing is open
     */
    public boolean open(UnsafeBuffer buffer, int offset, int length, int capacity, FrameLayout layout) {
        open = false;
        segments = 0;
        if (!isMergeable(buffer, layout)) {
            return false;
        }
        this.buffer = buffer;
        this.offset = offset;
        this.length = length;
        ipv4 = layout.isIpv4();
        tcp = layout.protocol() == TcpHeader.PROTOCOL;
        network = layout.networkOffset() - offset;
        transport = layout.transportOffset() - offset;
        headerLength = transport + (tcp ? TcpHeader.headerLength(buffer, layout.transportOffset()) : UdpHeader.LENGTH);
        segmentLength = length - headerLength;
        maxLength = Math.min(network + MAX_PACKET_LENGTH, Math.min(capacity, buffer.capacity() - offset));
        if (segmentLength <= 0
                || headerLength > HeaderMask.MAX_LENGTH
                || !isWhole(buffer, offset, length)
                || !mayLead()
                || !isNetworkRight()) {
            return false;
        }
        pseudoSum = pseudoHeader();
        if (!isTransportRight(buffer, offset, length)) {
            return false;
        }
        begin();
        return true;
    }

    private static boolean isMergeable(UnsafeBuffer buffer, FrameLayout layout) {
        if (layout.transportOffset() == FrameLayout.NONE || layout.isFragment()) {
            return false;
        }
        boolean transportKnown = layout.protocol() == TcpHeader.PROTOCOL || layout.protocol() == UdpHeader.PROTOCOL;
        boolean networkKnown = layout.isIpv4()
                ? layout.transportOffset() == layout.networkOffset() + Ipv4Header.LENGTH
                : layout.isIpv6() && Ipv6Chain.repeatable(buffer, layout);
        return transportKnown && networkKnown;
    }

    /** Whether every length field says that the packet ends where the frame ends. */
    private boolean isWhole(UnsafeBuffer other, int at, int frameLength) {
        int packet = frameLength - network;
        boolean whole = ipv4
                ? Ipv4Header.totalLength(other, at + network) == packet
                : Ipv6Header.payloadLength(other, at + network) == packet - Ipv6Header.LENGTH;
        return whole && (tcp || UdpHeader.length(other, at + transport) == frameLength - transport);
    }

    private boolean mayLead() {
        return !tcp || (flags(buffer, offset) & (NEVER_MERGED | LAST_ONLY)) == 0;
    }

    private int flags(UnsafeBuffer other, int at) {
        return unsignedShort(other, at + transport + HeaderFields.TCP_FLAGS);
    }

    /** Of the first frame: all of the IPv4 header, and what the others have in common for them. */
    private boolean isNetworkRight() {
        if (!ipv4) {
            return true;
        }
        int at = offset + network;
        identification = unsignedShort(buffer, at + HeaderFields.IPV4_ID);
        networkSum = InternetChecksum.sum(buffer, at + HeaderFields.IPV4_FRAGMENT, 4, unsignedShort(buffer, at));
        networkSum = InternetChecksum.sum(buffer, at + HeaderFields.IPV4_ADDRESSES, 8, networkSum);
        return hasRightIpv4Checksum(buffer, at);
    }

    /** Of a header that is that of the first but for total length, id and checksum. */
    private boolean hasRightIpv4Checksum(UnsafeBuffer other, int at) {
        long sum = networkSum
                + unsignedShort(other, at + HeaderFields.IPV4_TOTAL_LENGTH)
                + unsignedShort(other, at + HeaderFields.IPV4_ID);
        return InternetChecksum.finish(sum) == unsignedShort(other, at + HeaderFields.IPV4_CHECKSUM);
    }

    private boolean isTransportRight(UnsafeBuffer other, int at, int frameLength) {
        int start = at + transport;
        int there = frameLength - transport;
        return (tcp || unsignedShort(other, start + UdpHeader.CHECKSUM_OFFSET) != 0)
                && InternetChecksum.finish(InternetChecksum.sum(other, start, there, pseudoSum + there)) == 0;
    }

    /** Without the length. */
    private long pseudoHeader() {
        int protocol = tcp ? TcpHeader.PROTOCOL : UdpHeader.PROTOCOL;
        return ipv4
                ? InternetChecksum.pseudoHeaderIpv4(buffer, offset + network, protocol, 0)
                : InternetChecksum.pseudoHeaderIpv6(buffer, offset + network, protocol, 0);
    }

    private void begin() {
        mask.shape(network, transport, headerLength, ipv4, tcp);
        open = true;
        full = false;
        segments = 1;
        lastFlags = 0;
        congestionWindowReduced = tcp && (flags(buffer, offset) & TcpHeader.CWR) != 0;
        if (tcp) {
            nextSequence = sequence(buffer, offset) + segmentLength;
        }
    }

    private int sequence(UnsafeBuffer other, int at) {
        return other.getInt(at + transport + HeaderFields.TCP_SEQUENCE, BIG_ENDIAN);
    }

    /**
     * Appends the payload of a frame to what is open, after it has verified its checksums. The frame may lie further behind in
     * the memory that the super-frame grows into, as the segments of one receive do; it is then overwritten.
     *
     * @param length of the frame, without trailing padding
     * @param layout of this frame
     * @return false if the two do not go together, and nothing has changed: the caller closes what is open, then opens this one
     */
    public boolean append(UnsafeBuffer buffer, int offset, int length, FrameLayout layout) {
        int payload = length - headerLength;
        if (!open
                || full
                || payload <= 0
                || payload > segmentLength
                || this.length + payload > maxLength
                || layout.transportOffset() - offset != transport
                || !mask.matches(buffer, offset, this.buffer, this.offset)
                || !isNext(buffer, offset)
                || !isWhole(buffer, offset, length)
                || !isTransportRight(buffer, offset, length)) {
            return false;
        }
        // Before the copy: where the frame lies close behind, its header is overwritten.
        lastFlags = tcp ? flags(buffer, offset) & LAST_ONLY : 0;
        this.buffer.putBytes(this.offset + this.length, buffer, offset + headerLength, payload);
        this.length += payload;
        nextSequence += payload;
        segments++;
        full = payload < segmentLength || lastFlags != 0 || !tcp && segments == MAX_DATAGRAMS;
        return true;
    }

    /** The fields that say which one of a row it is. */
    private boolean isNext(UnsafeBuffer other, int at) {
        if (tcp && (sequence(other, at) != nextSequence || (flags(other, at) & TcpHeader.CWR) != 0)) {
            return false;
        }
        return !ipv4 || hasNextId(other, at + network) && hasRightIpv4Checksum(other, at + network);
    }

    /** The second segment decides whether ids are fixed. */
    private boolean hasNextId(UnsafeBuffer other, int at) {
        int distance = unsignedShort(other, at + HeaderFields.IPV4_ID) - identification & 0xffff;
        if (segments == 1) {
            boolean mayBeFixed =
                    (unsignedShort(other, at + HeaderFields.IPV4_FRAGMENT) & Ipv4Header.DONT_FRAGMENT) != 0;
            identificationStep = distance == 0 && mayBeFixed ? 0 : 1;
        }
        return distance == segments * identificationStep;
    }

    /** Whether something is open and nothing can follow any more: close it now. */
    public boolean full() {
        return full;
    }

    public boolean isOpen() {
        return open;
    }

    /**
     * Ends the super-frame, and makes its headers those of one: lengths, IPv4 checksum, PSH and FIN, and in the transport checksum
     * the sum of the pseudo-header, as {@link VirtioNetHeader#FLAG_NEEDS_CHECKSUM} says. What was taken alone is not changed; its
     * checksums are right. What the accessors say holds until the next {@link #open}.
     *
     * @return the number of segments; 0 if nothing was open
     */
    public int close() {
        if (!open) {
            return 0;
        }
        open = false;
        full = false;
        if (segments > 1) {
            writeNetwork(offset + network, length - network);
            writeTransport(offset + transport, length - transport);
        }
        return segments;
    }

    private void writeNetwork(int at, int packetLength) {
        if (ipv4) {
            HeaderFields.putShort(buffer, at + HeaderFields.IPV4_TOTAL_LENGTH, packetLength);
            int checksum = InternetChecksum.finish(networkSum + packetLength + identification);
            HeaderFields.putShort(buffer, at + HeaderFields.IPV4_CHECKSUM, checksum);
        } else {
            HeaderFields.putShort(buffer, at + HeaderFields.IPV6_PAYLOAD_LENGTH, packetLength - Ipv6Header.LENGTH);
        }
    }

    private void writeTransport(int at, int transportLength) {
        if (tcp) {
            HeaderFields.putShort(buffer, at + HeaderFields.TCP_FLAGS, flags(buffer, offset) | lastFlags);
        } else {
            HeaderFields.putShort(buffer, at + HeaderFields.UDP_LENGTH, transportLength);
        }
        int partial = InternetChecksum.fold(pseudoSum + transportLength);
        HeaderFields.putShort(buffer, at + checksumOffset(), partial);
    }

    /** Of the frame, from its Ethernet header on. */
    public int length() {
        return length;
    }

    /** For the virtio header; {@link VirtioNetHeader#GSO_NONE} if there is one segment. */
    public int gsoType() {
        if (segments <= 1) {
            return VirtioNetHeader.GSO_NONE;
        }
        if (!tcp) {
            return VirtioNetHeader.GSO_UDP_L4;
        }
        int type = ipv4 ? VirtioNetHeader.GSO_TCPV4 : VirtioNetHeader.GSO_TCPV6;
        return congestionWindowReduced ? type | VirtioNetHeader.GSO_ECN : type;
    }

    /** Payload bytes of each segment but the last; 0 if there is one segment. */
    public int gsoSize() {
        return segments <= 1 ? 0 : segmentLength;
    }

    /** From the Ethernet header to the end of the transport header. */
    public int headerLength() {
        return headerLength;
    }

    /** Where summing starts, counted from the frame's first byte. */
    public int checksumStart() {
        return transport;
    }

    /** Where the checksum is, counted from {@link #checksumStart()}. */
    public int checksumOffset() {
        return tcp ? TcpHeader.CHECKSUM_OFFSET : UdpHeader.CHECKSUM_OFFSET;
    }

    /**
     * Whether a frame holds a whole TCP segment or UDP datagram whose checksum is there and right: for
     * {@link VirtioNetHeader#FLAG_DATA_VALID} on a frame that {@link #open} did not take.
     *
     * @param layout of this frame
     */
    public static boolean checksumOk(UnsafeBuffer buffer, FrameLayout layout) {
        int start = layout.transportOffset();
        int there = layout.transportLength();
        int protocol = layout.protocol();
        boolean udp = protocol == UdpHeader.PROTOCOL;
        if (start == FrameLayout.NONE || layout.isFragment() || !udp && protocol != TcpHeader.PROTOCOL) {
            return false;
        }
        if (udp
                && (unsignedShort(buffer, start + UdpHeader.CHECKSUM_OFFSET) == 0
                        || UdpHeader.length(buffer, start) != there)) {
            return false;
        }
        long pseudo = layout.isIpv4()
                ? InternetChecksum.pseudoHeaderIpv4(buffer, layout.networkOffset(), protocol, there)
                : InternetChecksum.pseudoHeaderIpv6(buffer, layout.networkOffset(), protocol, there);
        return InternetChecksum.finish(InternetChecksum.sum(buffer, start, there, pseudo)) == 0;
    }
}
