package org.weft.dataplane.agent;

import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.FrameLayout;
import org.weft.encap.UdpHeader;
import org.weft.encap.VxlanHeader;

/**
 * Recognises frames that carry a datagram of the same VTEP: a route leads what it sends back into its device, and each
 * round would make the packet longer, without end (kernel: -ELOOP of udp_tunnel_dst_lookup). One agent uses it.
 *
 * <p>VTEPs may be nested: the underlay of one may be the overlay of another. So it looks into datagrams of other VTEPs
 * of this process until it finds one of its own, or something else. A round that does not come back as UDP, because another
 * tunnel encrypts it, stays unknown; and so does one of a bridge's frames, if SNAT has changed the source port.
 */
final class CircularRoute {
    private final Vtep vtep;
    private final OwnDatagrams own;
    private final FrameLayout nested = new FrameLayout();
    private final FrameLayout inner = new FrameLayout();
    private OwnDatagrams.Snapshot ports;

    /** The last first fragment that was circular: those behind it have no ports. */
    private boolean fragmented;

    private int fragmentId;
    private long sourceLow;
    private long destinationLow;

    CircularRoute(Vtep vtep, OwnDatagrams own) {
        this.vtep = vtep;
        this.own = own;
    }

    /** Takes the ports that are in use now; call it once per duty cycle. */
    void begin() {
        ports = own.snapshot();
    }

    /**
     * Whether a frame from the host carries what this VTEP has sent.
     *
     * @param layout of the frame
     * @param end of the frame in the buffer
     */
    boolean leadsBack(UnsafeBuffer buffer, FrameLayout layout, int end) {
        return layout.protocol() == UdpHeader.PROTOCOL
                && (layout.isLaterFragment() ? isRest(layout) : isOwn(buffer, layout, end));
    }

    private boolean isRest(FrameLayout layout) {
        return fragmented
                && layout.fragmentId() == fragmentId
                && layout.sourceLow() == sourceLow
                && layout.destinationLow() == destinationLow;
    }

    private boolean isOwn(UnsafeBuffer buffer, FrameLayout layout, int end) {
        if (!contains(buffer, layout, end)) {
            return false;
        }
        if (layout.isFragment()) {
            fragmented = true;
            fragmentId = layout.fragmentId();
            sourceLow = layout.sourceLow();
            destinationLow = layout.destinationLow();
        }
        return true;
    }

    private static boolean isDatagram(FrameLayout layout) {
        return layout.transportOffset() != FrameLayout.NONE && layout.protocol() == UdpHeader.PROTOCOL;
    }

    private boolean contains(UnsafeBuffer buffer, FrameLayout outer, int end) {
        FrameLayout layout = outer;
        while (isDatagram(layout)) {
            Vtep origin = ports.vtepOf(vtep, buffer, layout, inner, end);
            if (origin == null || origin == vtep) {
                return origin != null;
            }
            int frame = layout.transportOffset() + UdpHeader.LENGTH + VxlanHeader.LENGTH;
            if (frame >= end || !nested.parse(buffer, frame, end - frame)) {
                return false;
            }
            layout = nested;
        }
        return false;
    }
}
