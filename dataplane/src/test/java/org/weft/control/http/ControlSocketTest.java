package org.weft.control.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.control.ControlServer;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.testing.MemoryRegistry;

class ControlSocketTest {
    @TempDir
    Path directory;

    private static ControlServer open(Path socket) {
        return new ControlServer(new MemoryRegistry(), (local, dev) -> 1500, socket, null, null);
    }

    private static String permissions(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    @Test
    void isForItsOwnerOnlyInADirectoryForAll() throws IOException {
        Path socket = directory.resolve("run/weft/control.sock");

        ControlServer server = open(socket);
        try (server;
                UnixHttp client = UnixHttp.connect(socket)) {
            assertEquals(200, client.get("/v1/version").status());
            assertEquals("rw-------", permissions(socket));
            assertEquals("rwxr-xr-x", permissions(socket.getParent()));
        }
        assertFalse(Files.exists(socket));
    }

    @Test
    void replacesASocketOfADeadDaemon() throws IOException {
        Path socket = directory.resolve("control.sock");
        ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(socket))
                .close();
        assertTrue(Files.exists(socket), "Java leaves the file behind, as a killed daemon does");

        ControlServer server = open(socket);
        try (server;
                UnixHttp client = UnixHttp.connect(socket)) {
            assertEquals(200, client.get("/v1/version").status());
        }
    }

    @Test
    void leavesALiveDaemonAlone() throws IOException {
        Path socket = directory.resolve("control.sock");
        ControlServer first = open(socket);
        try (first) {
            OperatorException e = assertThrows(OperatorException.class, () -> open(socket));

            assertEquals(Kind.UNAVAILABLE, e.kind());
            assertEquals(
                    "another daemon answers on " + socket + " (pid "
                            + ProcessHandle.current().pid() + "): stop it or choose another with --control",
                    e.getMessage());
            try (UnixHttp client = UnixHttp.connect(socket)) {
                assertEquals(200, client.get("/v1/version").status());
            }
        }
    }

    /** As of one that is stopped: its queue is full. */
    @Test
    void leavesADaemonAloneThatTakesNoConnections() throws IOException {
        Path socket = directory.resolve("control.sock");
        List<SocketChannel> queued = new ArrayList<>();
        try (ServerSocketChannel stopped = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            stopped.bind(UnixDomainSocketAddress.of(socket), 1);
            while (isQueued(queued, socket)) {
                assertTrue(queued.size() < 10);
            }

            OperatorException e = assertThrows(OperatorException.class, () -> open(socket));

            assertEquals(Kind.UNAVAILABLE, e.kind());
            assertTrue(e.getMessage().startsWith("another daemon may listen on " + socket + " ("), e.getMessage());
            assertTrue(Files.exists(socket));
        } finally {
            for (SocketChannel channel : queued) {
                channel.close();
            }
        }
    }

    private static boolean isQueued(List<SocketChannel> queued, Path socket) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        queued.add(channel);
        channel.configureBlocking(false);
        try {
            return channel.connect(UnixDomainSocketAddress.of(socket));
        } catch (SocketException full) {
            return false;
        }
    }

    @Test
    void leavesAFileThatIsNoSocketAlone() throws IOException {
        Path file = Files.writeString(directory.resolve("control.sock"), "precious");

        OperatorException e = assertThrows(OperatorException.class, () -> open(file));

        assertEquals(Kind.CANNOT_CREATE, e.kind());
        assertEquals(
                "control socket " + file
                        + " cannot be made: something that is no socket has this name: choose another with --control",
                e.getMessage());
        assertEquals("precious", Files.readString(file));
    }

    @Test
    void refusesAPathThatIsTooLong() {
        Path socket = directory.resolve("x".repeat(100)).resolve("control.sock");
        int length = socket.toString().length();

        OperatorException e = assertThrows(OperatorException.class, () -> open(socket));

        assertEquals(Kind.CANNOT_CREATE, e.kind());
        assertEquals(
                "control socket " + socket + " cannot be made: its path has " + length
                        + " bytes, the kernel takes 107: choose another with --control",
                e.getMessage());
    }

    @Test
    void refusesADirectoryThatIsAFile() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "");

        OperatorException e = assertThrows(OperatorException.class, () -> open(file.resolve("control.sock")));

        assertEquals(Kind.CANNOT_CREATE, e.kind());
        assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
    }
}
