package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.dataplane.io.Errno;

class SystemdNotifierTest {
    @Test
    void tellsASocketWithAPath(@TempDir Path directory) {
        assertReceived(directory.resolve("notify").toString());
    }

    @Test
    void tellsASocketInTheAbstractNamespace() {
        assertReceived("@weft-test-" + ProcessHandle.current().pid());
    }

    @Test
    void namesTheSocketThatIsNotThere(@TempDir Path directory) {
        String missing = directory.resolve("missing").toString();
        LinuxException e = assertThrows(LinuxException.class, () -> SystemdNotifier.notify(missing, "READY=1"));
        assertEquals("connect " + missing + ": ENOENT (No such file or directory)", e.getMessage());
    }

    @Test
    void refusesAPathThatDoesNotFit() {
        LinuxException e =
                assertThrows(LinuxException.class, () -> SystemdNotifier.notify("/" + "x".repeat(107), "READY=1"));
        assertEquals(Errno.EINVAL, e.errno());
    }

    private static void assertReceived(String socket) {
        int fd = LibC.socket(LibC.AF_UNIX, LibC.SOCK_DGRAM | LibC.SOCK_CLOEXEC | LibC.SOCK_NONBLOCK, 0);
        try {
            UnsafeBuffer buffer = new UnsafeBuffer(ByteBuffer.allocateDirect(SystemdNotifier.ADDRESS_LENGTH));
            int length = SystemdNotifier.putAddress(buffer, socket);
            assertEquals(0, LibC.bind(fd, buffer, length));
            SystemdNotifier.notify(socket, "READY=1\nSTATUS=up");
            int read = LibC.read(fd, buffer, 0, buffer.capacity());
            byte[] bytes = new byte[Math.max(read, 0)];
            buffer.getBytes(0, bytes);
            assertEquals("READY=1\nSTATUS=up", new String(bytes, StandardCharsets.UTF_8));
        } finally {
            LibC.close(fd);
        }
    }
}
