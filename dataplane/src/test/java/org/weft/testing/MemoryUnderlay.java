package org.weft.testing;

import java.util.ArrayDeque;
import java.util.Deque;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.Underlay;
import org.weft.encap.IpAddress;
import org.weft.encap.VxlanHeader;

/** A receiving socket that a test fills. */
public final class MemoryUnderlay implements Underlay {
    private record Datagram(byte[] payload, IpAddress source, int tos, int segmentLength) {}

    private static final IpAddress LOCAL = IpAddress.parse("10.0.32.14");

    private final Deque<Datagram> waiting = new ArrayDeque<>();
    private final Frame frame = new Frame();
    private Datagram endless;
    private int receiveError;
    private Variation variation = Variation.NONE;
    private int number;

    /** A peer sends a datagram. */
    public void peerSends(byte[] payload, IpAddress source, int tos) {
        waiting.add(new Datagram(payload.clone(), source, tos, payload.length));
    }

    /** A peer sends datagrams that the kernel merges into one. */
    public void peerSendsMerged(byte[] payloads, int segmentLength, IpAddress source) {
        peerSendsMerged(payloads, segmentLength, source, 0);
    }

    /** As the other, with an outer TOS. */
    public void peerSendsMerged(byte[] payloads, int segmentLength, IpAddress source, int tos) {
        waiting.add(new Datagram(payloads.clone(), source, tos, segmentLength));
    }

    /** From now on there is always another one of this. */
    public void endless(byte[] payload, IpAddress source) {
        endless = new Datagram(payload.clone(), source, 0, payload.length);
    }

    /** As the other, the frame in each one varied. */
    public void endless(byte[] payload, IpAddress source, Variation each) {
        endless(payload, source);
        variation = each;
    }

    /** From now on there is always another message of these datagrams, merged by the kernel. */
    public void endlessMerged(byte[] payloads, int segmentLength, IpAddress source) {
        endless = new Datagram(payloads.clone(), source, 0, segmentLength);
    }

    /** Makes every receive fail with this errno; 0 to end that. */
    public void failReceives(int errno) {
        receiveError = errno;
    }

    @Override
    public int receive(FrameSlab slab, int[] slots, int count) {
        if (receiveError != 0) {
            return -receiveError;
        }
        int received = 0;
        while (received < count) {
            Datagram next = endless != null ? endless : waiting.poll();
            if (next == null) {
                break;
            }
            fill(frame.wrap(slab, slots[received++]), next);
        }
        return received;
    }

    private void fill(Frame frame, Datagram datagram) {
        int offset = frame.start() - VxlanHeader.LENGTH;
        int length = datagram.payload().length;
        frame.buffer().putBytes(offset, datagram.payload());
        variation.vary(frame.buffer(), offset + VxlanHeader.LENGTH, number++);
        frame.offset(offset)
                .length(length)
                .source(datagram.source().high(), datagram.source().low(), 36821)
                .outerTos(datagram.tos())
                .segmentLength(datagram.segmentLength());
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
        return 4789;
    }

    @Override
    public void close() {}
}
