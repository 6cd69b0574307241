package org.weft.dataplane.io.linux;

import java.util.Arrays;
import org.weft.dataplane.io.Outer;
import org.weft.encap.IpAddress;

/** What was added to a sender since its last flush: runs of datagrams, in a list for each socket. Nothing is copied. */
final class DatagramQueue {
    /** Datagrams for one destination. They are equally long but for the last, which may be shorter. */
    static final class Run {
        long header;
        int headerLength;
        int headerStride;
        long payload;
        int payloadLength;
        int segmentLength;
        int count;

        /** Its DF is false for IPv6. */
        final Outer outer = new Outer();

        int socket;
        int tag;

        /** The next one of the same socket, or null. */
        Run next;

        /** How long a datagram is, with its header. */
        int length(int index) {
            return headerLength + Math.min(segmentLength, payloadLength - index * segmentLength);
        }

        /** Whether all of each datagram is in one piece. */
        boolean isContiguous() {
            return count == 1 && (payloadLength == 0 || header + headerLength == payload);
        }

        /** Whether the datagrams of two runs get the same outer headers, but for lengths and checksums. */
        boolean hasSameHeaders(Run other) {
            return outer.hasSameHeaders(other.outer);
        }

        /** Whether the destination's family is that of the sockets. */
        boolean isReachable(boolean ipv4) {
            return IpAddress.isIpv4(outer.remoteHigh(), outer.remoteLow()) == ipv4;
        }
    }

    private final boolean ipv4;

    private final Run[] runs;

    private int runCount;
    private int count;

    /** First and last run of each socket, and the sockets that have any. */
    private final Run[] firsts;

    private final Run[] lasts;
    private final int[] used;
    private int usedCount;

    /** @param ipv4 the family of the sockets */
    DatagramQueue(int capacity, int sockets, boolean ipv4) {
        this.ipv4 = ipv4;
        runs = new Run[capacity];
        Arrays.setAll(runs, i -> new Run());
        firsts = new Run[sockets];
        lasts = new Run[sockets];
        used = new int[sockets];
    }

    /** The destination of the run that is added next; the outer headers are copied. */
    void to(Outer outer, int socket, int tag) {
        Run run = runs[runCount];
        run.outer.set(outer).dontFragment(outer.dontFragment() && ipv4);
        run.socket = socket;
        run.tag = tag;
    }

    void add(long header, int headerLength, int headerStride, long payload, int payloadLength, int segmentLength) {
        Run run = runs[runCount++];
        run.header = header;
        run.headerLength = headerLength;
        run.headerStride = headerStride;
        run.payload = payload;
        run.payloadLength = payloadLength;
        run.segmentLength = segmentLength;
        run.count = payloadLength <= segmentLength ? 1 : (payloadLength + segmentLength - 1) / segmentLength;
        run.next = null;
        count += run.count;
        append(run);
    }

    private void append(Run run) {
        int socket = run.socket;
        if (firsts[socket] == null) {
            firsts[socket] = run;
            used[usedCount++] = socket;
        } else {
            lasts[socket].next = run;
        }
        lasts[socket] = run;
    }

    void clear() {
        for (int i = 0; i < usedCount; i++) {
            firsts[used[i]] = null;
        }
        runCount = 0;
        count = 0;
        usedCount = 0;
    }

    /** Of datagrams. */
    int count() {
        return count;
    }

    int usedCount() {
        return usedCount;
    }

    /** A socket that has datagrams, by its place among those. */
    int used(int place) {
        return used[place];
    }

    /** The first run of a socket that has datagrams. */
    Run first(int socket) {
        return firsts[socket];
    }
}
