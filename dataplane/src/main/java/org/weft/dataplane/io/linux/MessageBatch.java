package org.weft.dataplane.io.linux;

import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.UnderlaySender;
import org.weft.dataplane.io.linux.DatagramQueue.Run;
import org.weft.encap.Ipv4Header;
import org.weft.encap.Ipv6Header;

/**
 * Datagrams of one socket laid out as messages for sendmmsg. Consecutive ones with the same outer headers and the same
 * length, the last of which may be shorter, become one message that the kernel cuts (UDP_SEGMENT).
 */
final class MessageBatch implements AutoCloseable {
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

    private final boolean ipv4;
    private final int maxLength;
    private final MessageVector messages;

    /** The run in which each message begins, how many of its datagrams are in messages before, and how many it has. */
    private final Run[] runs;

    private final int[] starts;
    private final int[] counts;
    private int size;
    private int iovecs;

    /** The last message: its first iovec, the length of what is cut from it or 0 if it takes no more, and its room. */
    private int firstIovec;

    private int segment;
    private int room;
    /** What was appended last. */
    private Run last;

    MessageBatch(int capacity, boolean ipv4) {
        this.ipv4 = ipv4;
        maxLength = MAX_PACKET_LENGTH - OTHER_HEADERS_LENGTH - (ipv4 ? Ipv4Header.LENGTH : Ipv6Header.LENGTH);
        messages = new MessageVector(capacity, PIECES * capacity);
        runs = new Run[capacity];
        starts = new int[capacity];
        counts = new int[capacity];
    }

    void clear() {
        size = 0;
        iovecs = 0;
        segment = 0;
    }

    int size() {
        return size;
    }

    /** What the kernel is given. */
    MessageVector messages() {
        return messages;
    }

    /**
     * Sends the messages from one on without waiting. Returns how many the socket took, or a
     * negative errno.
     */
    int send(int fd, int first) {
        return messages.send(fd, first, size - first);
    }

    /** The run that a message begins in; the others that it has a part of are next. */
    Run run(int message) {
        return runs[message];
    }

    /** Where in its first run a message begins. */
    int start(int message) {
        return starts[message];
    }

    int count(int message) {
        return counts[message];
    }

    /**
     * Lays out datagrams of a run, in the last message if that takes them, and in as many more as it needs.
     *
     * @param longestSegment the longest datagram that may share a message; 0 for none
     */
    void append(Run run, int start, int count, int longestSegment) {
        int end = start + count;
        for (int done = start; done < end; done += extend(run, done, end - done)) {
            if (!takes(run, run.length(done))) {
                begin(run, done, longestSegment);
            }
        }
    }

    /** Whether a datagram of this length may follow in the last message. */
    private boolean takes(Run run, int length) {
        return length > 0
                && length <= segment
                && length <= room
                && counts[size - 1] < MAX_SEGMENTS
                && (run == last || follows(run));
    }

    /** Whether a run may share a message with the one before. It must be the next, so that the message's can be found. */
    private boolean follows(Run run) {
        return last.next == run && run.hasSameHeaders(last);
    }

    private void begin(Run run, int start, int longestSegment) {
        int message = size++;
        runs[message] = run;
        starts[message] = start;
        counts[message] = 0;
        int length = run.length(start);
        segment = length <= longestSegment ? length : 0;
        room = maxLength;
        last = run;
        firstIovec = iovecs;
        messages.firstPiece(message, iovecs);
        describe(message, run);
    }

    /** Adds as many datagrams to the last message as it takes, at least one. One that is shorter will be its last. */
    private int extend(Run run, int start, int left) {
        int length = run.length(start);
        int message = size - 1;
        int before = counts[message];
        int count = length == segment ? Math.min(left, MAX_SEGMENTS - before) : 1;
        if (count * length > room) {
            count = Math.max(1, room / length);
        }
        counts[message] = before + count;
        if (before < 2 && before + count > 1) {
            messages.addShortControl(message, SocketOptions.IPPROTO_UDP, SocketOptions.UDP_SEGMENT, segment);
        }
        addPieces(run, start, count);
        messages.pieceCount(message, iovecs - firstIovec);
        room -= count * length;
        if (run.length(start + count - 1) < segment) {
            segment = 0;
        }
        last = run;
        return count;
    }

    private void addPieces(Run run, int start, int count) {
        if (run.isContiguous()) {
            messages.piece(iovecs++, run.header, run.length(0));
            return;
        }
        long header = run.header + (long) start * run.headerStride;
        long payload = run.payload + (long) start * run.segmentLength;
        int lastLength = run.length(start + count - 1) - run.headerLength;
        messages.pairs(
                iovecs, count, header, run.headerLength, run.headerStride, payload, run.segmentLength, lastLength);
        iovecs += PIECES * count;
    }

    private void describe(int message, Run run) {
        UnsafeBuffer buffer = messages.buffer();
        int name = messages.name(message);
        messages.clearControl(message);
        if (ipv4) {
            messages.nameLength(message, SocketAddress.putIpv4(buffer, name, run.outer.remoteLow(), run.outer.port()));
            control(message, run, SocketOptions.IPPROTO_IP, SocketOptions.IP_TOS, SocketOptions.IP_TTL);
        } else {
            messages.nameLength(
                    message,
                    SocketAddress.putIpv6(
                            buffer, name, run.outer.remoteHigh(), run.outer.remoteLow(), run.outer.port()));
            control(message, run, SocketOptions.IPPROTO_IPV6, SocketOptions.IPV6_TCLASS, SocketOptions.IPV6_HOPLIMIT);
        }
    }

    private void control(int message, Run run, int level, int tosType, int ttlType) {
        if (run.outer.tos() != 0) {
            messages.addControl(message, level, tosType, run.outer.tos());
        }
        if (run.outer.ttl() != UnderlaySender.DEFAULT_TTL) {
            messages.addControl(message, level, ttlType, run.outer.ttl());
        }
    }

    /** Gives the memory back. */
    @Override
    public void close() {
        messages.close();
    }
}
