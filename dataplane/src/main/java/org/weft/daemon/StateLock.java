package org.weft.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.io.linux.DirectoryLock;
import org.weft.dataplane.io.linux.LinuxException;
import org.weft.file.StateFile;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** Keeps a directory of state to one daemon, from {@link #take} until it is closed or the process ends. */
public final class StateLock implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StateLock.class);

    /** A daemon that is ending takes its devices down first. */
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(50);
    private static final Path LOCKS = Path.of("/proc/locks");

    /** Null if the directory cannot be locked. */
    private final DirectoryLock lock;

    private StateLock(DirectoryLock lock) {
        this.lock = lock;
    }

    /**
     * Locks a directory, and makes it if there is none. A directory that cannot be made or locked is used without a lock,
     * and a warning is logged.
     *
     * @throws OperatorException if another daemon has it; nothing in it was touched then
     */
    public static StateLock take(Path directory) {
        try {
            StateFile.makeDirectory(directory.toAbsolutePath());
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            DirectoryLock lock = DirectoryLock.take(directory);
            while (lock == null && System.nanoTime() - deadline < 0) {
                LockSupport.parkNanos(BETWEEN_LOOKS.toNanos());
                lock = DirectoryLock.take(directory);
            }
            if (lock == null) {
                throw new OperatorException(
                        Kind.UNAVAILABLE,
                        "another weft daemon" + holder(directory) + " uses the state directory " + directory
                                + ": stop it, or give this one another state: DIRECTORY");
            }
            return new StateLock(lock);
        } catch (IOException | LinuxException e) {
            LOG.warn(
                    "the state directory {} cannot be locked ({}): see to it that no other daemon uses it, and that it"
                            + " can be written",
                    directory,
                    e.getMessage());
            return new StateLock(null);
        }
    }

    /** The process that has the lock, in brackets, if the kernel tells. */
    private static String holder(Path directory) {
        try {
            Object inode = Files.getAttribute(directory, "unix:ino");
            Matcher line = Pattern.compile("FLOCK +ADVISORY +WRITE +([1-9]\\d*) \\S+:" + inode + " ")
                    .matcher(Files.readString(LOCKS));
            return line.find() ? " (pid " + line.group(1) + ")" : "";
        } catch (IOException e) {
            return "";
        }
    }

    @Override
    public void close() {
        if (lock != null) {
            lock.close();
        }
    }
}
