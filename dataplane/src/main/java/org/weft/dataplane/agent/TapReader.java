package org.weft.dataplane.agent;

import org.agrona.concurrent.Agent;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.TapDevice;

/** First stage of egress: reads frames that the host sends into the overlay. Owns the egress slab. */
public final class TapReader implements Agent {
    /** Frames read per duty cycle; also what the encapsulator sends in one batch. */
    static final int BATCH = 32;

    /** Super-frames end a batch earlier, so that what is under way stays in the cache. */
    private static final long BATCH_BYTES = 512 << 10;

    private final TapDevice tap;
    private final FrameSlab slab;
    private final FrameRing ring;
    private final Counters counters;
    private final Frame frame = new Frame();
    private volatile int lastErrno;

    public TapReader(TapDevice tap, FrameSlab slab, FrameRing ring, Counters counters) {
        this.tap = tap;
        this.slab = slab;
        this.ring = ring;
        this.counters = counters;
    }

    /** Why reading failed last ({@link Counter#TX_READ_ERRORS}), 0 if it never did; from any thread. */
    public int lastErrno() {
        return lastErrno;
    }

    @Override
    public String roleName() {
        return "tap-reader-" + tap.name();
    }

    @Override
    public int doWork() {
        ring.reclaim(slab);
        int frames = 0;
        long bytes = 0;
        try {
            while (frames < BATCH && bytes < BATCH_BYTES) {
                int slot = slab.claim();
                if (slot == FrameSlab.NONE) {
                    break;
                }
                int length = read(slot);
                if (length < 0) {
                    counters.increment(Counter.TX_READ_ERRORS);
                    lastErrno = -length;
                }
                if (length <= 0) {
                    break;
                }
                frames++;
                bytes += length;
            }
        } finally {
            if (frames > 0) {
                counters.add(Counter.TX_FRAMES, frames);
                counters.add(Counter.TX_BYTES, bytes);
            }
        }
        return frames;
    }

    /** Passes on what it reads; without a frame the slot is free again, also when something throws. */
    private int read(int slot) {
        boolean passed = false;
        try {
            int length = tap.read(frame.wrap(slab, slot));
            if (length > 0) {
                ring.offer(frame.descriptor(true));
                passed = true;
            }
            return length;
        } finally {
            if (!passed) {
                slab.release(slot);
            }
        }
    }
}
