package org.weft.dataplane.io.linux;

import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.UnderlaySender;
import org.weft.encap.Ipv4Header;
import org.weft.encap.Ipv6Header;

/**
 * Datagrams of one socket laid out as messages for sendmmsg. Consecutive ones with the same outer headers and the same
 * length, the last of which may be shorter, become one message that the kernel cuts (UDP_SEGMENT).
 */
final class MessageBatch {
    /** UDP_MAX_SEGMENTS of include/linux/udp.h; 128 since Linux 6.10, but a receiver merges no more than 64. */
    static final int MAX_SEGMENTS = 64;

    /**
     * The longest message, with headers, that leaves the host's own stack uncut: a packet as long as the gso_max_size of
     * its interface (64 KB unless it was raised) is cut in software (gso_features_check of net/core/dev.c).
     */
    private static final int MAX_PACKET_LENGTH = 0xffff;

    /** Ethernet with two VLAN tags, and UDP. */
    private static final int OTHER_HEADERS_LENGTH = 14 + 2 * 4 + 8;

    private static final int PIECES = 2;

    private final DatagramQueue queue;
    private final boolean ipv4;
    private final int maxLength;
    private final MessageVector messages;

    /** First datagram of each message, and how many it has. */
    private final int[] firsts;

    private final int[] counts;
    private int size;
    private int iovecs;

    MessageBatch(DatagramQueue queue, int capacity, boolean ipv4) {
        this.queue = queue;
        this.ipv4 = ipv4;
        maxLength = MAX_PACKET_LENGTH - OTHER_HEADERS_LENGTH - (ipv4 ? Ipv4Header.LENGTH : Ipv6Header.LENGTH);
        messages = new MessageVector(capacity, PIECES * capacity);
        firsts = new int[capacity];
        counts = new int[capacity];
    }

    void clear() {
        size = 0;
        iovecs = 0;
    }

    int size() {
        return size;
    }

    /** Memory address of a message and those behind it. */
    long address(int message) {
        return messages.address(message);
    }

    int first(int message) {
        return firsts[message];
    }

    int count(int message) {
        return counts[message];
    }

    /**
     * Lays out one message.
     *
     * @param first the datagram it begins with
     * @param longestSegment the longest datagram that may share a message; 0 for none
     * @return the first datagram of the socket that is not in it, or {@link DatagramQueue#NONE}
     */
    int append(int first, int longestSegment) {
        int message = size++;
        int firstIovec = iovecs;
        int segment = queue.length(first);
        int count = 1;
        addPieces(first);
        int index = queue.next(first);
        if (segment > 0 && segment <= longestSegment) {
            int total = segment;
            int last = segment;
            while (last == segment && count < MAX_SEGMENTS && fits(first, index, total)) {
                last = queue.length(index);
                total += last;
                count++;
                addPieces(index);
                index = queue.next(index);
            }
        }
        firsts[message] = first;
        counts[message] = count;
        messages.pieces(message, firstIovec, iovecs - firstIovec);
        describe(message, first);
        if (count > 1) {
            messages.addShortControl(message, SocketOptions.IPPROTO_UDP, SocketOptions.UDP_SEGMENT, segment);
        }
        return index;
    }

    /** Whether a datagram may follow in the message that begins with the first. */
    private boolean fits(int first, int index, int total) {
        if (index == DatagramQueue.NONE) {
            return false;
        }
        int length = queue.length(index);
        return length > 0
                && length <= queue.length(first)
                && total + length <= maxLength
                && queue.haveSameHeaders(first, index);
    }

    private void addPieces(int index) {
        long header = queue.header(index);
        int headerLength = queue.headerLength(index);
        int length = queue.length(index);
        if (length == headerLength || header + headerLength == queue.payload(index)) {
            messages.piece(iovecs++, header, length);
        } else {
            messages.piece(iovecs++, header, headerLength);
            messages.piece(iovecs++, queue.payload(index), length - headerLength);
        }
    }

    private void describe(int message, int index) {
        UnsafeBuffer buffer = messages.buffer();
        int name = messages.name(message);
        messages.clearControl(message);
        if (ipv4) {
            messages.nameLength(
                    message, SocketAddress.putIpv4(buffer, name, queue.remoteLow(index), queue.port(index)));
            control(message, index, SocketOptions.IPPROTO_IP, SocketOptions.IP_TOS, SocketOptions.IP_TTL);
        } else {
            int length = SocketAddress.putIpv6(
                    buffer, name, queue.remoteHigh(index), queue.remoteLow(index), queue.port(index));
            messages.nameLength(message, length);
            control(message, index, SocketOptions.IPPROTO_IPV6, SocketOptions.IPV6_TCLASS, SocketOptions.IPV6_HOPLIMIT);
        }
    }

    private void control(int message, int index, int level, int tosType, int ttlType) {
        if (queue.tos(index) != 0) {
            messages.addControl(message, level, tosType, queue.tos(index));
        }
        if (queue.ttl(index) != UnderlaySender.DEFAULT_TTL) {
            messages.addControl(message, level, ttlType, queue.ttl(index));
        }
    }
}
