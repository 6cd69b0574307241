package org.weft.encap.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.weft.encap.FrameLayout;
import org.weft.encap.VirtioNetHeader;

class AllocationTest {
    private static final int SUPER_FRAMES = 1000;
    private static final int GSO_SIZE = 1358;
    private static final int SEGMENTS = 45;
    private static final int STRIDE = 2048;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final byte[] superFrame = TestFrame.tcp4(GSO_SIZE * SEGMENTS).superFrame();
    private final UnsafeBuffer source = new UnsafeBuffer(superFrame);
    private final UnsafeBuffer arena = new UnsafeBuffer(new byte[STRIDE * SEGMENTS]);
    private final UnsafeBuffer slot = new UnsafeBuffer(new byte[70_000]);
    private final FrameLayout layout = new FrameLayout();
    private final Segmenter segmenter = new Segmenter();
    private final Coalescer coalescer = new Coalescer();

    @Test
    void nothingIsAllocatedPerFrame() {
        carry();
        long before = threads.getCurrentThreadAllocatedBytes();
        carry();
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(allocated < SUPER_FRAMES, allocated + " bytes for " + SUPER_FRAMES + " super-frames");
    }

    private void carry() {
        for (int i = 0; i < SUPER_FRAMES; i++) {
            layout.parse(source, 0, superFrame.length);
            segmenter.begin(source, 0, superFrame.length, layout, VirtioNetHeader.GSO_TCPV4, GSO_SIZE);
            segmenter.writeHeaders(0, SEGMENTS, 0, arena, 0, STRIDE);
            for (int j = 0; j < segmenter.segments(); j++) {
                int end = j * STRIDE + segmenter.headerLength();
                arena.putBytes(end, source, segmenter.payloadOffset(j), segmenter.payloadLength(j, 1));
            }
            assertEquals(SEGMENTS, merge(segmenter.headerLength() + GSO_SIZE));
        }
    }

    private int merge(int length) {
        slot.putBytes(0, arena, 0, length);
        layout.parse(slot, 0, length);
        coalescer.open(slot, 0, length, slot.capacity(), layout);
        for (int j = 1; j < SEGMENTS; j++) {
            coalescer.append(arena, j * STRIDE, length);
        }
        return coalescer.close();
    }
}
