package org.weft.dataplane.io.linux;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.agrona.concurrent.UnsafeBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.io.Errno;

/** Tells systemd how the daemon is doing, by the protocol of sd_notify(3). */
public final class SystemdNotifier {
    private static final Logger LOG = LoggerFactory.getLogger(SystemdNotifier.class);

    /** struct sockaddr_un (include/uapi/linux/un.h): family, path. */
    static final int ADDRESS_LENGTH = 110;

    private static final int PATH_OFFSET = Short.BYTES;

    private SystemdNotifier() {}

    /** Sends a state such as {@code READY=1} to the socket named by NOTIFY_SOCKET; does nothing without one. */
    public static void notify(String state) {
        String socket = System.getenv("NOTIFY_SOCKET");
        if (socket != null && !socket.isEmpty()) {
            try {
                notify(socket, state);
            } catch (LinuxException e) {
                LOG.warn("systemd was not told {}: {}", state, e.getMessage());
            }
        }
    }

    /** @param socket a path, or {@code @} and a name in the abstract namespace */
    static void notify(String socket, String state) {
        int fd = LinuxException.check(
                LibC.socket(LibC.AF_UNIX, LibC.SOCK_DGRAM | LibC.SOCK_NONBLOCK | LibC.SOCK_CLOEXEC, 0),
                "socket",
                socket);
        try {
            UnsafeBuffer address = new UnsafeBuffer(ByteBuffer.allocateDirect(ADDRESS_LENGTH));
            int length = putAddress(address, socket);
            LinuxException.check(LibC.connect(fd, address, length), "connect", socket);
            byte[] bytes = state.getBytes(StandardCharsets.UTF_8);
            UnsafeBuffer message = new UnsafeBuffer(ByteBuffer.allocateDirect(bytes.length));
            message.putBytes(0, bytes);
            LinuxException.check(LibC.write(fd, message, 0, bytes.length), "write", socket);
        } finally {
            LibC.close(fd);
        }
    }

    /** Returns the length of the address; an abstract name ends where the address does, a path with a zero. */
    static int putAddress(UnsafeBuffer address, String socket) {
        boolean named = socket.startsWith("@");
        byte[] path = socket.getBytes(StandardCharsets.UTF_8);
        if (path.length >= ADDRESS_LENGTH - PATH_OFFSET) {
            throw new LinuxException("connect", socket, Errno.EINVAL, "the path is longer than 107 bytes");
        }
        address.putShort(0, (short) LibC.AF_UNIX);
        address.putBytes(PATH_OFFSET, path);
        if (named) {
            address.putByte(PATH_OFFSET, (byte) 0);
        }
        return PATH_OFFSET + path.length + (named ? 0 : 1);
    }
}
