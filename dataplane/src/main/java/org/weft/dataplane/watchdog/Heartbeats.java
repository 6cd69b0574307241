package org.weft.dataplane.watchdog;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;

/**
 * The long-lived threads of a process, and whether each still beats. Thread-safe; a question never waits for a
 * thread that hangs.
 *
 * <p>One thread looks at them once a second. If it did not for longer, then the whole process was stopped, or did not get the
 * CPU: each thread has its full time again then.
 */
public final class Heartbeats {
    /** Of this process: threads are its own wherever they are started. */
    public static final Heartbeats PROCESS = new Heartbeats(System::nanoTime);

    /** For a thread that moves packets: it never waits for anything else, and beats once a second or more often. */
    public static final Duration PACKETS = Duration.ofSeconds(10);

    /** For any other thread: longer than the deadlines of whatever it waits for. */
    public static final Duration CONTROL = Duration.ofMinutes(2);

    /** How often threads beat that have nothing else to do. */
    public static final Duration PERIOD = Duration.ofSeconds(1);

    /** Between two looks; what is longer was no usual pause. */
    private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(3);

    private final LongSupplier clock;
    private final Set<Heartbeat> all = ConcurrentHashMap.newKeySet();
    private volatile BiConsumer<String, Throwable> onDeath = (sentence, cause) -> {};
    private volatile String lost;

    /** What the last look found, and when it was; false before the first one. */
    private volatile String found;

    private volatile long lookedNanos;
    private volatile boolean watched;

    /** When the last pause of the looks was over. */
    private volatile long resumedNanos;

    /** The look that is missed most, and when it was missed first. */
    private volatile long missedNanos;

    private volatile long missedSinceNanos;

    /** @param clock as {@link System#nanoTime} */
    public Heartbeats(LongSupplier clock) {
        this.clock = clock;
        resumedNanos = clock.getAsLong();
    }

    /** @param hears of each thread that dies, on that thread: a sentence, and what it died of */
    public void onDeath(BiConsumer<String, Throwable> hears) {
        onDeath = hears;
    }

    /**
     * A thread that is to beat from now on.
     *
     * @param patience how long it may be silent
     */
    public Heartbeat register(String name, Duration patience) {
        Heartbeat heartbeat = new Heartbeat(this, name, patience.toNanos());
        all.add(heartbeat);
        return heartbeat;
    }

    /** A thread without a heartbeat died: this sentence is told from now on. */
    public void lost(String sentence) {
        lost = sentence;
    }

    /**
     * Looks at all threads; one thread does this once a second.
     *
     * @return what is wrong, in one sentence that names the thread; null if all beat
     */
    public String look() {
        long now = nanoTime();
        if (watched && now - lookedNanos > PAUSE_NANOS) {
            resumedNanos = now;
        }
        found = lost;
        for (Heartbeat heartbeat : all) {
            found = found == null ? heartbeat.trouble(now, resumedNanos) : found;
        }
        lookedNanos = now;
        watched = true;
        return found;
    }

    /** What the last look found: null if all threads beat. A thread that died meanwhile is told at once. */
    public String trouble() {
        if (!watched) {
            return null;
        }
        for (Heartbeat heartbeat : all) {
            if (heartbeat.death() != null) {
                return heartbeat.death();
            }
        }
        long now = nanoTime();
        long looked = lookedNanos;
        if (found != null || now - looked <= PAUSE_NANOS) {
            return found == null ? lost : found;
        }
        if (missedNanos != looked) {
            // Perhaps all threads were stopped, and that one is about to look.
            missedNanos = looked;
            missedSinceNanos = now;
        }
        return now - missedSinceNanos <= PACKETS.toNanos()
                ? lost
                : "thread weft-watchdog has not moved for " + TimeUnit.NANOSECONDS.toSeconds(now - looked) + " s";
    }

    /** Where the threads are that have not moved for too long, for the log. This may wait for them. */
    String stacks() {
        StringBuilder stacks = new StringBuilder();
        long now = nanoTime();
        for (Heartbeat heartbeat : all) {
            Thread thread = heartbeat.thread();
            if (thread != null && heartbeat.trouble(now, resumedNanos) != null) {
                stacks.append(heartbeat.name()).append(":\n");
                for (StackTraceElement element : thread.getStackTrace()) {
                    stacks.append("\tat ").append(element).append('\n');
                }
            }
        }
        return stacks.toString();
    }

    long nanoTime() {
        return clock.getAsLong();
    }

    void died(String sentence, Throwable cause) {
        onDeath.accept(sentence, cause);
    }

    void remove(Heartbeat heartbeat) {
        all.remove(heartbeat);
    }
}
