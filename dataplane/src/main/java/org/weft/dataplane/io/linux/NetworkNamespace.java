package org.weft.dataplane.io.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/** Files that stand for network namespaces: {@code /run/netns/app}, {@code /proc/42/ns/net}. */
public final class NetworkNamespace {
    // include/uapi/linux/nsfs.h, include/uapi/linux/sched.h
    private static final int NS_GET_NSTYPE = 0xb703;
    private static final int CLONE_NEWNET = 0x40000000;

    private NetworkNamespace() {}

    /**
     * What is wrong with a file that is to be a network namespace. It never waits, whatever the file is.
     *
     * @return the rest of a sentence that begins with the file's name; null if it is one
     */
    public static String fault(Path file) {
        try {
            // A device may act upon being opened.
            if (!Files.readAttributes(file, BasicFileAttributes.class).isRegularFile()) {
                return "is not a network namespace";
            }
        } catch (NoSuchFileException e) {
            return "does not exist";
        } catch (IOException e) {
            return "cannot be read: " + e.getMessage();
        }
        int fd = LibC.open(file.toString(), LibC.O_NONBLOCK | LibC.O_CLOEXEC);
        if (fd < 0) {
            return fd == -Errno.ENOENT ? "does not exist" : "cannot be opened: " + Errno.name(-fd);
        }
        try {
            return LibC.ioctl(fd, NS_GET_NSTYPE, 0) == CLONE_NEWNET ? null : "is not a network namespace";
        } finally {
            LibC.close(fd);
        }
    }
}
