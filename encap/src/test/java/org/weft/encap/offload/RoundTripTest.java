package org.weft.encap.offload;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.weft.encap.FrameLayout;
import org.weft.encap.TcpHeader;
import org.weft.encap.VirtioNetHeader;

class RoundTripTest {
    private final FrameLayout layout = new FrameLayout();
    private final Segmenter segmenter = new Segmenter();

    @RepeatedTest(300)
    void cuttingAndMergingGivesTheSameSuperFrame(RepetitionInfo round) {
        SplittableRandom random = new SplittableRandom(round.getCurrentRepetition());
        TestFrame frame = TestFrame.random(random);
        frame.flags = TcpHeader.ACK
                | random.nextInt(2) * TcpHeader.ECE
                | random.nextInt(2) * TcpHeader.CWR
                | random.nextInt(2) * TcpHeader.PSH
                | random.nextInt(2) * TcpHeader.FIN;
        int most = 0xffff - (frame.headerLength() - frame.networkOffset());
        frame.payload = TestFrame.random(random, random.nextInt(2, random.nextInt(3) == 0 ? 200 : most + 1));
        int least = frame.tcp ? 1 : (frame.payload.length + 63) / 64;
        int gsoSize = random.nextInt(least, Math.max(least + 1, Math.min(frame.payload.length, 1500)));
        int type = frame.tcp
                ? frame.ipv4 ? VirtioNetHeader.GSO_TCPV4 : VirtioNetHeader.GSO_TCPV6
                : VirtioNetHeader.GSO_UDP_L4;
        int ecn = frame.tcp && (frame.flags & TcpHeader.CWR) != 0 ? VirtioNetHeader.GSO_ECN : 0;

        byte[] superFrame = frame.superFrame();
        layout.parse(new UnsafeBuffer(superFrame), 0, superFrame.length);
        assertTrue(segmenter.begin(new UnsafeBuffer(superFrame), 0, superFrame.length, layout, type | ecn, gsoSize));
        List<byte[]> segments = Segments.of(segmenter, superFrame, 0);
        List<Merger.Written> written = new Merger(0xffff + 30).merge(segments);

        assertEquals(1, written.size());
        assertArrayEquals(superFrame, written.get(0).frame());
        assertEquals(type | ecn, written.get(0).gsoType());
        assertEquals(gsoSize, written.get(0).gsoSize());
    }
}
