package org.weft.silk.policy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.MessageHandler;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.ringbuffer.ManyToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.RingBufferDescriptor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.dataplane.watchdog.Heartbeat;
import org.weft.dataplane.watchdog.Heartbeats;
import org.weft.encap.FlowKey;
import org.weft.encap.IpAddress;

/**
 * Writes verdicts to a file in iptables-logger's form. Agents leave them in a ring and never wait: what is beyond a
 * second's budget, or finds the ring full or the file unwritable, is counted, and the count is written once a second.
 *
 * <p>Agents may call {@link #verdict} at any time, also after {@link #close}.
 */
public final class VerdictLog implements VerdictSink, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(VerdictLog.class);

    /** As many as iptables-logger's rules log of UDP at most (silk-release: jobs/vxlan-policy-agent/spec). */
    private static final int BUDGET = 100;

    private static final int RECORDS = 1 << 10;
    private static final int RECORD_LENGTH = 64;
    private static final int RECORD_TYPE = 1;
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final long IDLE = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long END_MILLIS = 5000;

    private final ManyToOneRingBuffer ring;
    private final int budget;
    private final AtomicInteger allowances;
    private final AtomicInteger denials;
    private final LongAdder lostAllowed = new LongAdder();
    private final LongAdder lostDenied = new LongAdder();

    /** What {@link System#nanoTime} lacks to the time since 1970, so that an agent reads but one clock. */
    private volatile long epochOffset = epochOffset();

    private volatile boolean closed;
    private Thread thread;
    private Heartbeat heartbeat;

    // Of the writer.
    private final VerdictFile file;
    private final VerdictRecord record = new VerdictRecord();
    private final StringBuilder lines = new StringBuilder();
    private final MessageHandler reader = this::read;
    private VerdictLines format;
    private long second;
    private int readAllowed;
    private int readDenied;
    private long toldAllowed;
    private long toldDenied;
    private String failure;

    public VerdictLog(Path file) {
        this(file, RECORDS, BUDGET);
    }

    /**
     * @param records how many verdicts the ring holds
     * @param budget how many verdicts of each kind are written in a second
     */
    VerdictLog(Path file, int records, int budget) {
        this.file = new VerdictFile(file);
        this.budget = budget;
        this.allowances = new AtomicInteger(budget);
        this.denials = new AtomicInteger(budget);
        this.ring = new ManyToOneRingBuffer(new UnsafeBuffer(
                ByteBuffer.allocateDirect(records * RECORD_LENGTH + RingBufferDescriptor.TRAILER_LENGTH)));
    }

    /**
     * Begins to write.
     *
     * @param policies know whose addresses and tags these are
     * @param host underlay address of this host; null while it has none
     */
    public void start(Policies policies, Supplier<IpAddress> host) {
        start(new VerdictLines(policies::workload, policies::workload, host));
    }

    void start(VerdictLines names) {
        prepare(names);
        heartbeat = Heartbeats.PROCESS.register("weft-verdicts", Heartbeats.CONTROL);
        thread = new Thread(heartbeat.life(this::run), "weft-verdicts");
        thread.setDaemon(true);
        thread.start();
    }

    /** All of {@link #start} but the thread. */
    void prepare(VerdictLines names) {
        format = names;
        second = System.nanoTime();
        file.check();
    }

    @Override
    public void verdict(FlowKey key, int tag, boolean allowed) {
        if (!take(allowed ? allowances : denials) || !put(key, tag, allowed)) {
            (allowed ? lostAllowed : lostDenied).increment();
        }
    }

    /** Looks before it takes, as under a flood many threads ask for what has long gone. */
    private static boolean take(AtomicInteger left) {
        return left.get() > 0 && left.getAndDecrement() > 0;
    }

    private boolean put(FlowKey key, int tag, boolean allowed) {
        int index = ring.tryClaim(RECORD_TYPE, VerdictRecord.LENGTH);
        if (index < 0) {
            return false;
        }
        VerdictRecord.put(ring.buffer(), index, System.nanoTime() + epochOffset, key, tag, allowed);
        ring.commit(index);
        return true;
    }

    /** How many verdicts are in no file, since the start. */
    public long lost() {
        return lostAllowed.sum() + lostDenied.sum();
    }

    /** Why nothing can be written, in a sentence; null if it can, as far as is known. */
    public String trouble() {
        return file.trouble();
    }

    private static long epochOffset() {
        return TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis()) - System.nanoTime();
    }

    private void run() {
        while (!closed) {
            heartbeat.beat();
            doWork(System.nanoTime());
            LockSupport.parkNanos(IDLE);
        }
        doWork(System.nanoTime());
        tellLost();
        file.close();
    }

    /** Writes what waits, and once a second begins a new budget. */
    void doWork(long now) {
        try {
            while (ring.read(reader) > 0) {
                write();
            }
            if (now - second >= SECOND) {
                second = now;
                everySecond();
            }
        } catch (RuntimeException | Error e) {
            if (!String.valueOf(e).equals(failure)) {
                LOG.error("verdicts: {}", e.getMessage(), e);
            }
            failure = String.valueOf(e);
        }
    }

    private void read(int type, MutableDirectBuffer buffer, int index, int length) {
        record.wrap(buffer, index);
        readAllowed += record.allowed() ? 1 : 0;
        readDenied += record.allowed() ? 0 : 1;
        lines.append(format.line(record));
    }

    private void write() {
        if (!append()) {
            lostAllowed.add(readAllowed);
            lostDenied.add(readDenied);
        }
        readAllowed = 0;
        readDenied = 0;
    }

    private boolean append() {
        ByteBuffer bytes = StandardCharsets.UTF_8.encode(lines.toString());
        lines.setLength(0);
        return file.append(bytes);
    }

    private void everySecond() {
        epochOffset = epochOffset();
        file.check();
        tellLost();
        allowances.set(budget);
        denials.set(budget);
    }

    private void tellLost() {
        long allowed = lostAllowed.sum();
        long denied = lostDenied.sum();
        if (allowed == toldAllowed && denied == toldDenied) {
            return;
        }
        lines.append(format.lost(System.nanoTime() + epochOffset, allowed - toldAllowed, denied - toldDenied));
        if (append()) {
            toldAllowed = allowed;
            toldDenied = denied;
        }
    }

    /** Writes what waits, and ends. Later verdicts are lost. */
    @Override
    public void close() {
        closed = true;
        if (thread == null) {
            file.close();
            return;
        }
        LockSupport.unpark(thread);
        try {
            thread.join(END_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
