package org.weft.fuzz;

import java.util.ArrayDeque;
import java.util.Deque;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.Underlay;
import org.weft.encap.IpAddress;

/** A receiving socket that now and then fails or gives fewer messages than wait. */
final class FuzzUnderlay implements Underlay {
    static final IpAddress LOCAL = IpAddress.parse("10.0.0.1");
    static final int PORT = 4789;
    private static final int SOURCE_PORT = 36821;
    private static final int VXLAN_LENGTH = 8;

    private final Deque<Message> waiting = new ArrayDeque<>();
    private final Frame frame = new Frame();
    private final Faults faults;

    FuzzUnderlay(Faults faults) {
        this.faults = faults;
    }

    void send(Message message) {
        waiting.add(message);
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    @Override
    public int receive(FrameSlab slab, int[] slots, int count) {
        faults.perhapsCrash();
        int errno = faults.errno();
        if (errno != 0) {
            return -errno;
        }
        int most = faults.strike() ? faults.below(count + 1) : count;
        int received = 0;
        while (received < most && !waiting.isEmpty()) {
            fill(frame.wrap(slab, slots[received++]), waiting.remove());
        }
        return received;
    }

    private static void fill(Frame frame, Message message) {
        int offset = frame.start() - VXLAN_LENGTH;
        frame.buffer().putBytes(offset, message.payload());
        frame.offset(offset)
                .length(message.payload().length)
                .source(message.source().high(), message.source().low(), SOURCE_PORT)
                .outerTos(message.tos())
                .segmentLength(message.segmentLength());
    }

    @Override
    public long localHigh() {
        return LOCAL.high();
    }

    @Override
    public long localLow() {
        return LOCAL.low();
    }

    @Override
    public int port() {
        return PORT;
    }

    @Override
    public void close() {}
}
