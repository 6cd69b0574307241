package org.weft.encap.offload;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.encap.FrameLayout;
import org.weft.encap.VirtioNetHeader;

/** A coalescer used as an agent uses it: what cannot be appended closes what is open, and is opened or goes alone. */
final class Merger {
    private static final int ROOM = 66_000;

    /** What was written to the device: a super-frame if {@code gsoType} is not {@code GSO_NONE}. */
    record Written(byte[] frame, int gsoType, int gsoSize) {
        /** What the receiver's TCP gets to see of it. */
        List<byte[]> frames() {
            return gsoType == VirtioNetHeader.GSO_NONE ? List.of(frame) : Reference.segment(frame, gsoSize);
        }
    }

    private final Coalescer coalescer = new Coalescer();
    private final FrameLayout layout = new FrameLayout();
    private final byte[] slot = new byte[ROOM];
    private final UnsafeBuffer buffer = new UnsafeBuffer(slot);
    private final List<Written> written = new ArrayList<>();
    private final int capacity;

    Merger(int capacity) {
        this.capacity = capacity;
    }

    /** Each frame lies in memory of exactly its length, so that whoever looks beyond it is caught. */
    List<Written> merge(List<byte[]> frames) {
        for (byte[] frame : frames) {
            if (!append(frame)) {
                close();
                open(frame);
            }
            if (coalescer.full()) {
                close();
            }
        }
        close();
        return written;
    }

    private boolean append(byte[] frame) {
        UnsafeBuffer exact = new UnsafeBuffer(frame);
        return coalescer.append(exact, 0, frame.length);
    }

    private void open(byte[] frame) {
        buffer.wrap(slot, 0, Math.max(capacity, frame.length));
        buffer.putBytes(0, frame);
        layout.parse(buffer, 0, frame.length);
        if (!coalescer.open(buffer, 0, frame.length, capacity, layout)) {
            written.add(new Written(frame, VirtioNetHeader.GSO_NONE, 0));
        }
    }

    private void close() {
        if (coalescer.isOpen()) {
            coalescer.close();
            byte[] frame = Arrays.copyOf(slot, coalescer.length());
            written.add(new Written(frame, coalescer.gsoType(), coalescer.gsoSize()));
        }
    }
}
