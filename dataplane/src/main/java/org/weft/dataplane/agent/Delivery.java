package org.weft.dataplane.agent;

import org.weft.dataplane.agent.Decapsulator.Ingress;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.encap.FrameLayout;
import org.weft.encap.VirtioNetHeader;
import org.weft.encap.offload.Coalescer;

/**
 * The inner frames of one duty cycle on their way to the TAP writers: consecutive segments of a flow become one
 * super-frame, and slots are given back behind their last frame.
 *
 * <p>At most one super-frame is open. It grows in the slot of its first segment, over what was read from there already,
 * and is passed on before anything else is, so the order of frames never changes.
 */
final class Delivery {
    private final FrameSlab slab;
    private final Coalescer coalescer = new Coalescer();
    private final PartialChecksum partialChecksum = new PartialChecksum();
    private final Frame open = new Frame();
    private final Frame moved = new Frame();

    /** The slot that is being taken apart, and the ring that frames of it went to. */
    private int slot = FrameSlab.NONE;

    private FrameRing slotRing;

    /** Where the open super-frame goes. */
    private Ingress openIngress;

    /** Its mark for the host's netfilter, or {@link MarkBridge#NO_MARK}. */
    private int openMark;

    /** Whether the open super-frame is all that its slot still holds. */
    private boolean openIsLast;

    Delivery(FrameSlab slab) {
        this.slab = slab;
    }

    /** The frames delivered next lie in this slot. */
    void begin(int slot) {
        this.slot = slot;
        this.slotRing = null;
    }

    /**
     * Passes a frame on, alone or as part of a super-frame.
     *
     * @param mark for the host's netfilter, or {@link MarkBridge#NO_MARK}
     */
    void deliver(Ingress ingress, Frame frame, FrameLayout layout, int mark) {
        if (slotRing != null && slotRing != ingress.ring()) {
            closeOpen();
            moveOut(ingress, frame, layout, mark);
            return;
        }
        if (mark == openMark && append(ingress, frame.offset(), frame.length())) {
            return;
        }
        closeOpen();
        openMark = mark;
        boolean partial = partialChecksum.restore(frame, layout, ingress.vtep().mtu());
        if (partial || !ingress.vtep().coalesces()) {
            pass(ingress.ring(), frame);
        } else {
            head(ingress, frame, layout);
        }
    }

    /**
     * Makes a frame part of the open super-frame, if the two go together.
     *
     * @return false if not, and nothing has changed
     */
    boolean append(Ingress ingress, int offset, int length) {
        if (openIngress != ingress || !coalescer.append(slab.buffer(), offset, length)) {
            return false;
        }
        if (coalescer.full()) {
            closeOpen();
        }
        return true;
    }

    /** Begins a super-frame if this frame may lead one. */
    private void head(Ingress ingress, Frame frame, FrameLayout layout) {
        int capacity = slab.offset(slot + 1) - frame.offset();
        if (!coalescer.open(frame.buffer(), frame.offset(), frame.length(), capacity, layout)) {
            pass(ingress.ring(), frame);
            return;
        }
        open.wrap(slab, slot).move(frame.offset(), frame.length());
        openIngress = ingress;
        openIsLast = false;
        slotRing = ingress.ring();
        if (coalescer.full()) {
            closeOpen();
        }
    }

    private void pass(FrameRing ring, Frame frame) {
        slotRing = ring;
        MarkBridge.put(frame, openMark);
        ring.offer(frame.descriptor(false));
    }

    /** All frames of the slot were delivered or dropped. */
    void end() {
        if (coalescer.isOpen() && open.slot() == slot) {
            openIsLast = true;
        } else if (slotRing != null) {
            slotRing.offer(Frame.release(slot));
        } else {
            slab.release(slot);
        }
    }

    /** Passes on what is still open. */
    void flush() {
        closeOpen();
    }

    private void closeOpen() {
        if (!coalescer.isOpen()) {
            return;
        }
        int segments = coalescer.close();
        MarkBridge.put(open, openMark);
        open.move(open.offset(), coalescer.length());
        if (segments == 1) {
            open.vnet(VirtioNetHeader.FLAG_DATA_VALID, VirtioNetHeader.GSO_NONE, 0, 0, 0, 0);
        } else {
            open.vnet(
                    VirtioNetHeader.FLAG_NEEDS_CHECKSUM,
                    coalescer.gsoType(),
                    coalescer.headerLength(),
                    coalescer.gsoSize(),
                    coalescer.checksumStart(),
                    coalescer.checksumOffset());
            openIngress.counters().add(Counter.RX_COALESCED, segments - 1);
        }
        openIngress.ring().offer(open.descriptor(openIsLast));
    }

    /** A slot whose frames are for several VTEPs is taken apart: each ring gives back only slots that it alone holds. */
    private void moveOut(Ingress ingress, Frame frame, FrameLayout layout, int mark) {
        int fresh = slab.claim();
        if (fresh == FrameSlab.NONE) {
            ingress.counters().drop(Counter.NOMEM, frame.buffer(), frame.offset(), frame.length());
            return;
        }
        moved.wrap(slab, fresh);
        moved.buffer().putBytes(moved.start(), frame.buffer(), frame.offset(), frame.length());
        moved.move(moved.start(), frame.length());
        layout.parse(moved.buffer(), moved.offset(), moved.length());
        partialChecksum.restore(moved, layout, ingress.vtep().mtu());
        MarkBridge.put(moved, mark);
        ingress.ring().offer(moved.descriptor(true));
    }
}
