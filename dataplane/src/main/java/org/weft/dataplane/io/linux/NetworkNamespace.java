package org.weft.dataplane.io.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.weft.dataplane.io.Errno;

/** Files that stand for network namespaces: {@code /run/netns/app}, {@code /proc/42/ns/net}. */
public final class NetworkNamespace {
    // include/uapi/linux/nsfs.h, include/uapi/linux/sched.h
    private static final int NS_GET_NSTYPE = 0xb703;
    private static final int CLONE_NEWNET = 0x40000000;

    /** The namespace of the thread that opens it. */
    private static final Path OWN = Path.of("/proc/thread-self/ns/net");

    /** Where {@code ip netns} keeps names. */
    private static final Path NAMES = Path.of("/run/netns");

    private NetworkNamespace() {}

    /**
     * Names the namespace behind a descriptor as {@code ip netns} does, or else as {@code lsns}
     * does.
     *
     * @return null if it is the namespace of this thread
     */
    static String nameUnlessOwn(int fd) {
        Path file = Path.of("/proc/self/fd/" + fd);
        try {
            Object key = key(file);
            return key.equals(key(OWN)) ? null : name(file, key);
        } catch (IOException e) {
            throw new UncheckedIOException("the network namespace of a TAP device cannot be read", e);
        }
    }

    /** The device and inode of a file. */
    private static Object key(Path file) throws IOException {
        return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    }

    private static String name(Path file, Object key) throws IOException {
        try (DirectoryStream<Path> names = Files.newDirectoryStream(NAMES)) {
            for (Path name : names) {
                if (hasKey(name, key)) {
                    return name.getFileName().toString();
                }
            }
        } catch (NoSuchFileException | NotDirectoryException e) {
            // This host has no named namespaces.
        }
        return Files.readSymbolicLink(file).toString();
    }

    private static boolean hasKey(Path name, Object key) {
        try {
            return key.equals(key(name));
        } catch (IOException e) {
            // Somebody removed the name meanwhile.
            return false;
        }
    }

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
