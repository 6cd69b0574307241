package org.weft.dataplane.agent;

import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.TapDevice;
import org.weft.dataplane.table.NeighbourTable;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.ArpPacket;
import org.weft.encap.EthernetHeader;
import org.weft.encap.FrameLayout;
import org.weft.encap.IpAddress;
import org.weft.encap.NeighbourDiscovery;

/**
 * Answers ARP requests and IPv6 neighbour solicitations on the TAP from the neighbour table, so that they never cross
 * the underlay (kernel: arp_reduce, neigh_reduce; the {@code proxy} attribute).
 */
final class NeighbourResponder {
    private final Vtep vtep;
    private final TapDevice tap;
    private final ArpPacket arp = new ArpPacket();
    private final NeighbourDiscovery discovery = new NeighbourDiscovery();

    NeighbourResponder(Vtep vtep, TapDevice tap) {
        this.vtep = vtep;
        this.tap = tap;
    }

    /**
     * Answers a frame if it asks for a neighbour; the answer is written over it.
     *
     * @return what the frame ended in, or null if it asks for nothing and goes on
     */
    Counter respond(Frame frame, FrameLayout layout) {
        if (layout.etherType() == EthernetHeader.ETHERTYPE_ARP) {
            return respondToArp(frame, layout);
        }
        if (layout.isIpv6() && NeighbourDiscovery.isSolicitation(frame.buffer(), layout)) {
            return respondToSolicitation(frame, layout);
        }
        return null;
    }
}
