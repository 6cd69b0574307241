package org.weft.dataplane.io.linux;

import java.nio.file.Path;
import org.weft.dataplane.io.Errno;

/** An exclusive lock on a directory, which the kernel releases when the process ends, however it ends. */
public final class DirectoryLock implements AutoCloseable {
    // include/uapi/asm-generic/fcntl.h
    private static final int LOCK_EX = 2;
    private static final int LOCK_NB = 4;

    private int fd;

    private DirectoryLock(int fd) {
        this.fd = fd;
    }

    /**
     * Takes the lock, or does not wait for it. The directory may be read-only.
     *
     * @return null if it is taken already, by this process or another
     * @throws LinuxException if the directory cannot be opened, or its file system knows no such locks
     */
    public static DirectoryLock take(Path directory) {
        int fd = LinuxException.check(
                LibC.open(directory.toString(), LibC.O_NONBLOCK | LibC.O_CLOEXEC), "open", directory.toString());
        int result = LibC.flock(fd, LOCK_EX | LOCK_NB);
        if (result < 0) {
            LibC.close(fd);
            if (result == -Errno.EAGAIN) {
                return null;
            }
            LinuxException.check(result, "flock", directory.toString());
        }
        return new DirectoryLock(fd);
    }

    @Override
    public void close() {
        if (fd >= 0) {
            LibC.close(fd);
            fd = -1;
        }
    }
}
