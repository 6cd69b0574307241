package org.weft.testing;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.Offloads;
import org.weft.dataplane.io.TapDevice;
import org.weft.encap.VirtioNetHeader;

/** A TAP whose two ends are in this process: a test queues what the host sends, and sees what the host gets. */
public final class MemoryTap implements TapDevice {
    /** A frame that the host got, with its virtio-net fields. */
    public record Delivered(
            byte[] bytes,
            int vnetFlags,
            int gsoType,
            int headersLength,
            int gsoSize,
            int checksumStart,
            int checksumOffset) {}

    private record Queued(
            byte[] bytes, int vnetFlags, int gsoType, int gsoSize, int checksumStart, int checksumOffset) {}

    private final Deque<Queued> fromHost = new ArrayDeque<>();
    private final List<Delivered> toHost = new ArrayList<>();
    private int writeError;
    private int readError;
    private boolean discarding;
    private Queued endless;
    private Variation variation = Variation.NONE;
    private int number;

    /** The host sends a frame. */
    public void hostSends(byte[] frame) {
        fromHost.add(new Queued(frame.clone(), 0, 0, 0, 0, 0));
    }

    /** The host sends a frame whose checksum is still to be filled in. */
    public void hostSendsPartial(byte[] frame, int vnetFlags, int checksumStart, int checksumOffset) {
        fromHost.add(new Queued(frame.clone(), vnetFlags, 0, 0, checksumStart, checksumOffset));
    }

    /** The host sends a super-frame. */
    public void hostSendsSuperFrame(byte[] frame, int gsoType, int gsoSize, int checksumStart, int checksumOffset) {
        int flags = VirtioNetHeader.FLAG_NEEDS_CHECKSUM;
        fromHost.add(new Queued(frame.clone(), flags, gsoType, gsoSize, checksumStart, checksumOffset));
    }

    /** From now on the host sends this frame whenever it is asked, and what it gets is thrown away. */
    public void endless(byte[] frame) {
        endless(frame, Variation.NONE);
    }

    /** As the other, each one varied. */
    public void endless(byte[] frame, Variation each) {
        endless = new Queued(frame.clone(), 0, 0, 0, 0, 0);
        variation = each;
        discarding = true;
    }

    /** What the host got since the last call. */
    public List<Delivered> delivered() {
        List<Delivered> frames = List.copyOf(toHost);
        toHost.clear();
        return frames;
    }

    /** Makes every write fail with this errno; 0 to end that. */
    public void failWrites(int errno) {
        writeError = errno;
    }

    /** Makes every read fail with this errno; 0 to end that. */
    public void failReads(int errno) {
        readError = errno;
    }

    @Override
    public String name() {
        return "memory";
    }

    @Override
    public Offloads offloads() {
        return new Offloads(true, false, false, false);
    }

    @Override
    public int read(Frame frame) {
        if (readError != 0) {
            return -readError;
        }
        Queued next = endless != null ? endless : fromHost.poll();
        if (next == null) {
            return 0;
        }
        int length = next.bytes().length;
        frame.buffer().putBytes(frame.start(), next.bytes());
        variation.vary(frame.buffer(), frame.start(), number++);
        frame.offset(frame.start())
                .length(length)
                .vnet(next.vnetFlags(), next.gsoType(), 0, next.gsoSize(), next.checksumStart(), next.checksumOffset());
        return length;
    }

    @Override
    public int write(Frame frame) {
        if (writeError != 0) {
            return -writeError;
        }
        if (!discarding) {
            byte[] bytes = new byte[frame.length()];
            frame.buffer().getBytes(frame.offset(), bytes);
            toHost.add(new Delivered(
                    bytes,
                    frame.vnetFlags(),
                    frame.gsoType(),
                    frame.headersLength(),
                    frame.gsoSize(),
                    frame.checksumStart(),
                    frame.checksumOffset()));
        }
        return frame.length();
    }

    @Override
    public void close() {}
}
