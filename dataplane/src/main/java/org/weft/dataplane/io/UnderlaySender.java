package org.weft.dataplane.io;

/**
 * The outside, sending half: a pool of UDP sockets, spread over the source ports of one VTEP. One thread calls it.
 *
 * <p>Datagrams of one flow hash leave by one socket, in the order they were added. Memory is borrowed from
 * {@link #add} until {@link #flush} returns.
 */
public interface UnderlaySender extends AutoCloseable {
    /** Hears of each datagram that did not leave. */
    @FunctionalInterface
    interface FailureHandler {
        /**
         * @param tag what {@link #to} was given
         * @param errno why, as a positive number
         */
        void onSendFailure(int tag, int errno);
    }

    /** Use the outer TTL of the socket: the VTEP's fixed one, or the route's default. */
    int DEFAULT_TTL = 0;

    /** How many more datagrams can be added before a flush. */
    int room();

    /**
     * Says where the datagrams go that {@link #add} is called with next.
     *
     * @param remoteHigh high 64 bits of the destination; IPv4 as {@code ::ffff:a.b.c.d}
     * @param remoteLow low 64 bits of the destination
     * @param port destination UDP port
     * @param flowHash chooses the source port
     * @param tos TOS or traffic class byte, ECN included
     * @param ttl TTL or hop limit 1 to 255, or {@link #DEFAULT_TTL}
     * @param dontFragment whether the outer IPv4 header has DF set
     * @param tag given back on failure
     */
    void to(long remoteHigh, long remoteLow, int port, int flowHash, int tos, int ttl, boolean dontFragment, int tag);

    /**
     * Adds a run of datagrams, each a header and its share of a payload; one, if the payload is no longer than a share.
     * Consecutive ones of a flow with equal length may leave as one message that the kernel cuts (UDP_SEGMENT).
     *
     * @param headerAddress memory address of the first header, which begins with the VXLAN header
     * @param headerLength bytes of each header
     * @param headerStride bytes from one header to the next
     * @param payloadAddress memory address of the payload
     * @param payloadLength bytes of all the payload; may be 0
     * @param segmentLength bytes of payload in each datagram but the last, which may have fewer
     */
    void add(
            long headerAddress,
            int headerLength,
            int headerStride,
            long payloadAddress,
            int payloadLength,
            int segmentLength);

    /**
     * Sends what was added, by as few system calls as there are source ports among it. A failure is reported for each
     * datagram.
     *
     * @return how many datagrams left; the others were reported
     */
    int flush(FailureHandler failures);

    /** The source port that datagrams of this flow hash leave from, for those that may be fragmented. */
    int sourcePort(int flowHash);

    @Override
    void close();
}
