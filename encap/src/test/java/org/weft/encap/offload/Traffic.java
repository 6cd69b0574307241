package org.weft.encap.offload;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.weft.encap.TcpHeader;

/** Frames of some flows as a network delivers them: mixed, now and then lost, doubled, swapped or damaged. */
final class Traffic {
    private static final int FLOWS = 3;
    private static final int RARELY = 40;

    private final SplittableRandom random;
    private final TestFrame[] flows = new TestFrame[FLOWS];
    private final int[] segmentSizes = new int[FLOWS];
    private final boolean[] fixedIds = new boolean[FLOWS];
    private final List<byte[]> delivered = new ArrayList<>();

    Traffic(SplittableRandom random) {
        this.random = random;
        for (int i = 0; i < FLOWS; i++) {
            flows[i] = TestFrame.random(random);
            segmentSizes[i] = random.nextInt(1, random.nextBoolean() ? 30 : 1400);
            fixedIds[i] = random.nextInt(3) == 0;
            if (random.nextInt(6) == 0 && flows[i].ipv4) {
                flows[i].ipOptions = new byte[] {1, 1, 1, 0};
            }
        }
        if (random.nextBoolean()) {
            // Flows that differ in one thing only.
            flows[1] = flows[0].copy();
            flows[1].sourcePort ^= 1;
            segmentSizes[1] = segmentSizes[0];
        }
    }

    private static boolean rarely(SplittableRandom random) {
        return random.nextInt(RARELY) == 0;
    }

    List<byte[]> frames(int count) {
        while (delivered.size() < count) {
            int flow = random.nextInt(FLOWS);
            int burst = random.nextInt(1, 25);
            for (int i = 0; i < burst; i++) {
                deliver(next(flow, i == burst - 1));
            }
        }
        return delivered;
    }

    private byte[] next(int i, boolean last) {
        TestFrame flow = flows[i];
        boolean whole = !last || random.nextBoolean();
        flow.payload = TestFrame.random(random, whole ? segmentSizes[i] : random.nextInt(segmentSizes[i] + 2));
        flow.flags = TcpHeader.ACK | (last && random.nextBoolean() ? TcpHeader.PSH : 0);
        if (rarely(random)) {
            flow.flags ^= 1 << random.nextInt(8);
        }
        if (rarely(random)) {
            change(flow);
        }
        byte[] frame = flow.build();
        flow.id += fixedIds[i] ? 0 : rarely(random) ? random.nextInt(3) : 1;
        flow.sequence += flow.payload.length;
        return frame;
    }

    private void change(TestFrame flow) {
        switch (random.nextInt(8)) {
            case 0 -> flow.window++;
            case 1 -> flow.acknowledgment += 100;
            case 2 -> flow.tos ^= 3;
            case 3 -> flow.ttl ^= 1;
            case 4 -> flow.tcpOptions = TestFrame.random(random, flow.tcpOptions.length);
            case 5 -> flow.tcpOptions = TestFrame.random(random, 4 * random.nextInt(11));
            case 6 -> flow.fragmentField ^= 0x4000;
            default ->
                flow.vlanTags = random.ints(random.nextInt(3), 0, 0x10000).toArray();
        }
    }

    private void deliver(byte[] frame) {
        int fate = random.nextInt(100);
        if (fate == 0) {
            return;
        }
        if (fate == 1) {
            delivered.add(frame);
        }
        if (fate == 2) {
            frame[random.nextInt(frame.length)] ^= (byte) (1 << random.nextInt(8));
        }
        if (fate == 3) {
            frame = Arrays.copyOf(frame, random.nextInt(frame.length + 10));
        }
        int back = fate == 4 && !delivered.isEmpty() ? random.nextInt(Math.min(4, delivered.size())) : 0;
        delivered.add(delivered.size() - back, frame);
    }
}
