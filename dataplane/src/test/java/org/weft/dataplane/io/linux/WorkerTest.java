package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.linux.Worker.Registration;
import org.weft.dataplane.watchdog.Heartbeats;
import org.weft.encap.IpAddress;
import org.weft.testing.Await;
import org.weft.testing.OpenFiles;

class WorkerTest {
    private static final IpAddress LOCAL = IpAddress.parse("127.0.0.1");

    private final Worker worker = new Worker("weft-test");

    @AfterEach
    void close() {
        worker.close();
    }

    @Test
    void runsOnOneNamedThreadThatDoesNotKeepTheProcess() {
        assertEquals("weft-test", worker.call(() -> Thread.currentThread().getName()));
        assertTrue(worker.call(() -> Thread.currentThread().isDaemon()));
        assertTrue(worker.call(worker::inLoop));
        assertFalse(worker.inLoop());
    }

    @Test
    void callsFromTheLoopRunAtOnce() {
        assertEquals(5, worker.call(() -> worker.call(() -> 5)));
    }

    @Test
    void passesOnWhatACallThrows() {
        RuntimeException thrown = new IllegalArgumentException("no");
        assertSame(
                thrown,
                assertThrows(
                        IllegalArgumentException.class,
                        () -> worker.call(() -> {
                            throw thrown;
                        })));
        IOException checked = new IOException("no");
        assertSame(
                checked,
                assertThrows(
                                IllegalStateException.class,
                                () -> worker.call(() -> {
                                    throw checked;
                                }))
                        .getCause());
    }

    /** The loop runs the task in any case, so the caller must know its result. */
    @Test
    void anInterruptedCallHasItsResultAndKeepsTheInterrupt() {
        Thread.currentThread().interrupt();
        try {
            assertEquals(5, worker.call(() -> 5));
        } finally {
            assertTrue(Thread.interrupted());
        }
    }

    @Test
    void callsAgainWhileSomethingIsLeftToRead() throws IOException {
        FrameSlab slab = new FrameSlab(1);
        int[] slots = {slab.claim()};
        AtomicInteger calls = new AtomicInteger();
        try (LinuxUnderlay underlay = LinuxUnderlay.bind(worker, LOCAL, null, 0, false)) {
            sendDatagrams(3, underlay.port());
            // One datagram per call, though three came before the first: an edge-triggered loop would stop at one.
            Registration registration = worker.onReadable(
                    underlay.fd(),
                    () -> {
                        underlay.receive(slab, slots, 1);
                        calls.incrementAndGet();
                    },
                    () -> calls.addAndGet(1000));
            Await.until("three calls", () -> calls.get() >= 3);
            registration.close();
            assertEquals(3, calls.get());
        }
    }

    @Test
    void doesNotCallAfterARegistrationIsClosed() throws IOException {
        AtomicInteger calls = new AtomicInteger();
        try (LinuxUnderlay underlay = LinuxUnderlay.bind(worker, LOCAL, null, 0, false)) {
            Registration registration = worker.onReadable(underlay.fd(), calls::incrementAndGet, () -> {});
            sendDatagrams(1, underlay.port());
            Await.until("a call", () -> calls.get() > 0);
            registration.close();
            registration.close();
            int after = calls.get();
            for (int i = 0; i < 100; i++) {
                worker.call(() -> null);
            }
            assertEquals(after, calls.get());
        }
    }

    @Test
    void goesOnAfterACallbackThrew() {
        AtomicInteger calls = new AtomicInteger();
        worker.execute(() -> {
            throw new IllegalStateException("thrown by a test");
        });
        for (int i = 0; i < 3; i++) {
            worker.execute(() -> {
                calls.incrementAndGet();
                throw new AssertionError("thrown by a test");
            });
        }
        Await.until("calls after a throw", () -> calls.get() == 3);
        assertEquals(5, worker.call(() -> 5));
    }

