package org.weft.fuzz;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.Outer;
import org.weft.dataplane.io.UnderlaySender;
import org.weft.encap.IpAddress;

/**
 * A sending pool of little room that now and then fails to send a datagram, or refuses an uncut super-frame. It reads what it
 * was given only when it is flushed, as the kernel does.
 */
final class FuzzSender implements UnderlaySender {
    /** A datagram that was given to it; {@code errno} is 0 if it left. */
    record Sent(byte[] payload, Way way, boolean uncut, int errno) {
        @Override
        public String toString() {
            return "sent to " + way + (uncut ? " uncut" : "") + " errno " + errno + " "
                    + HexFormat.of().formatHex(payload);
        }
    }

    /** The outer headers. */
    record Way(IpAddress remote, int port, int tos, int ttl, boolean dontFragment) {}

    private record Waiting(long header, int headerLength, long payload, int payloadLength, Way way, int tag) {}

    private final List<Waiting> waiting = new ArrayList<>();
    private final List<Sent> sent = new ArrayList<>();
    private final UnsafeBuffer view = new UnsafeBuffer();
    private final Faults faults;
    private final int capacity;
    private final boolean sendsUncut;
    private Way way;
    private int tag;

    /** @param sendsUncut whether it sends super-frames, but for those that it refuses by a fault */
    FuzzSender(Faults faults, int capacity, boolean sendsUncut) {
        this.faults = faults;
        this.capacity = capacity;
        this.sendsUncut = sendsUncut;
    }

    /** What it was given since the last call, in order. */
    List<Sent> sent() {
        List<Sent> all = List.copyOf(sent);
        sent.clear();
        return all;
    }

    @Override
    public int room() {
        return capacity - waiting.size();
    }

    @Override
    public void to(Outer outer, int tag) {
        IpAddress remote = new IpAddress(outer.remoteHigh(), outer.remoteLow());
        this.way = new Way(remote, outer.port(), outer.tos(), outer.ttl(), outer.dontFragment());
        this.tag = tag;
    }

    @Override
    public void add(
            long headerAddress,
            int headerLength,
            int headerStride,
            long payloadAddress,
            int payloadLength,
            int segmentLength) {
        faults.perhapsCrash();
        int done = 0;
        long header = headerAddress;
        do {
            int length = Math.min(segmentLength, payloadLength - done);
            if (waiting.size() == capacity) {
                throw new IllegalStateException("more was added than there is room for");
            }
            waiting.add(new Waiting(header, headerLength, payloadAddress + done, length, way, tag));
            header += headerStride;
            done += length;
        } while (done < payloadLength);
    }

    private byte[] read(long address, int length) {
        byte[] bytes = new byte[length];
        if (length > 0) {
            view.wrap(address, length);
            view.getBytes(0, bytes);
        }
        return bytes;
    }

    @Override
    public boolean sendsUncut() {
        return sendsUncut;
    }

    @Override
    public boolean sendUncut(long address, int length, int gsoType, int gsoSize, int transport, int headersLength) {
        if (!waiting.isEmpty()) {
            throw new IllegalStateException("an uncut super-frame overtakes what was added before");
        }
        faults.perhapsCrash();
        boolean taken = !faults.strike();
        if (taken) {
            sent.add(new Sent(read(address, length), way, true, 0));
        }
        return taken;
    }

    @Override
    public int flush(FailureHandler failures) {
        try {
            return send(failures);
        } finally {
            waiting.clear();
        }
    }

    private int send(FailureHandler failures) {
        int left = 0;
        for (Waiting one : waiting) {
            faults.perhapsCrash();
            byte[] header = read(one.header(), one.headerLength());
            byte[] payload = Octets.join(header, read(one.payload(), one.payloadLength()));
            int errno = faults.errno();
            sent.add(new Sent(payload, one.way(), false, errno));
            if (errno == 0) {
                left++;
            } else {
                failures.onSendFailure(one.tag(), errno);
            }
        }
        return left;
    }

    @Override
    public int sourcePort(int flowHash) {
        return 0xc000 | flowHash & 0x3fff;
    }

    @Override
    public void close() {}
}
