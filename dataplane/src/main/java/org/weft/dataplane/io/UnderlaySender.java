package org.weft.dataplane.io;

/**
 * The sending half of the underlay: a pool of UDP sockets, spread over source ports. One thread
 * calls it; other senders may use the same sockets.
 *
 * <p>Datagrams of one flow hash leave from one port, in the order they were added. Memory is
 * borrowed from {@link #add} until {@link #flush} returns.
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
     * @param outer borrowed: it may change when this returns
     * @param tag given back on failure
     */
    void to(Outer outer, int tag);

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
     * Sends a TCP super-frame uncut where {@link #to} said, at once, ahead of what was added: the kernel or the interface cuts
     * it. The memory may be reused when this returns.
     *
     * @param address memory address of its VXLAN header, behind which the frame begins, without a VLAN tag
     * @param length bytes of both
     * @param gsoType GSO_TCPV4 or GSO_TCPV6 of the virtio-net header, with or without GSO_ECN
     * @param gsoSize payload bytes of each segment but the last
     * @param transport where the TCP header is, from the frame's first byte
     * @param headersLength from the frame's first byte to the end of the TCP header
     * @return false if it has to be cut and added instead
     */
    boolean sendUncut(long address, int length, int gsoType, int gsoSize, int transport, int headersLength);

    /** Whether {@link #sendUncut} may be worth trying. */
    boolean sendsUncut();

    /**
     * Sends what was added, by as few system calls as there are source ports among it. A failure is reported for each
     * datagram. Nothing is left to be sent afterwards, also when this throws.
     *
     * @return how many datagrams left; the others were reported
     */
    int flush(FailureHandler failures);

    /** The source port that datagrams of this flow hash leave from, for those that may be fragmented. */
    int sourcePort(int flowHash);

    @Override
    void close();
}
