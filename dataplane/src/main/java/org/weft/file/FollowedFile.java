package org.weft.file;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.watchdog.Heartbeat;
import org.weft.dataplane.watchdog.Heartbeats;

/**
 * A file that others write to, and a thread that looks whenever it has changed: at once if the kernel tells of the change,
 * else within about a second.
 */
public final class FollowedFile implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FollowedFile.class);

    private static final Duration POLL = Duration.ofSeconds(1);
    private static final int JITTER_MILLIS = 200;

    /** A file that does not come to rest is read this often at most. */
    private static final Duration BETWEEN_READS = Duration.ofMillis(100);

    /** Who writes a file in several pieces is given time for the next one. */
    private static final Duration QUIET = Duration.ofMillis(20);

    private static final Duration UNTIL_QUIET = Duration.ofMillis(500);
    private static final Duration END = Duration.ofSeconds(5);

    private final Path path;
    private final WatchedFile file;
    private final DirectoryWatch watch;
    private final Semaphore wake = new Semaphore(0);
    private final Runnable changed;
    private final Runnable unchanged;
    private final Heartbeat heartbeat;
    private final Thread thread;
    private volatile boolean closed;
    private volatile boolean asked = true;
    private long lastRead = System.nanoTime() - BETWEEN_READS.toNanos();

    /**
     * A file that is not followed yet.
     *
     * @param threadName {@code weft-} and at most 8 bytes; the thread that waits for changes puts
     *     {@code i-} between the two
     * @param changed called on the thread: at first, after each change, and when asked for
     * @param unchanged called on the thread about once a second otherwise
     */
    public FollowedFile(Path path, String threadName, Runnable changed, Runnable unchanged) {
        this.path = path;
        this.file = new WatchedFile(path);
        Path directory = path.toAbsolutePath().getParent();
        this.watch = new DirectoryWatch(
                directory == null ? path : directory, threadName.replace("weft-", "weft-i-"), wake::release);
        this.changed = changed;
        this.unchanged = unchanged;
        this.heartbeat = Heartbeats.PROCESS.register(threadName, Heartbeats.CONTROL);
        this.thread = new Thread(heartbeat.life(this::follow), threadName);
        thread.setDaemon(true);
    }

    public void start() {
        thread.start();
    }

    /** Looks again, whether it has changed or not. Returns at once. */
    public void refresh() {
        asked = true;
        wake.release();
    }

    /**
     * What is in it; for the thread.
     *
     * @throws org.weft.operator.OperatorException with the file and what is wrong, if it cannot be read
     */
    public String contents() {
        return file.contents();
    }

    private void follow() {
        try (watch) {
            Runnable look = heartbeat.guard(this::look);
            while (!closed) {
                look.run();
                awaitNext();
            }
        } catch (InterruptedException e) {
            LOG.error("{} is no longer followed: restart the daemon", path, e);
        }
    }

    private void look() {
        watch.ensure();
        if (asked || file.changed()) {
            asked = false;
            awaitTurn();
            changed.run();
            lastRead = System.nanoTime();
        } else {
            unchanged.run();
        }
    }

    private void awaitTurn() {
        long wait = lastRead + BETWEEN_READS.toNanos() - System.nanoTime();
        if (wait > 0) {
            LockSupport.parkNanos(wait);
        }
        file.settle(QUIET, UNTIL_QUIET);
    }

    private void awaitNext() throws InterruptedException {
        long jitter = ThreadLocalRandom.current().nextInt(JITTER_MILLIS);
        if (wake.tryAcquire(POLL.toMillis() + jitter, TimeUnit.MILLISECONDS)) {
            wake.drainPermits();
        }
    }

    /** Ends the thread, unless it is the caller itself: then it ends soon. */
    @Override
    public void close() {
        closed = true;
        heartbeat.close();
        wake.release();
        if (thread != Thread.currentThread()) {
            try {
                thread.join(END.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
