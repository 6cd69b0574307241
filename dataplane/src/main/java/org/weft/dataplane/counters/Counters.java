package org.weft.dataplane.counters;

import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.agrona.BitUtil;
import org.agrona.BufferUtil;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * The counters of one VTEP or one underlay socket, and for each drop reason the last packet that met it.
 *
 * <p>Each counter has a single writing thread; several workers write to a {@linkplain #lane lane} each, which the whole
 * sums up. Any thread may read. A sample is guarded by a version (odd while it is
 * being written), so that a reader never sees half of one.
 */
public final class Counters {
    /** How many bytes of a dropped packet are remembered. */
    public static final int SAMPLE_LENGTH = 128;

    private static final int COUNTER_LENGTH = BitUtil.CACHE_LINE_LENGTH;
    private static final int VERSION_OFFSET = 0;
    private static final int TIME_OFFSET = VERSION_OFFSET + Long.BYTES;
    private static final int LENGTH_OFFSET = TIME_OFFSET + Long.BYTES;
    private static final int BYTES_OFFSET = LENGTH_OFFSET + Long.BYTES;
    private static final int SAMPLE_SLOT_LENGTH = BYTES_OFFSET + SAMPLE_LENGTH;

    private static final int COUNT = Counter.values().length;

    private final UnsafeBuffer values = new UnsafeBuffer(aligned(COUNT * COUNTER_LENGTH));
    private final UnsafeBuffer samples = new UnsafeBuffer(aligned(COUNT * SAMPLE_SLOT_LENGTH));

    private volatile Counters[] lanes = {};

    private static ByteBuffer aligned(int length) {
        return BufferUtil.allocateDirectAligned(length, BitUtil.CACHE_LINE_LENGTH);
    }

    /** The part that one worker writes; the same object each time. */
    public synchronized Counters lane(int worker) {
        Counters[] current = lanes;
        if (worker >= current.length) {
            current = Arrays.copyOf(current, worker + 1);
            for (int i = lanes.length; i <= worker; i++) {
                current[i] = new Counters();
            }
            lanes = current;
        }
        return current[worker];
    }

    public void increment(Counter counter) {
        add(counter, 1);
    }

    public void add(Counter counter, long amount) {
        int offset = counter.ordinal() * COUNTER_LENGTH;
        values.putLongRelease(offset, values.getLong(offset) + amount);
    }

    public long get(Counter counter) {
        long sum = values.getLongVolatile(counter.ordinal() * COUNTER_LENGTH);
        for (Counters lane : lanes) {
            sum += lane.get(counter);
        }
        return sum;
    }

    /**
     * Counts a dropped packet and remembers its first bytes.
     *
     * @param epochMillis when it was dropped
     */
    public void drop(Counter reason, DirectBuffer packet, int offset, int length, long epochMillis) {
        increment(reason);
        int sample = reason.ordinal() * SAMPLE_SLOT_LENGTH;
        long version = samples.getLong(sample + VERSION_OFFSET);
        samples.putLongRelease(sample + VERSION_OFFSET, version + 1);
        VarHandle.storeStoreFence();
        samples.putLong(sample + TIME_OFFSET, epochMillis);
        samples.putLong(sample + LENGTH_OFFSET, length);
        samples.putBytes(sample + BYTES_OFFSET, packet, offset, Math.min(length, SAMPLE_LENGTH));
        samples.putLongRelease(sample + VERSION_OFFSET, version + 2);
    }

    /** The last packet dropped for this reason, or null if there was none. */
    public DropSample lastDrop(Counter reason) {
        DropSample last = ownLastDrop(reason);
        for (Counters lane : lanes) {
            DropSample other = lane.lastDrop(reason);
            if (last == null || other != null && other.epochMillis() > last.epochMillis()) {
                last = other;
            }
        }
        return last;
    }

    private DropSample ownLastDrop(Counter reason) {
        int sample = reason.ordinal() * SAMPLE_SLOT_LENGTH;
        while (true) {
            long version = samples.getLongVolatile(sample + VERSION_OFFSET);
            if (version == 0) {
                return null;
            }
            long time = samples.getLong(sample + TIME_OFFSET);
            int length = (int) samples.getLong(sample + LENGTH_OFFSET);
            byte[] header = new byte[Math.max(0, Math.min(length, SAMPLE_LENGTH))];
            samples.getBytes(sample + BYTES_OFFSET, header);
            VarHandle.loadLoadFence();
            if ((version & 1) == 0 && version == samples.getLongVolatile(sample + VERSION_OFFSET)) {
                return new DropSample(time, length, header);
            }
            Thread.onSpinWait();
        }
    }

    /** Sum of all drop reasons of one direction. */
    public long sum(Counter.Kind kind) {
        long sum = 0;
        for (Counter counter : Counter.drops()) {
            sum += counter.kind() == kind ? get(counter) : 0;
        }
        return sum;
    }
}
