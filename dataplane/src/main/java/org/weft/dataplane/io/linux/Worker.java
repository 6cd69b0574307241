package org.weft.dataplane.io.linux;

import io.netty.channel.EventLoop;
import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SelectStrategy;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.IntSupplier;
import io.netty.util.concurrent.FastThreadLocalThread;
import io.netty.util.concurrent.Future;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.watchdog.Heartbeat;
import org.weft.dataplane.watchdog.Heartbeats;

/**
 * One thread with one event loop, which owns the devices of a VTEP and runs its agents.
 *
 * <p>What a callback throws is logged and counted, and the loop continues, until it is too much ({@link Heartbeat#failed}).
 * The thread does not keep the process alive.
 */
public final class Worker implements AutoCloseable {
    /** Something that the loop calls, until it is closed. */
    public interface Registration extends AutoCloseable {
        /** Ends it, from any thread; once this returns, the loop neither calls nor is calling. */
        @Override
        void close();
    }

    private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

    // include/uapi/linux/eventpoll.h
    private static final int EPOLLIN = 0x01;
    private static final int EPOLLERR = 0x08;
    private static final int EPOLLHUP = 0x10;

    private static final long SHUTDOWN_SECONDS = 5;

    private final MultiThreadIoEventLoopGroup group;
    private final IoEventLoop loop;

    private volatile long busyPollNanos;

    /** When something was last ready; the loop's own. */
    private long lastReady;

    private final Heartbeat heartbeat;

    /** @param name of the thread */
    public Worker(String name) {
        this(name, Heartbeats.PROCESS);
    }

    /** @param heartbeats where the thread beats, once a second and after each task, until this is closed */
    public Worker(String name, Heartbeats heartbeats) {
        ThreadFactory threads = task -> thread(task, name);
        group = new MultiThreadIoEventLoopGroup(1, threads, EpollIoHandler.newFactory(0, () -> this::pollOrBlock));
        loop = group.next();
        heartbeat = heartbeats.register(name, Heartbeats.PACKETS);
        long period = Heartbeats.PERIOD.toNanos();
        loop.scheduleWithFixedDelay(heartbeat::beat, 0, period, TimeUnit.NANOSECONDS);
    }

    /** Notes what the loop does from now on, for the sentence about a loop that hangs; call it on the loop. */
    public void doing(String what) {
        heartbeat.doing(what);
    }

    /**
     * How long to keep looking for work after the last, before the loop sleeps: a wake-up costs tens of microseconds. It
     * costs nothing where there is no work at all. From any thread.
     *
     * @param nanos 0 to sleep at once
     */
    public void busyPoll(long nanos) {
        busyPollNanos = nanos;
    }

    /** Netty's SelectStrategy: a negative result says how to poll, another is what was found. */
    private int pollOrBlock(IntSupplier pollNow, boolean hasTasks) throws Exception {
        if (hasTasks) {
            return pollNow.get();
        }
        long nanos = busyPollNanos;
        return nanos > 0 && System.nanoTime() - lastReady < nanos ? SelectStrategy.BUSY_WAIT : SelectStrategy.SELECT;
    }

    private static Thread thread(Runnable task, String name) {
        Thread thread = new FastThreadLocalThread(task, name);
        thread.setDaemon(true);
        return thread;
    }

    /** For the channels of this package. */
    EventLoop loop() {
        return loop;
    }

    /** Whether the caller is the worker's own thread. */
    public boolean inLoop() {
        return loop.inEventLoop();
    }

    /**
     * Calls {@code ready} as long as a descriptor has something to read (level-triggered) or is in error, which reading tells
     * and may end; and {@code failed} behind it as long as it is in error. The descriptor of a removed TAP is so for ever: close
     * the registration then.
     *
     * @param fd stays the caller's; close the registration before it
     */
    public Registration onReadable(int fd, Runnable ready, Runnable failed) {
        return call(() -> {
            Handle handle = new Handle(fd, ready, failed);
            handle.registration = loop.register(handle).syncUninterruptibly().getNow();
            handle.registration.submit(EpollIoOps.EPOLLIN);
            return handle;
        });
    }

    /**
     * Runs a task on the loop, at once when called there, and waits for its result. An interrupt
     * does not end the wait, because the loop would still run the task.
     *
     * @throws RejectedExecutionException if the worker is closed
     */
    public <T> T call(Callable<T> task) {
        try {
            if (inLoop()) {
                return task.call();
            }
        } catch (Exception e) {
            throw unchecked(e);
        }
        Future<T> answer = loop.submit(task).awaitUninterruptibly();
        if (!answer.isSuccess()) {
            throw unchecked(answer.cause());
        }
        return answer.getNow();
    }

    private static RuntimeException unchecked(Throwable thrown) {
        if (thrown instanceof Error error) {
            throw error;
        }
        return thrown instanceof RuntimeException e ? e : new IllegalStateException(thrown);
    }

    /** Runs a task on the loop soon. */
    public void execute(Runnable task) {
        loop.execute(() -> guarded(task));
    }

    /** Waits for a task on the loop; a closed worker calls nothing any more. */
    private void onLoop(Callable<?> task) {
        try {
            call(task);
        } catch (RejectedExecutionException e) {
            LOG.trace("closed already", e);
        }
    }

    private void guarded(Runnable callback) {
        try {
            callback.run();
        } catch (Throwable t) {
            heartbeat.failed(t);
        }
    }

    /** Ends the thread and waits for it; what is registered is not called again. */
    @Override
    public void close() {
        heartbeat.close();
        group.shutdownGracefully(0, SHUTDOWN_SECONDS, TimeUnit.SECONDS);
        if (!inLoop()) {
            group.terminationFuture().awaitUninterruptibly(SHUTDOWN_SECONDS, TimeUnit.SECONDS);
        }
    }

    private final class Handle implements EpollIoHandle, Registration {
        private final FileDescriptor fd;
        private final Runnable ready;
        private final Runnable failed;
        private IoRegistration registration;

        Handle(int fd, Runnable ready, Runnable failed) {
            this.fd = new FileDescriptor(fd);
            this.ready = ready;
            this.failed = failed;
        }

        @Override
        public FileDescriptor fd() {
            return fd;
        }

        @Override
        public void handle(IoRegistration registration, IoEvent event) {
            int events = ((EpollIoEvent) event).ops().value();
            if (busyPollNanos > 0) {
                lastReady = System.nanoTime();
            }
            if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
                guarded(ready);
            }
            if ((events & (EPOLLERR | EPOLLHUP)) != 0 && registration.isValid()) {
                guarded(failed);
            }
        }

        /** Also called by the loop when it ends. */
        @Override
        public void close() {
            onLoop(() -> registration.cancel());
        }
    }
}
