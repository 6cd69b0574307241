package org.weft.dataplane.agent;

import org.agrona.LangUtil;
import org.agrona.concurrent.Agent;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.TapDevice;
import org.weft.dataplane.vtep.Vtep;

/**
 * Last stage of ingress: gives frames from the overlay to the host. A frame that something throws on is lost, counted, and
 * its slot comes back; the others are written, and then the first exception is thrown on.
 */
public final class TapWriter implements Agent {
    private static final int BATCH = 512;

    private final Vtep vtep;
    private final TapDevice tap;
    private final FrameSlab slab;
    private final FrameRing ring;
    private final Counters counters;
    private final Capture capture;
    private final TurnClock clock;
    private final Frame frame = new Frame();
    private final long[] descriptors = new long[BATCH];

    public TapWriter(Vtep vtep, TapDevice tap, FrameSlab slab, FrameRing ring, AgentContext context) {
        this.vtep = vtep;
        this.tap = tap;
        this.slab = slab;
        this.ring = ring;
        this.counters = context.counters();
        this.capture = context.capture();
        this.clock = new TurnClock(context);
    }

    @Override
    public String roleName() {
        return "tap-writer-" + tap.name();
    }

    @Override
    public int doWork() {
        int frames = ring.take(descriptors);
        clock.begin();
        int delivered = 0;
        Throwable failure = null;
        for (int i = 0; i < frames; i++) {
            long descriptor = descriptors[i];
            try {
                if (Frame.length(descriptor) > 0) {
                    delivered += write(frame.wrap(slab, descriptor));
                }
            } catch (Throwable t) {
                counters.drop(Counter.TAP_REFUSED, frame.buffer(), frame.offset(), frame.length(), clock.epochMillis());
                failure = failure == null ? t : failure;
            } finally {
                if (Frame.isLast(descriptor)) {
                    ring.giveBack(Frame.slot(descriptor));
                }
            }
        }
        if (delivered > 0) {
            counters.add(Counter.RX_DELIVERED, delivered);
        }
        if (failure != null) {
            LangUtil.rethrowUnchecked(failure);
        }
        return frames;
    }

    /** The kernel answers EIO while the device is down. */
    private int write(Frame frame) {
        int written = tap.write(frame);
        Counter verdict =
                written >= 0 ? Counter.RX_DELIVERED : written == -Errno.EIO ? Counter.DEV_READY : Counter.TAP_REFUSED;
        if (capture.active()) {
            capture.frame(vtep.name(), false, verdict, frame.buffer(), frame.offset(), frame.length());
        }
        if (verdict == Counter.RX_DELIVERED) {
            return 1;
        }
        counters.drop(verdict, frame.buffer(), frame.offset(), frame.length(), clock.epochMillis());
        return 0;
    }
}
