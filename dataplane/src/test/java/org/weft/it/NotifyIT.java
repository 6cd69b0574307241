package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.testing.RequiresRoot;

/** What a daemon tells systemd by sd_notify(3), and how soon it is ready. */
@RequiresRoot
class NotifyIT {
    private static final Duration START = Duration.ofSeconds(3);
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** The fastest counts: what a busy machine takes longer for is not the daemon's. */
    private static final int STARTS = 5;

    private static final String CONFIG =
            """
            underlay:
              local: 10.0.16.14
            vteps:
              - name: silk-vtep
                vni: 1
                address: 10.255.126.0/16
                mtu: 1410
            """;

    private static final String LEASE = "- {underlay_ip: 10.0.16.14, overlay_subnet: 10.255.99.0/24}\n";

    @TempDir
    private Path directory;

    private HostLab lab;

    @BeforeEach
    void open() {
        lab = HostLab.open(Subject.KERNEL);
    }

    @AfterEach
    void close() {
        lab.close();
    }

    @Test
    void isReadySoonAndSaysWhenItStops() {
        Path path = directory.resolve("notify");
        try (NotifySocket systemd = NotifySocket.bind(path);
                WeftDaemon daemon = new WeftDaemon(lab.host, CONFIG, "env", "NOTIFY_SOCKET=" + path)) {
            Duration fastest = PATIENCE;
            for (int i = 0; i < STARTS && fastest.compareTo(START) >= 0; i++) {
                long start = System.nanoTime();
                daemon.launch();
                assertEquals("READY=1", systemd.await(daemon));
                Duration took = Duration.ofNanos(System.nanoTime() - start);
                fastest = took.compareTo(fastest) < 0 ? took : fastest;

                assertTrue(lab.host.hasDevice("silk-vtep"));
                assertTrue(daemon.control().answers());
                daemon.terminate();
                assertEquals("STOPPING=1", systemd.await(daemon));
                assertFalse(lab.host.hasDevice("silk-vtep"));
            }
            assertTrue(fastest.compareTo(START) < 0, "ready after " + fastest);
        }
    }

    @Test
    void tellsTheWatchdogWhileItLivesAndAfterItWasStopped() throws Exception {
        Path path = directory.resolve("notify");
        try (NotifySocket systemd = NotifySocket.bind(path);
                WeftDaemon daemon =
                        new WeftDaemon(lab.host, CONFIG, "env", "NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=1000000")) {
            daemon.launch();
            awaitReady(systemd, daemon);
            for (int i = 0; i < 5; i++) {
                assertEquals("WATCHDOG=1", systemd.await(daemon));
            }
            signal("STOP", daemon);
            systemd.drain();
            signal("CONT", daemon);
            assertEquals("WATCHDOG=1", systemd.await(daemon));
            assertEquals("WATCHDOG=1", systemd.await(daemon));
            assertTrue(daemon.control().answers());
            daemon.terminate();
        }
    }

    @Test
    void isReadyWhenPacketsOfTheCellPass() throws Exception {
        Path path = directory.resolve("notify");
        Path leases = directory.resolve("leases.yml");
        Files.writeString(leases, LEASE);
        try (NotifySocket systemd = NotifySocket.bind(path);
                WeftDaemon daemon = new WeftDaemon(lab.host, cell(leases), "env", "NOTIFY_SOCKET=" + path)) {
            daemon.launch();
            assertEquals("READY=1", systemd.await(daemon));
            assertTrue(lab.host.hasDevice("silk-vtep"), "at once");
            assertEquals(200, daemon.control().attempt("GET", "/readyz", "").status());
        }
    }

    @Test
    void saysWhatItWaitsForIfThereIsNoLease() throws Exception {
        Path path = directory.resolve("notify");
        Path leases = directory.resolve("leases.yml");
        try (NotifySocket systemd = NotifySocket.bind(path);
                WeftDaemon daemon = new WeftDaemon(lab.host, cell(leases), "env", "NOTIFY_SOCKET=" + path)) {
            daemon.launch();
            assertEquals("READY=1", systemd.await(daemon));
            assertEquals("STATUS=waiting for a lease of file " + leases, systemd.await(daemon));
            Files.writeString(leases, LEASE);
            assertEquals("STATUS=a lease is in force", systemd.await(daemon));
            assertTrue(lab.host.hasDevice("silk-vtep"));
        }
    }

    private String cell(Path leases) {
        return "underlay: {local: " + HostLab.HOST_IP + "}\ncell: {state: " + directory.resolve("state")
                + ", leases: {file: " + leases + "}}\n";
    }

    private static void awaitReady(NotifySocket systemd, WeftDaemon daemon) {
        String state;
        do {
            state = systemd.await(daemon);
        } while (!state.equals("READY=1"));
    }

    private static void signal(String name, WeftDaemon daemon) throws Exception {
        assertEquals(
                0,
                new ProcessBuilder("kill", "-" + name, Long.toString(daemon.pid()))
                        .start()
                        .waitFor());
    }

    /** systemd's end; the JDK has no datagrams between processes. */
    private record NotifySocket(int fd) implements AutoCloseable {
        private static final NativeLibrary LIBC = NativeLibrary.getInstance("c");
        private static final short AF_UNIX = 1;
        private static final int DATAGRAM_NONBLOCK_CLOEXEC = 2 | 0x800 | 0x80000;

        static NotifySocket bind(Path path) {
            int fd = call("socket", (int) AF_UNIX, DATAGRAM_NONBLOCK_CLOEXEC, 0);
            byte[] address = ByteBuffer.allocate(110)
                    .order(ByteOrder.nativeOrder())
                    .putShort(AF_UNIX)
                    .put(path.toString().getBytes(StandardCharsets.UTF_8))
                    .array();
            assertEquals(0, call("bind", fd, address, address.length), "bind " + path);
            return new NotifySocket(fd);
        }

        String await(WeftDaemon daemon) {
            byte[] message = new byte[256];
            int[] length = new int[1];
            assertTrue(
                    Await.holds(PATIENCE, () -> (length[0] = call("read", fd, message, message.length)) > 0),
                    () -> "nothing was told:\n" + daemon.log());
            return new String(message, 0, length[0], StandardCharsets.UTF_8);
        }

        void drain() {
            byte[] message = new byte[256];
            while (call("read", fd, message, message.length) > 0) {
                Thread.onSpinWait();
            }
        }

        private static int call(String name, Object... arguments) {
            Function function = LIBC.getFunction(name);
            return function.invokeInt(arguments);
        }

        @Override
        public void close() {
            call("close", fd);
        }
    }
}
