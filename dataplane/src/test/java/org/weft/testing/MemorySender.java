package org.weft.testing;

import java.util.ArrayList;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.Outer;
import org.weft.dataplane.io.UnderlaySender;
import org.weft.encap.FlowHash;
import org.weft.encap.IpAddress;

/** A sending pool that keeps what it is given, for a test to look at. */
public final class MemorySender implements UnderlaySender {
    /** A datagram that left. */
    public record Sent(
            byte[] payload, IpAddress remote, int port, int flowHash, int tos, int ttl, boolean dontFragment) {}

    private static final int CAPACITY = 256;

    private final List<Sent> batch = new ArrayList<>();
    private final List<Integer> tags = new ArrayList<>();
    private final List<Sent> left = new ArrayList<>();
    private final UnsafeBuffer view = new UnsafeBuffer();
    private final boolean discarding;
    private int added;
    private final Outer outer = new Outer();
    private int tag;
    private int flushes;
    private int sendError;
    private boolean sendsUncut;
    private boolean refusesUncut;

    public MemorySender() {
        this(false);
    }

    /** @param discarding whether to count only, and allocate nothing */
    public MemorySender(boolean discarding) {
        this.discarding = discarding;
    }

    /** What left since the last call. */
    public List<Sent> sent() {
        List<Sent> datagrams = List.copyOf(left);
        left.clear();
        return datagrams;
    }

    private Sent sent(byte[] payload) {
        return new Sent(
                payload,
                new IpAddress(outer.remoteHigh(), outer.remoteLow()),
                outer.port(),
                outer.flowHash(),
                outer.tos(),
                outer.ttl(),
                outer.dontFragment());
    }

    /** How often a batch was sent. */
    public int flushes() {
        return flushes;
    }

    /** Makes every datagram fail with this errno; 0 to end that. */
    public void failSends(int errno) {
        sendError = errno;
    }

    /** Lets super-frames leave uncut: an uncut one is among what left, as one datagram. */
    public void sendUncut(boolean on) {
        sendsUncut = on;
    }

    /** Makes it refuse super-frames that it was asked to send uncut. */
    public void refuseUncut(boolean on) {
        refusesUncut = on;
    }

    @Override
    public boolean sendsUncut() {
        return sendsUncut;
    }

    @Override
    public boolean sendUncut(long address, int length, int gsoType, int gsoSize, int transport, int headersLength) {
        if (refusesUncut) {
            return false;
        }
        byte[] payload = new byte[length];
        view.wrap(address, length);
        view.getBytes(0, payload);
        left.add(sent(payload));
        return true;
    }

    @Override
    public int room() {
        return CAPACITY - added;
    }

    @Override
    public void to(Outer outer, int tag) {
        this.outer.set(outer);
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
        int done = 0;
        long header = headerAddress;
        do {
            int length = Math.min(segmentLength, payloadLength - done);
            add(header, headerLength, payloadAddress + done, length);
            header += headerStride;
            done += length;
        } while (done < payloadLength);
    }

    private void add(long headerAddress, int headerLength, long payloadAddress, int payloadLength) {
        if (added++ == CAPACITY) {
            throw new IllegalStateException("added beyond the capacity");
        }
        if (discarding) {
            return;
        }
        byte[] payload = new byte[headerLength + payloadLength];
        view.wrap(headerAddress, headerLength);
        view.getBytes(0, payload, 0, headerLength);
        if (payloadLength > 0) {
            view.wrap(payloadAddress, payloadLength);
            view.getBytes(0, payload, headerLength, payloadLength);
        }
        batch.add(sent(payload));
        tags.add(tag);
    }

    @Override
    public int flush(FailureHandler failures) {
        int count = added;
        added = 0;
        flushes++;
        if (sendError != 0) {
            tags.forEach(tag -> failures.onSendFailure(tag, sendError));
            count = 0;
        } else if (!discarding) {
            left.addAll(batch);
        }
        batch.clear();
        tags.clear();
        return count;
    }

    @Override
    public int sourcePort(int flowHash) {
        return FlowHash.sourcePort(flowHash, 32768, 61000);
    }

    @Override
    public void close() {}
}
