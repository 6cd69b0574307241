package org.weft.dataplane.capture;

/**
 * Whose datagram was seen on the underlay, and what is known of its outer headers.
 *
 * <p>Mutable, so that nothing is allocated per packet. Each agent has its own and lends it to
 * {@link Capture#datagram}, which keeps nothing of it. Addresses are 128 bits, IPv4 as
 * {@code ::ffff:a.b.c.d}; numbers are in host byte order.
 */
public final class Sighting {
    String vtep;
    boolean outbound;
    long sourceHigh;
    long sourceLow;
    int sourcePort;
    long destinationHigh;
    long destinationLow;
    int destinationPort;
    int tos;

    /**
     * Sets the VTEP and the direction.
     *
     * @param vtep name of the TAP device; null if the VNI has none
     * @param outbound towards the underlay
     */
    public Sighting of(String vtep, boolean outbound) {
        this.vtep = vtep;
        this.outbound = outbound;
        return this;
    }

    /** Sets the sender: its address in two halves, and its UDP port. */
    public Sighting source(long high, long low, int port) {
        sourceHigh = high;
        sourceLow = low;
        sourcePort = port;
        return this;
    }

    /** Sets the destination: its address in two halves, and its UDP port. */
    public Sighting destination(long high, long low, int port) {
        destinationHigh = high;
        destinationLow = low;
        destinationPort = port;
        return this;
    }

    /** Sets the TOS or traffic class byte. */
    public Sighting tos(int tos) {
        this.tos = tos;
        return this;
    }
}
