package org.weft.encap.offload;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static org.weft.encap.offload.HeaderFields.unsignedInt;
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
    /** Payload that the next segment may have; 0 if there can be none. */
    private int room;

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
        room = 0;
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
                || !isWhole()
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
    private boolean isWhole() {
        int packet = length - network;
        boolean whole = ipv4
                ? Ipv4Header.totalLength(buffer, offset + network) == packet
                : Ipv6Header.payloadLength(buffer, offset + network) == packet - Ipv6Header.LENGTH;
        return whole && (tcp || UdpHeader.length(buffer, offset + transport) == length - transport);
    }

    private boolean mayLead() {
        return !tcp || (flags() & (NEVER_MERGED | LAST_ONLY)) == 0;
    }

    /** Of the first frame. */
    private int flags() {
        return unsignedShort(buffer, offset + transport + HeaderFields.TCP_FLAGS);
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
        long sum = networkSum + unsignedInt(buffer, at + HeaderFields.IPV4_TOTAL_LENGTH);
        return InternetChecksum.finish(sum) == unsignedShort(buffer, at + HeaderFields.IPV4_CHECKSUM);
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
        room = Math.min(segmentLength, maxLength - length);
        segments = 1;
        lastFlags = 0;
        congestionWindowReduced = tcp && (flags() & TcpHeader.CWR) != 0;
        if (tcp) {
            nextSequence = buffer.getInt(offset + transport + HeaderFields.TCP_SEQUENCE, BIG_ENDIAN) + segmentLength;
        }
    }

    /**
     * Appends the payload of a frame to what is open, after it has verified its checksums. The frame may lie further behind in
     * the memory that the super-frame grows into, as the segments of one receive do; it is then overwritten.
     *
     * <p>Nothing need be known of the frame: if its headers are those of the first, and its lengths are right, then so is its
     * layout, and whatever else may be concluded from addresses, tags, TOS and protocol.
     *
     * @param length of the frame, without trailing padding
     * @return false if the two do not go together, and nothing has changed: the caller closes what is open, then opens this one
     */
    public boolean append(UnsafeBuffer buffer, int offset, int length) {
        return append(buffer, offset, length, 0);
    }

    /**
     * As {@link #append(UnsafeBuffer, int, int)}, except for TCP segments with certain flags.
     *
     * @param refusedFlags TCP flags as {@link TcpHeader} has them; a segment that has one of them
     *     is not appended
     */
    public boolean append(UnsafeBuffer buffer, int offset, int length, int refusedFlags) {
        int payload = length - headerLength;
        if (payload <= 0 || payload > room) {
            return false;
        }
        if (UnsafeBuffer.SHOULD_BOUNDS_CHECK) {
            buffer.boundsCheck(offset, length);
        }
        byte[] base = buffer.byteArray();
        long at = buffer.addressOffset() + offset;
        int flags = tcp ? HeaderFields.unsignedShort(base, at + transport + HeaderFields.TCP_FLAGS) : 0;
        if (!mask.matches(base, at, this.buffer.byteArray(), this.buffer.addressOffset() + this.offset)
                || !isNextNetwork(base, at + network, length - network)
                || !isNextTransport(base, at + transport, length - transport, flags)
                || (flags & refusedFlags) != 0
                || !isTransportRight(buffer, offset, length)) {
            return false;
        }
        // The header may be overwritten by this: nothing of it is read behind.
        this.buffer.putBytes(this.offset + this.length, buffer, offset + headerLength, payload);
        this.length += payload;
        lastFlags = flags & LAST_ONLY;
        nextSequence += payload;
        segments++;
        boolean full = payload < segmentLength || lastFlags != 0 || !tcp && segments == MAX_DATAGRAMS;
        room = full ? 0 : Math.min(segmentLength, maxLength - this.length);
        return true;
    }

    private boolean isNextNetwork(byte[] base, long at, int packetLength) {
        if (!ipv4) {
            int field = HeaderFields.unsignedShort(base, at + HeaderFields.IPV6_PAYLOAD_LENGTH);
            return field == packetLength - Ipv6Header.LENGTH;
        }
        int lengthAndId = HeaderFields.word(base, at + HeaderFields.IPV4_TOTAL_LENGTH);
        return lengthAndId >>> 16 == packetLength
                && isNextId(lengthAndId & 0xffff)
                && InternetChecksum.finish(networkSum + (lengthAndId & 0xffff_ffffL))
                        == HeaderFields.unsignedShort(base, at + HeaderFields.IPV4_CHECKSUM);
    }

    /** The second segment decides whether ids are fixed. */
    private boolean isNextId(int id) {
        int distance = id - identification & 0xffff;
        if (segments == 1) {
            int fragmentField = unsignedShort(buffer, offset + network + HeaderFields.IPV4_FRAGMENT);
            boolean mayBeFixed = (fragmentField & Ipv4Header.DONT_FRAGMENT) != 0;
            identificationStep = distance == 0 && mayBeFixed ? 0 : 1;
        }
        return distance == segments * identificationStep;
    }

    private boolean isNextTransport(byte[] base, long at, int transportLength, int flags) {
        return tcp
                ? HeaderFields.word(base, at + HeaderFields.TCP_SEQUENCE) == nextSequence
                        && (flags & TcpHeader.CWR) == 0
                : HeaderFields.unsignedShort(base, at + HeaderFields.UDP_LENGTH) == transportLength;
    }

    /** Whether something is open and nothing can follow any more: close it now. */
    public boolean full() {
        return open && room == 0;
    }

    public boolean isOpen() {
        return open;
    }

    /** How many frames became part of what is open, or was open last. */
    public int segments() {
        return segments;
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
        room = 0;
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
            HeaderFields.putShort(buffer, at + HeaderFields.TCP_FLAGS, flags() | lastFlags);
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
}
