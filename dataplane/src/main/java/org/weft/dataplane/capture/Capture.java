package org.weft.dataplane.capture;

import org.agrona.DirectBuffer;
import org.weft.dataplane.counters.Counter;

/** The place agents show packets to. Costs one field read per packet while nobody captures; never blocks. */
public final class Capture {
    /** Where on its way a packet is seen. */
    public enum Point {
        /** The frame as it crosses the TAP device. */
        TAP,
        /** The datagram as it crosses the underlay. */
        WIRE
    }

    /** Whether anyone captures now. Agents ask before they call {@link #frame} or {@link #datagram}. */
    public boolean active() {
        return false;
    }

    /**
     * An Ethernet frame at {@link Point#TAP}.
     *
     * @param vtep name of the TAP device
     * @param outbound from the host into the overlay
     * @param verdict what it ended in
     */
    public void frame(String vtep, boolean outbound, Counter verdict, DirectBuffer buffer, int offset, int length) {}

    /**
     * A UDP payload (VXLAN header first) at {@link Point#WIRE}, with what is known of its outer headers.
     *
     * @param vtep name of the TAP device; null if the VNI has none
     * @param outbound towards the underlay
     * @param verdict what it ended in
     */
    public void datagram(
            String vtep,
            boolean outbound,
            Counter verdict,
            long sourceHigh,
            long sourceLow,
            int sourcePort,
            long destinationHigh,
            long destinationLow,
            int destinationPort,
            int tos,
            DirectBuffer buffer,
            int offset,
            int length) {}
}
