package org.weft.dataplane.capture;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import org.agrona.BitUtil;
import org.agrona.BufferUtil;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.ringbuffer.ManyToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.RingBufferDescriptor;
import org.weft.dataplane.counters.Counter;

/**
 * One capture: a bounded ring that agents copy packets into, and pcapng out of it. A packet that finds the ring full
 * is lost to this session and counted; its way goes on.
 *
 * <p>A file is {@link #preamble()}, then what {@link #drain} writes. One thread drains and closes. The last call is a
 * drain after {@link #close()}, which ends the file with the number of lost packets.
 */
public final class CaptureSession implements AutoCloseable {
    /** About a hundred of the largest frames, or 5,000 of 1,500 bytes. */
    static final int RING_CAPACITY = 8 << 20;

    /** More than the longest frame or datagram, so that all are kept whole. */
    static final int SNAP_LENGTH = 65_664;

    private static final int RECORD_TYPE = 1;

    /** Less than this is slewed by whoever disciplines the clock, and nanoTime() with it. */
    private static final long CLOCK_STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private static final int CLOCK_READINGS = 3;
    private static final Capture.Point[] POINTS = Capture.Point.values();

    private final Capture capture;
    private final CaptureFilter filter;
    private final ManyToOneRingBuffer ring;
    private final AtomicLongArray lost = new AtomicLongArray(POINTS.length);
    private final long[] written = new long[POINTS.length];
    private final CapturedPacket packet = new CapturedPacket();
    private final PcapngWriter writer = new PcapngWriter();

    /** Devices seen so far; records carry the index. Replaced, never changed. */
    private volatile String[] names = {};

    /** What {@link System#nanoTime()} is behind the epoch. */
    private volatile long epochNanos = epochNanos();

    private boolean closed;
    private boolean ended;

    CaptureSession(Capture capture, CaptureFilter filter, int ringCapacity) {
        this.capture = capture;
        this.filter = filter;
        ByteBuffer memory = BufferUtil.allocateDirectAligned(
                ringCapacity + RingBufferDescriptor.TRAILER_LENGTH, BitUtil.CACHE_LINE_LENGTH);
        this.ring = new ManyToOneRingBuffer(new UnsafeBuffer(memory));
    }

    /** What a pcapng file begins with: section header, interface 0 "tap" (Ethernet), interface 1 "wire" (raw IP). */
    public byte[] preamble() {
        return writer.preamble();
    }

    /**
     * Writes packets that wait in the ring, oldest first. Does not block on the ring and does not flush the stream. The
     * first call after {@link #close()} writes the interface statistics behind them; later ones write nothing.
     *
     * @param limit most packets to write
     * @return how many packets were written
     */
    public int drain(OutputStream out, int limit) throws IOException {
        followClock();
        if (ended) {
            return 0;
        }
        int count = drainRing(out, limit);
        if (closed) {
            ended = true;
            long now = now();
            for (Capture.Point point : POINTS) {
                long lostHere = lost.get(point.ordinal());
                writer.statistics(out, point, now, written[point.ordinal()] + lostHere, lostHere);
            }
        }
        return count;
    }

    /** One read ends where the ring wraps, possibly without a packet, so only a position that stays means empty. */
    private int drainRing(OutputStream out, int limit) throws IOException {
        int count = 0;
        long before;
        try {
            do {
                before = ring.consumerPosition();
                count += ring.read((type, buffer, index, length) -> write(out, buffer, index, length), limit - count);
            } while (count < limit && ring.consumerPosition() != before);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        return count;
    }

    private void write(OutputStream out, DirectBuffer buffer, int index, int length) {
        try {
            packet.wrap(buffer, index, length);
            writer.packet(out, packet, names[packet.name()]);
            written[packet.point().ordinal()]++;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Packets that passed the filter and found the ring full. */
    public long lost() {
        long sum = 0;
        for (int i = 0; i < lost.length(); i++) {
            sum += lost.get(i);
        }
        return sum;
    }

    /** Agents show this session no more packets; what is in the ring stays for a last {@link #drain}. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            capture.remove(this);
        }
    }

    /** Copies a frame of the TAP device into the ring if it passes the filter; called by any agent. */
    void frame(String vtep, boolean outbound, Counter verdict, DirectBuffer packet, int offset, int length) {
        if (filter.accepts(vtep, Capture.Point.TAP, verdict)) {
            int index = claim(Capture.Point.TAP, vtep, length);
            if (index >= 0) {
                CapturedPacket.writeKind(ring.buffer(), index, Capture.Point.TAP, outbound, verdict);
                CapturedPacket.writeNoOuter(ring.buffer(), index);
                commit(index, packet, offset, length);
            }
        }
    }

    /** Copies a datagram of the underlay into the ring if it passes the filter; called by any agent. */
    void datagram(Sighting sighting, Counter verdict, DirectBuffer packet, int offset, int length) {
        if (filter.accepts(sighting.vtep, Capture.Point.WIRE, verdict)) {
            int index = claim(Capture.Point.WIRE, sighting.vtep, length);
            if (index >= 0) {
                CapturedPacket.writeKind(ring.buffer(), index, Capture.Point.WIRE, sighting.outbound, verdict);
                CapturedPacket.writeOuter(ring.buffer(), index, sighting);
                commit(index, packet, offset, length);
            }
        }
    }

    /** Claims a record and begins it; negative if the ring is full, and the packet is counted as lost. */
    private int claim(Capture.Point point, String vtep, int length) {
        int name = nameIndex(vtep);
        int index = ring.tryClaim(RECORD_TYPE, CapturedPacket.HEADER_LENGTH + Math.min(length, SNAP_LENGTH));
        if (index < 0) {
            lost.incrementAndGet(point.ordinal());
        } else {
            CapturedPacket.write(ring.buffer(), index, now(), name, length);
        }
        return index;
    }

    private void commit(int index, DirectBuffer packet, int offset, int length) {
        int kept = Math.min(length, SNAP_LENGTH);
        ring.buffer().putBytes(index + CapturedPacket.HEADER_LENGTH, packet, offset, kept);
        ring.commit(index);
    }

    private int nameIndex(String name) {
        int index = indexOf(names, name);
        return index >= 0 ? index : newName(name);
    }

    private static int indexOf(String[] names, String name) {
        for (int i = 0; i < names.length; i++) {
            if (name == null ? names[i] == null : name.equals(names[i])) {
                return i;
            }
        }
        return -1;
    }

    private synchronized int newName(String name) {
        String[] known = names;
        int index = indexOf(known, name);
        if (index >= 0) {
            return index;
        }
        String[] changed = Arrays.copyOf(known, known.length + 1);
        changed[known.length] = name;
        names = changed;
        return known.length;
    }

    private long now() {
        return System.nanoTime() + epochNanos;
    }

    /** Instant.now() allocates, so packets take nanoTime(), and this follows when somebody sets the clock. */
    private void followClock() {
        long current = epochNanos();
        if (Math.abs(current - epochNanos) > CLOCK_STEP_NANOS) {
            epochNanos = current;
        }
    }

    /** The best of a few readings, as this thread may lose its processor between the clocks. */
    private static long epochNanos() {
        long best = Long.MAX_VALUE;
        long offset = 0;
        for (int i = 0; i < CLOCK_READINGS; i++) {
            long before = System.nanoTime();
            Instant now = Instant.now();
            long took = System.nanoTime() - before;
            if (took < best) {
                best = took;
                offset = TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano() - before - took / 2;
            }
        }
        return offset;
    }
}
