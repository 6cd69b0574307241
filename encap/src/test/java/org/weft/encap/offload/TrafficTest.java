package org.weft.encap.offload;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.weft.encap.VirtioNetHeader;

/** What a receiver gets to see of merged traffic is what came, frame by frame, in order. */
class TrafficTest {
    private static final int FRAMES = 400;

    private static List<byte[]> traffic(long seed) {
        List<byte[]> frames = new Traffic(new SplittableRandom(seed)).frames(FRAMES);
        return frames.stream().map(byte[]::clone).toList();
    }

    @RepeatedTest(300)
    void theReceiverSeesWhatCame(RepetitionInfo round) {
        int seed = round.getCurrentRepetition();
        List<byte[]> came = traffic(seed);
        int capacity = seed % 3 == 0 ? 4000 : 0xffff + 22;
        List<byte[]> seen = new ArrayList<>();
        for (Merger.Written written : new Merger(capacity).merge(traffic(seed))) {
            if (written.gsoType() != VirtioNetHeader.GSO_NONE) {
                assertTrue(written.frame().length <= capacity);
                Oracle.assertNetworkRight(written.frame());
            }
            seen.addAll(written.frames());
        }
        assertEquals(came.size(), seen.size());
        for (int i = 0; i < came.size(); i++) {
            assertSameButForAtomicId(came.get(i), seen.get(i), "frame " + i);
        }
    }

    /** Beside DF the id is free, and equal ones become a row. */
    private static void assertSameButForAtomicId(byte[] came, byte[] seen, String which) {
        if (came.length >= 34 && came.length == seen.length) {
            int network = Reference.networkOffset(seen);
            boolean atomic = seen[network] == 0x45 && (seen[network + 6] & 0x40) != 0;
            if (atomic && Reference.getShort(came, network + 4) != Reference.getShort(seen, network + 4)) {
                int checksum = Reference.checksum(seen, network, network + 20, 0);
                assertEquals(0, checksum, which);
                for (int field : new int[] {network + 4, network + 10}) {
                    Reference.putShort(seen, field, Reference.getShort(came, field));
                }
            }
        }
        assertArrayEquals(came, seen, which);
    }

    @Test
    void mostTrafficIsMerged() {
        int frames = 0;
        int writes = 0;
        for (int seed = 1; seed <= 50; seed++) {
            List<byte[]> came = traffic(seed);
            frames += came.size();
            writes += new Merger(0xffff + 22).merge(came).size();
        }
        assertTrue(writes * 2 < frames, writes + " writes for " + frames + " frames");
    }
}
