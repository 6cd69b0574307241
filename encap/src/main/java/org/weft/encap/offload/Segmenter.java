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
 * Cuts a super-frame into segments: the header of each is written where the caller wants it, the payload stays where it is.
 * {@link #begin} computes what all segments share; {@link #writeHeaders} then may be called for the segments in any order,
 * as long as the super-frame is not changed.
 *
 * <p>As the kernel does it (tcp_gso_segment, __udp_gso_segment, inet_gso_segment, ipv6_gso_segment): the IPv4 id counts up,
 * PSH and FIN are on the last segment only, CWR on the first only, with or without {@link VirtioNetHeader#GSO_ECN}. VLAN tags,
 * IP and TCP options and IPv6 extension headers are repeated. Checksums are complete.
 */
public final class Segmenter {
    /** A longer header is refused; the longest without IPv6 extension headers has 162 bytes. */
    public static final int MAX_HEADER_LENGTH = 256;

    private static final int ONLY_LAST = TcpHeader.PSH | TcpHeader.FIN;

    private UnsafeBuffer buffer;
    private int offset;
    private boolean ipv4;
    private boolean tcp;
    /** From the start of the frame. */
    private int network;
    /** From the start of the frame. */
    private int transport;

    private int headerLength;
    private int payloadLength;
    private int gsoSize;
    private int segments;

    private int identification;
    private int sequence;
    private int offsetAndFlags;
    /** Of the IPv4 header but for total length, id and checksum. */
    private long networkSum;
    /** Of pseudo-header and transport header but for lengths, sequence number, flags and checksum. */
    private long transportSum;

    /**
     * Takes a super-frame as read from a TAP. Its virtio header is not trusted: headers are where they are found to be.
     *
     * @param length of the frame from its Ethernet header on
     * @param layout of this frame
     * @param gsoType of the virtio header, with or without {@link VirtioNetHeader#GSO_ECN}
     * @param gsoSize payload bytes of each segment but the last
     * @return false if the frame is not what the type says, in whole and with some payload: then there are no segments
     */
    public boolean begin(UnsafeBuffer buffer, int offset, int length, FrameLayout layout, int gsoType, int gsoSize) {
        segments = 0;
        if (gsoSize <= 0 || !isOfType(gsoType & ~VirtioNetHeader.GSO_ECN, layout)) {
            return false;
        }
        this.buffer = buffer;
        this.offset = offset;
        this.gsoSize = gsoSize;
        network = layout.networkOffset() - offset;
        transport = layout.transportOffset() - offset;
        int transportHeader = tcp ? TcpHeader.headerLength(buffer, layout.transportOffset()) : UdpHeader.LENGTH;
        headerLength = transport + transportHeader;
        payloadLength = length - headerLength;
        if (payloadLength <= 0 || headerLength > MAX_HEADER_LENGTH || !lengthsAgree(length, layout)) {
            return false;
        }
        readNetwork();
        readTransport(layout);
        segments = (payloadLength + gsoSize - 1) / gsoSize;
        return true;
    }

    private boolean isOfType(int type, FrameLayout layout) {
        tcp = type != VirtioNetHeader.GSO_UDP_L4;
        ipv4 = layout.isIpv4();
        boolean known =
                switch (type) {
                    case VirtioNetHeader.GSO_TCPV4 -> ipv4;
                    case VirtioNetHeader.GSO_TCPV6 -> layout.isIpv6();
                    case VirtioNetHeader.GSO_UDP_L4 -> ipv4 || layout.isIpv6();
                    default -> false;
                };
        return known
                && !layout.isFragment()
                && layout.protocol() == (tcp ? TcpHeader.PROTOCOL : UdpHeader.PROTOCOL)
                && layout.transportOffset() != FrameLayout.NONE;
    }

    private boolean lengthsAgree(int length, FrameLayout layout) {
        int packet = length - network;
        int at = offset + network;
        if (!tcp && UdpHeader.length(buffer, offset + transport) != length - transport) {
            return false;
        }
        return ipv4
                ? Ipv4Header.totalLength(buffer, at) == packet
                : Ipv6Header.payloadLength(buffer, at) == packet - Ipv6Header.LENGTH
                        && Ipv6Chain.repeatable(buffer, layout);
    }

    private void readNetwork() {
        if (ipv4) {
            int at = offset + network;
            identification = unsignedShort(buffer, at + HeaderFields.IPV4_ID);
            int rest = at + HeaderFields.IPV4_ADDRESSES;
            long fixed = unsignedShort(buffer, at)
                    + unsignedShort(buffer, at + HeaderFields.IPV4_FRAGMENT)
                    + unsignedShort(buffer, at + HeaderFields.IPV4_TTL);
            networkSum = InternetChecksum.sum(buffer, rest, offset + transport - rest, fixed);
        }
    }

    private void readTransport(FrameLayout layout) {
        int at = offset + transport;
        transportSum = pseudoHeader(layout) + unsignedInt(buffer, at);
        if (tcp) {
            sequence = buffer.getInt(at + HeaderFields.TCP_SEQUENCE, BIG_ENDIAN);
            offsetAndFlags = unsignedShort(buffer, at + HeaderFields.TCP_FLAGS);
            transportSum += unsignedInt(buffer, at + HeaderFields.TCP_ACKNOWLEDGMENT)
                    + unsignedShort(buffer, at + HeaderFields.TCP_WINDOW)
                    + unsignedShort(buffer, at + HeaderFields.TCP_URGENT);
            int options = at + TcpHeader.LENGTH;
            transportSum = InternetChecksum.sum(buffer, options, offset + headerLength - options, transportSum);
        }
    }

    /** Without the length. */
    private long pseudoHeader(FrameLayout layout) {
        int protocol = layout.protocol();
        if (ipv4) {
            return InternetChecksum.pseudoHeaderIpv4(buffer, layout.networkOffset(), protocol, 0);
        }
        if (Ipv6Chain.reroutes(buffer, layout)) {
            // Only the sender knows the final destination; its sum is in the field, with the length of the whole.
            int field = unsignedShort(buffer, offset + transport + checksumOffset());
            return field + (~(headerLength - transport + payloadLength) & 0xffff);
        }
        return InternetChecksum.pseudoHeaderIpv6(buffer, layout.networkOffset(), protocol, 0);
    }

    private int checksumOffset() {
        return tcp ? TcpHeader.CHECKSUM_OFFSET : UdpHeader.CHECKSUM_OFFSET;
    }

    /** How many there are, at least 1; 0 if {@link #begin} refused the frame. */
    public int segments() {
        return segments;
    }

    /** From the Ethernet header to the end of the transport header, the same for every segment. */
    public int headerLength() {
        return headerLength;
    }

    /** Where in the super-frame's buffer the payload of a segment, counted from 0, begins. */
    public int payloadOffset(int segment) {
        return offset + headerLength + segment * gsoSize;
    }

    /** Payload bytes of consecutive segments. */
    public int payloadLength(int first, int count) {
        return Math.min(count * gsoSize, payloadLength - first * gsoSize);
    }

    /**
     * Writes the headers of consecutive segments, complete with all checksums: {@link #headerLength} bytes each.
     *
     * @param first from 0 on; that {@code first + count} is no more than {@link #segments} is not checked
     * @param prefix how many bytes in front of the super-frame go in front of each header
     * @param arena somewhere else than in the super-frame
     * @param arenaOffset of the first prefix and header
     * @param stride from one to the next
     */
    public void writeHeaders(int first, int count, int prefix, UnsafeBuffer arena, int arenaOffset, int stride) {
        int length = prefix + headerLength;
        if (UnsafeBuffer.SHOULD_BOUNDS_CHECK) {
            buffer.boundsCheck(offset - prefix, length);
            arena.boundsCheck(arenaOffset, (count - 1) * stride + length);
        }
        byte[] source = buffer.byteArray();
        long from = buffer.addressOffset() + offset - prefix;
        byte[] target = arena.byteArray();
        long to = arena.addressOffset() + arenaOffset;
        for (int segment = first; segment < first + count; segment++) {
            HeaderFields.copy(source, from, target, to, length);
            complete(segment, target, to + prefix);
            to += stride;
        }
    }

    /** Turns a copy of the super-frame's header into that of a segment. */
    private void complete(int segment, byte[] base, long header) {
        int position = segment * gsoSize;
        int payload = Math.min(gsoSize, payloadLength - position);
        int packet = headerLength - network + payload;
        if (ipv4) {
            completeIpv4(base, header + network, packet, identification + segment & 0xffff);
        } else {
            HeaderFields.putShort(
                    base, header + network + HeaderFields.IPV6_PAYLOAD_LENGTH, packet - Ipv6Header.LENGTH);
        }
        int length = headerLength - transport + payload;
        long sum = InternetChecksum.sum(buffer, offset + headerLength + position, payload, transportSum + length);
        if (tcp) {
            completeTcp(base, header + transport, position, sum);
        } else {
            completeUdp(base, header + transport, length, sum);
        }
    }

    private void completeIpv4(byte[] base, long at, int totalLength, int id) {
        HeaderFields.putShort(base, at + HeaderFields.IPV4_TOTAL_LENGTH, totalLength);
        HeaderFields.putShort(base, at + HeaderFields.IPV4_ID, id);
        int checksum = InternetChecksum.finish(networkSum + totalLength + id);
        HeaderFields.putShort(base, at + HeaderFields.IPV4_CHECKSUM, checksum);
    }

    private void completeTcp(byte[] base, long at, int position, long sum) {
        int number = sequence + position;
        int flags = offsetAndFlags;
        if (position != 0) {
            flags &= ~TcpHeader.CWR;
        }
        if (position + gsoSize < payloadLength) {
            flags &= ~ONLY_LAST;
        }
        HeaderFields.putInt(base, at + HeaderFields.TCP_SEQUENCE, number);
        HeaderFields.putShort(base, at + HeaderFields.TCP_FLAGS, flags);
        int checksum = InternetChecksum.finish(sum + (number & 0xffff_ffffL) + flags);
        HeaderFields.putShort(base, at + TcpHeader.CHECKSUM_OFFSET, checksum);
    }

    private static void completeUdp(byte[] base, long at, int length, long sum) {
        HeaderFields.putShort(base, at + HeaderFields.UDP_LENGTH, length);
        int checksum = InternetChecksum.finishNonZero(sum + length);
        HeaderFields.putShort(base, at + UdpHeader.CHECKSUM_OFFSET, checksum);
    }
}
