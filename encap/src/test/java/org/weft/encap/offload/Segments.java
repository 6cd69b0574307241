package org.weft.encap.offload;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;

/** Header from the arena and payload from the super-frame, put together. */
final class Segments {
    private static final int MARGIN = 16;

    private Segments() {}

    /** All segments of what a segmenter has begun; checks that nothing is written beside the header. */
    static List<byte[]> of(Segmenter segmenter, byte[] superFrame, int shift) {
        List<byte[]> segments = new ArrayList<>();
        int header = segmenter.headerLength();
        byte[] arena = new byte[MARGIN + header + MARGIN];
        byte[] margin = new byte[MARGIN];
        Arrays.fill(margin, (byte) 0xa5);
        for (int i = 0; i < segmenter.segments(); i++) {
            Arrays.fill(arena, (byte) 0xa5);
            segmenter.writeHeaders(i, 1, 0, new UnsafeBuffer(arena), MARGIN, 0);
            assertArrayEquals(margin, Arrays.copyOf(arena, MARGIN));
            assertArrayEquals(margin, Arrays.copyOfRange(arena, MARGIN + header, arena.length));
            byte[] segment = Arrays.copyOfRange(arena, MARGIN, MARGIN + header + segmenter.payloadLength(i, 1));
            int payload = segmenter.payloadOffset(i) - shift;
            System.arraycopy(superFrame, payload, segment, header, segmenter.payloadLength(i, 1));
            segments.add(segment);
        }
        return segments;
    }
}