    @Test
    void looksForWorkForAWhileAfterTheLastAndThenSleeps() throws IOException {
        FrameSlab slab = new FrameSlab(1);
        int[] slots = {slab.claim()};
        long thread = worker.call(() -> Thread.currentThread().getId());
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long window = Duration.ofMillis(50).toNanos();
        worker.busyPoll(window);
        try (LinuxUnderlay underlay = LinuxUnderlay.bind(worker, LOCAL, null, 0, false)) {
            Registration registration =
                    worker.onReadable(underlay.fd(), () -> underlay.receive(slab, slots, 1), () -> {});
            long before = threads.getThreadCpuTime(thread);
            sendDatagrams(1, underlay.port());
            // Others share the CPU, so it gets less than all of the time; woken by tasks alone, next to nothing.
            Await.until("busy polling", () -> threads.getThreadCpuTime(thread) - before > window / 10);
            Await.until("sleep", () -> cpuTimeWithin(window, threads, thread) < window / 10);
            assertTrue(threads.getThreadCpuTime(thread) - before < 3 * window);
            assertEquals(1, worker.call(() -> 1));
            registration.close();
        }
    }

    private static long cpuTimeWithin(long nanos, ThreadMXBean threads, long thread) {
        long before = threads.getThreadCpuTime(thread);
        LockSupport.parkNanos(nanos);
        return threads.getThreadCpuTime(thread) - before;
    }

    @RepeatedTest(20)
    void closesQuicklyAndLeavesNothingOpen() {
        Map<String, String> before = OpenFiles.now();
        Worker closed = new Worker("weft-closed");
        LinuxUnderlay underlay = LinuxUnderlay.bind(closed, LOCAL, null, 0, false);
        Registration registration = closed.onReadable(underlay.fd(), () -> {}, () -> {});
        long start = System.nanoTime();
        closed.close();
        assertTrue(System.nanoTime() - start < Duration.ofSeconds(1).toNanos());
        registration.close();
        underlay.close();
        assertThrows(RejectedExecutionException.class, () -> closed.call(() -> null));
        assertEquals(before, OpenFiles.now());
    }

    @Test
    void oneThatHangsIsNamedWithItsAgentAndAnIdleOneBeats() {
        AtomicLong clock = new AtomicLong();
        Heartbeats heartbeats = new Heartbeats(clock::get);
        CountDownLatch hangs = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        try (Worker watched = new Worker("weft-watched", heartbeats)) {
            watched.execute(() -> {
                watched.doing("tap-writer-vxlan7");
                hangs.countDown();
                awaitUninterruptibly(end);
                watched.doing(null);
            });
            awaitUninterruptibly(hangs);
            for (int i = 0; i < 11; i++) {
                clock.addAndGet(Duration.ofSeconds(1).toNanos());
                heartbeats.look();
            }
            assertEquals("thread weft-watched has not moved for 11 s (tap-writer-vxlan7)", heartbeats.trouble());
            end.countDown();
            Await.until("a beat", () -> heartbeats.look() == null);
        } finally {
            end.countDown();
        }
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aCallbackThatAlwaysThrowsIsTheEnd() {
        Heartbeats heartbeats = new Heartbeats(System::nanoTime);
        List<String> deaths = new CopyOnWriteArrayList<>();
        heartbeats.onDeath((sentence, cause) -> deaths.add(sentence));
        try (Worker broken = new Worker("weft-broken", heartbeats)) {
            for (int i = 0; i < 99; i++) {
                broken.execute(() -> {
                    throw new IllegalStateException("thrown by a test");
                });
            }
            broken.call(() -> null);
            assertEquals(List.of(), deaths);
            for (int i = 0; i < 100; i++) {
                broken.execute(() -> {
                    throw new AssertionError("thrown by a test");
                });
            }
            Await.until("the end", () -> !deaths.isEmpty());
            assertTrue(
                    deaths.get(0)
                            .startsWith(
                                    "thread weft-broken failed 100 times within 60 s with java.lang.AssertionError"),
                    deaths.get(0));
        }
    }

    private static void sendDatagrams(int count, int port) throws IOException {
        try (DatagramChannel sender = DatagramChannel.open()) {
            for (int i = 0; i < count; i++) {
                sender.send(ByteBuffer.allocate(8), new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            }
        }
    }
}
