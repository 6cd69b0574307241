package org.weft.bench;

import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.weft.encap.FrameLayout;
import org.weft.encap.VirtioNetHeader;
import org.weft.encap.offload.Coalescer;
import org.weft.encap.offload.Segmenter;

/**
 * What does a segment cost that is cut from a super-frame, and one that is merged into one, in cache? Nearly all of 1358 bytes is
 * their checksum (and their copy, when merged); of 1 byte, the headers.
 */
@State(Scope.Thread)
public class OffloadBenchmark {
    private static final int SEGMENTS = 45;
    private static final int HEADER_LENGTH = 54;
    private static final int VXLAN_LENGTH = 8;
    private static final int ARENA_STRIDE = 128;

    @Param({"1", "1358"})
    int payload;

    private final UnsafeBuffer superFrame = direct(0x10000 + 64);
    private final UnsafeBuffer arena = direct(SEGMENTS * ARENA_STRIDE);
    /** The segments as one receive has them, each behind its VXLAN header. */
    private final UnsafeBuffer received = direct(0x10000 + SEGMENTS * VXLAN_LENGTH + SEGMENTS * HEADER_LENGTH);

    private final UnsafeBuffer slot = direct(0x10000 + 64);
    private final FrameLayout layout = new FrameLayout();
    private final Segmenter segmenter = new Segmenter();
    private final Coalescer coalescer = new Coalescer();
    private int length;

    private static UnsafeBuffer direct(int length) {
        return new UnsafeBuffer(BufferUtil.allocateDirectAligned(length, 64));
    }

    @Setup
    public void frames() {
        length = HEADER_LENGTH + SEGMENTS * payload;
        Packets.putIpv4(superFrame, 0, length);
        cut();
        for (int i = 0; i < SEGMENTS; i++) {
            received.putBytes(position(i), arena, i * ARENA_STRIDE, HEADER_LENGTH);
            received.putBytes(position(i) + HEADER_LENGTH, superFrame, segmenter.payloadOffset(i), payload);
        }
        if (merge() != SEGMENTS) {
            throw new IllegalStateException("the segments do not merge");
        }
    }

    private int position(int segment) {
        return VXLAN_LENGTH + segment * (VXLAN_LENGTH + HEADER_LENGTH + payload);
    }

    /** Parsing, and {@code begin}, spread over the segments. */
    @Benchmark
    @OperationsPerInvocation(SEGMENTS)
    public int cut() {
        layout.parse(superFrame, 0, length);
        segmenter.begin(superFrame, 0, length, layout, VirtioNetHeader.GSO_TCPV4, payload);
        segmenter.writeHeaders(0, SEGMENTS, 0, arena, 0, ARENA_STRIDE);
        return segmenter.segments();
    }

    /** With parsing and copying the first, spread over the segments. */
    @Benchmark
    @OperationsPerInvocation(SEGMENTS)
    public int merge() {
        int each = HEADER_LENGTH + payload;
        slot.putBytes(0, received, position(0), each);
        layout.parse(slot, 0, each);
        coalescer.open(slot, 0, each, slot.capacity(), layout);
        for (int i = 1; i < SEGMENTS; i++) {
            coalescer.append(received, position(i), each);
        }
        return coalescer.close();
    }
}
