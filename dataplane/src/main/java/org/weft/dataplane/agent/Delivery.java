package org.weft.dataplane.agent;

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
    private final TurnClock clock;
    private final Coalescer coalescer = new Coalescer();
    private final PartialChecksum partialChecksum = new PartialChecksum();
    private final Frame open = new Frame();
    private final Frame moved = new Frame();

    /** The slot that is being taken apart, and the ring that frames of it went to. */
    private int slot = FrameSlab.NONE;

    private FrameRing slotRing;

    /** How many descriptors that ring has, or will have, for this slot. */
    private int slotFrames;

    /** Whether the frame at hand is passed on, or part of what is open, or counted as dropped. */
    private boolean settled;

    /** Where the open super-frame goes. */
    private Ingress openIngress;

    /** Its mark for the host's netfilter, or {@link MarkBridge#NO_MARK}. */
    private int openMark;

    /** Whether the open super-frame is all that its slot still holds. */
    private boolean openIsLast;

    Delivery(FrameSlab slab, TurnClock clock) {
        this.slab = slab;
        this.clock = clock;
    }

    /** The frames delivered next lie in this slot. */
    void begin(int slot) {
        this.slot = slot;
        this.slotRing = null;
        this.slotFrames = 0;
    }

    /**
     * Passes a frame on, alone or as part of a super-frame. If it throws, the frame is lost, and counted as such.
     *
     * @param mark for the host's netfilter, or {@link MarkBridge#NO_MARK}
     */
    void deliver(Ingress ingress, Frame frame, FrameLayout layout, int mark) {
        settled = false;
        try {
            place(ingress, frame, layout, mark);
        } finally {
            if (!settled) {
                ingress.counters().increment(Counter.RX_AGENT_FAILED);
            }
        }
    }

    private void place(Ingress ingress, Frame frame, FrameLayout layout, int mark) {
        if (slotRing != null && slotRing != ingress.ring()) {
            closeOpen();
            moveOut(ingress, frame, layout, mark);
            return;
        }
        if (mark == openMark && append(ingress, frame.offset(), frame.length(), 0)) {
            return;
        }
        closeOpen();
        openMark = mark;
        boolean partial = partialChecksum.restore(frame, layout, ingress.vtep().mtu());
        if (partial || !ingress.config().switches().gro()) {
            pass(ingress, frame);
        } else {
            head(ingress, frame, layout);
        }
    }

    /**
     * Makes a frame part of the open super-frame, if the two go together.
     *
     * @param refusedFlags TCP flags that a segment must not have
     * @return false if not, and nothing has changed
     */
    boolean append(Ingress ingress, int offset, int length, int refusedFlags) {
        if (openIngress != ingress || !coalescer.append(slab.buffer(), offset, length, refusedFlags)) {
            return false;
        }
        settled = true;
        return true;
    }

    /** Begins a super-frame if this frame may lead one. */
    private void head(Ingress ingress, Frame frame, FrameLayout layout) {
        int capacity = slab.offset(slot + 1) - frame.offset();
        if (!coalescer.open(frame.buffer(), frame.offset(), frame.length(), capacity, layout)) {
            pass(ingress, frame);
            return;
        }
        if (!takeRoom(ingress, frame)) {
            coalescer.close();
            return;
        }
        settled = true;
        open.wrap(slab, slot).move(frame.offset(), frame.length());
        openIngress = ingress;
        openIsLast = false;
    }

    private void pass(Ingress ingress, Frame frame) {
        if (takeRoom(ingress, frame)) {
            handOver(ingress, frame, openMark, false);
            settled = true;
        }
    }

    /** The one way out: the frame is final, gets its mark for the host, and belongs to the TAP writer. */
    private static void handOver(Ingress ingress, Frame frame, int mark, boolean last) {
        MarkBridge.put(frame, mark);
        ingress.ring().offer(frame.descriptor(last));
    }

    /** Leaves room for the release of the slot. The kernel merges fewer datagrams than there is room for. */
    private boolean takeRoom(Ingress ingress, Frame frame) {
        slotRing = ingress.ring();
        if (slotFrames + 1 == slotRing.framesPerSlot()) {
            dropForRoom(ingress, frame);
            settled = true;
            return false;
        }
        slotFrames++;
        return true;
    }

    private void dropForRoom(Ingress ingress, Frame frame) {
        ingress.counters().drop(Counter.NOMEM, frame.buffer(), frame.offset(), frame.length(), clock.epochMillis());
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
        int segments = coalescer.segments();
        boolean passed = false;
        try {
            coalescer.close();
            passOpen(segments);
            passed = true;
        } finally {
            if (!passed) {
                openIngress.counters().add(Counter.RX_AGENT_FAILED, segments);
                releaseOpen();
            }
        }
    }

    private void releaseOpen() {
        if (openIsLast) {
            openIngress.ring().offer(Frame.release(open.slot()));
        }
    }

    private void passOpen(int segments) {
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
        }
        handOver(openIngress, open, openMark, openIsLast);
        openIngress.counters().add(Counter.RX_COALESCED, segments - 1);
    }

    /** A slot whose frames are for several VTEPs is taken apart: each ring gives back only slots that it alone holds. */
    private void moveOut(Ingress ingress, Frame frame, FrameLayout layout, int mark) {
        int fresh = slab.claim();
        if (fresh == FrameSlab.NONE) {
            dropForRoom(ingress, frame);
            settled = true;
            return;
        }
        try {
            moveTo(fresh, ingress, frame, layout, mark);
            settled = true;
        } finally {
            if (!settled) {
                slab.release(fresh);
            }
        }
    }

    private void moveTo(int fresh, Ingress ingress, Frame frame, FrameLayout layout, int mark) {
        moved.wrap(slab, fresh);
        moved.buffer().putBytes(moved.start(), frame.buffer(), frame.offset(), frame.length());
        moved.move(moved.start(), frame.length());
        layout.parse(moved.buffer(), moved.offset(), moved.length());
        partialChecksum.restore(moved, layout, ingress.vtep().mtu());
        handOver(ingress, moved, mark, true);
    }
}
