package org.weft.dataplane.io.linux;

import java.util.Arrays;
import org.weft.encap.IpAddress;

/** The datagrams that were added to a sender since its last flush, in a list for each socket. Nothing is copied. */
final class DatagramQueue {
    static final int NONE = -1;

    private final boolean ipv4;

    /** Datagrams, by index. */
    private final long[] headers;

    private final int[] headerLengths;
    private final long[] payloads;
    private final int[] lengths;
    private final int[] destinations;

    /** The next one of the same socket, or NONE. */
    private final int[] nexts;

    private int count;

    /** Destinations, by index; the last one is where the next datagram goes. */
    private final long[] remoteHighs;

    private final long[] remoteLows;
    private final int[] ports;
    private final byte[] toses;
    private final short[] ttls;
    private final boolean[] dontFragments;
    private final int[] tags;
    private final int[] sockets;
    private int destination;

    /** First and last datagram of each socket, and the sockets that have any. */
    private final int[] firsts;

    private final int[] lasts;
    private final int[] used;
    private int usedCount;

    /** @param ipv4 the family of the sockets */
    DatagramQueue(int capacity, int sockets, boolean ipv4) {
        this.ipv4 = ipv4;
        headers = new long[capacity];
        headerLengths = new int[capacity];
        payloads = new long[capacity];
        lengths = new int[capacity];
        destinations = new int[capacity];
        nexts = new int[capacity];
        remoteHighs = new long[capacity + 1];
        remoteLows = new long[capacity + 1];
        ports = new int[capacity + 1];
        toses = new byte[capacity + 1];
        ttls = new short[capacity + 1];
        dontFragments = new boolean[capacity + 1];
        tags = new int[capacity + 1];
        this.sockets = new int[capacity + 1];
        firsts = new int[sockets];
        lasts = new int[sockets];
        used = new int[sockets];
        Arrays.fill(firsts, NONE);
    }

    void to(long remoteHigh, long remoteLow, int port, int socket, int tos, int ttl, boolean dontFragment, int tag) {
        if (count > 0 && destinations[count - 1] == destination) {
            destination++;
        }
        remoteHighs[destination] = remoteHigh;
        remoteLows[destination] = remoteLow;
        ports[destination] = port;
        toses[destination] = (byte) tos;
        ttls[destination] = (short) ttl;
        dontFragments[destination] = dontFragment && ipv4;
        tags[destination] = tag;
        sockets[destination] = socket;
    }

    void add(long header, int headerLength, long payload, int payloadLength) {
        int index = count++;
        headers[index] = header;
        headerLengths[index] = headerLength;
        payloads[index] = payload;
        lengths[index] = headerLength + payloadLength;
        destinations[index] = destination;
        nexts[index] = NONE;
        int socket = sockets[destination];
        if (firsts[socket] == NONE) {
            firsts[socket] = index;
            used[usedCount++] = socket;
        } else {
            nexts[lasts[socket]] = index;
        }
        lasts[socket] = index;
    }

    /** Forgets the datagrams, but not where the next ones go. */
    void clear() {
        for (int i = 0; i < usedCount; i++) {
            firsts[used[i]] = NONE;
        }
        if (destination > 0) {
            int current = destination;
            destination = 0;
            count = 0;
            to(
                    remoteHighs[current],
                    remoteLows[current],
                    ports[current],
                    sockets[current],
                    toses[current],
                    ttls[current],
                    dontFragments[current],
                    tags[current]);
        }
        usedCount = 0;
        count = 0;
    }

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

    int first(int socket) {
        return firsts[socket];
    }

    int next(int index) {
        return nexts[index];
    }

    long header(int index) {
        return headers[index];
    }

    int headerLength(int index) {
        return headerLengths[index];
    }

    long payload(int index) {
        return payloads[index];
    }

    /** With its header. */
    int length(int index) {
        return lengths[index];
    }

    boolean dontFragment(int index) {
        return dontFragments[destinations[index]];
    }

    int tag(int index) {
        return tags[destinations[index]];
    }

    long remoteHigh(int index) {
        return remoteHighs[destinations[index]];
    }

    long remoteLow(int index) {
        return remoteLows[destinations[index]];
    }

    int port(int index) {
        return ports[destinations[index]];
    }

    int tos(int index) {
        return toses[destinations[index]] & 0xff;
    }

    int ttl(int index) {
        return ttls[destinations[index]];
    }

    /** Whether the destination's family is that of the sockets. */
    boolean isReachable(int index) {
        return IpAddress.isIpv4(remoteHigh(index), remoteLow(index)) == ipv4;
    }

    /** Whether two datagrams of one socket get the same outer headers, but for lengths and checksums. */
    boolean haveSameHeaders(int index, int other) {
        int a = destinations[index];
        int b = destinations[other];
        return a == b
                || remoteLows[a] == remoteLows[b]
                        && remoteHighs[a] == remoteHighs[b]
                        && ports[a] == ports[b]
                        && toses[a] == toses[b]
                        && ttls[a] == ttls[b]
                        && dontFragments[a] == dontFragments[b];
    }
}
