package org.weft.encap.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.weft.encap.FrameLayout;

/** Buffers end where the frame ends, so that Agrona's bounds checks report whoever looks further. */
class GarbageTest {
    private final Segmenter segmenter = new Segmenter();
    private final FrameLayout layout = new FrameLayout();

    private static byte[] garbage(SplittableRandom random) {
        TestFrame frame = TestFrame.random(random);
        frame.payload = TestFrame.random(random, random.nextInt(300));
        byte[] bytes = frame.superFrame();
        int changes = random.nextInt(5);
        for (int i = 0; i < changes; i++) {
            bytes[random.nextInt(Math.min(bytes.length, 80))] = (byte) random.nextInt(256);
        }
        return switch (random.nextInt(4)) {
            case 0 -> Arrays.copyOf(bytes, random.nextInt(bytes.length));
            case 1 -> TestFrame.random(random, random.nextInt(200));
            default -> bytes;
        };
    }

    @RepeatedTest(20)
    void whatIsCutIsTheFrameAndNothingElse(RepetitionInfo round) {
        SplittableRandom random = new SplittableRandom(round.getCurrentRepetition());
        int cut = 0;
        for (int i = 0; i < 5000; i++) {
            byte[] frame = garbage(random);
            UnsafeBuffer buffer = new UnsafeBuffer(frame);
            layout.parse(buffer, 0, frame.length);
            int type = random.nextInt(7) | (random.nextBoolean() ? 0x80 : 0);
            if (!segmenter.begin(buffer, 0, frame.length, layout, type, random.nextInt(-1, 400))) {
                assertEquals(0, segmenter.segments());
                continue;
            }
            cut++;
            int payload = Segments.of(segmenter, frame, 0).stream()
                    .mapToInt(segment -> segment.length - segmenter.headerLength())
                    .sum();
            assertEquals(frame.length, segmenter.headerLength() + payload);
        }
        assertTrue(cut > 100);
    }

    @RepeatedTest(20)
    void whatIsMergedIsThereAgain(RepetitionInfo round) {
        SplittableRandom random = new SplittableRandom(round.getCurrentRepetition());
        List<byte[]> frames = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            byte[] frame = garbage(random);
            frames.add(frame);
            if (random.nextBoolean()) {
                frames.add(frame.clone());
            }
        }
        long bytes = frames.stream().mapToLong(frame -> frame.length).sum();
        List<Merger.Written> written = new Merger(random.nextInt(4000)).merge(frames);
        assertEquals(
                bytes,
                written.stream()
                        .flatMap(one -> one.frames().stream())
                        .mapToLong(frame -> frame.length)
                        .sum());
    }
}
