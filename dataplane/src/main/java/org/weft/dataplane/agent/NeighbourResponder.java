package org.weft.dataplane.agent;

import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.TapDevice;
import org.weft.dataplane.table.NeighbourTable;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.ArpPacket;
import org.weft.encap.EthernetHeader;
import org.weft.encap.IpAddress;
import org.weft.encap.NeighbourDiscovery;

/**
 * Answers ARP requests and IPv6 neighbour solicitations on the TAP from the neighbour table, so that they never cross
 * the underlay (kernel: arp_reduce, neigh_reduce; the {@code proxy} attribute).
 */
final class NeighbourResponder {
    /** From a request to its answer; a request is shorter, and what is behind it in the slot is unused. */
    private static final int ANSWER_DISTANCE = 2048;

    private final Vtep vtep;
    private final TapDevice tap;
    private final ArpPacket arp = new ArpPacket();
    private final NeighbourDiscovery discovery = new NeighbourDiscovery();

    NeighbourResponder(Vtep vtep, TapDevice tap) {
        this.vtep = vtep;
        this.tap = tap;
    }

    /**
     * Answers a frame if it asks for a neighbour; the answer is written behind it, in the same slot. As in the kernel,
     * ARP never goes further, whatever it says.
     *
     * @return what the frame ended in, or null if it goes on
     */
    Counter respond(Frame frame) {
        UnsafeBuffer buffer = frame.buffer();
        int offset = frame.offset();
        int length = frame.length();
        if (EthernetHeader.etherType(buffer, offset) == EthernetHeader.ETHERTYPE_ARP) {
            return respondToArp(frame, buffer, offset + EthernetHeader.LENGTH, length - EthernetHeader.LENGTH);
        }
        if (discovery.readSolicitation(buffer, offset, length)) {
            long mac = vtep.neighbours().lookup(discovery.targetHigh(), discovery.targetLow());
            return mac == NeighbourTable.NONE
                    ? Counter.NEIGH_UNKNOWN
                    : answer(frame, discovery.putAdvertisement(buffer, answerOffset(frame), mac, false));
        }
        return null;
    }

    private Counter respondToArp(Frame frame, UnsafeBuffer buffer, int offset, int length) {
        if (ArpPacket.check(buffer, offset, length) == EthernetHeader.INVALID) {
            return Counter.TX_HDR_TRUNC;
        }
        arp.wrap(buffer, offset);
        long mac = arp.isAnswerable()
                ? vtep.neighbours().lookup(0, IpAddress.ipv4Low(arp.targetAddress()))
                : NeighbourTable.NONE;
        return mac == NeighbourTable.NONE
                ? Counter.NEIGH_UNKNOWN
                : answer(frame, arp.putReply(buffer, answerOffset(frame), mac));
    }

    private static int answerOffset(Frame frame) {
        return frame.offset() + ANSWER_DISTANCE;
    }

    private Counter answer(Frame frame, int answerLength) {
        int offset = frame.offset();
        int length = frame.length();
        int written = tap.write(frame.move(answerOffset(frame), answerLength).plain());
        frame.move(offset, length);
        return written < 0 ? Counter.NEIGH_UNANSWERED : Counter.NEIGHBOUR_ANSWERED;
    }
}
