package org.weft.file;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** A file that others write to: its contents, and whether they may have changed. For one thread. */
final class WatchedFile {
    /** The kernel's clock for file times is coarse, and those of network file systems are the server's. */
    private static final Duration CLOCK_TOLERANCE = Duration.ofSeconds(2);

    /**
     * What differs after a change; but not after a second one within one tick of the kernel's clock if the size stays.
     *
     * @param inode tells a file that was renamed into place; symbolic links are followed
     */
    private record Stamp(Instant modified, Instant changed, long size, Object inode, boolean regular) {}

    private final Path path;
    private final InstantSource clock;
    private Stamp read;
    private boolean trusted;

    WatchedFile(Path path) {
        this(path, InstantSource.system());
    }

    /** @param clock the one that file times are of */
    WatchedFile(Path path, InstantSource clock) {
        this.path = path;
        this.clock = clock;
    }

    /** Whether it may have changed since it was read last. */
    boolean changed() {
        return !trusted || !Objects.equals(stamp(), read);
    }

    /** Waits until nobody has written to it for a while, or for as long as the limit. */
    void settle(Duration quiet, Duration limit) {
        long end = System.nanoTime() + limit.toNanos();
        Stamp before;
        Stamp now = stamp();
        do {
            before = now;
            LockSupport.parkNanos(quiet.toNanos());
            now = stamp();
        } while (!Objects.equals(now, before) && System.nanoTime() - end < 0);
    }

    /** @throws OperatorException with the file and what is wrong, if it cannot be read */
    String contents() {
        read = stamp();
        trusted = read == null || isUnlikeNow(read.changed());
        if (read != null && !read.regular()) {
            throw cannot(Kind.BAD_DATA, "is no file", null);
        }
        try {
            return LimitedFile.text(path, LimitedFile.DATA);
        } catch (NoSuchFileException e) {
            throw cannot(Kind.NO_INPUT, "does not exist", e);
        } catch (AccessDeniedException e) {
            throw cannot(Kind.NO_PERMISSION, "cannot be read: permission denied", e);
        } catch (CharacterCodingException e) {
            throw cannot(Kind.BAD_DATA, "is not text in UTF-8", e);
        } catch (IOException e) {
            trusted = false;
            throw cannot(Kind.NO_INPUT, "cannot be read: " + e.getMessage(), e);
        }
    }

    /** A write from now on has another time. A time in the future is one from before the clock was set back. */
    private boolean isUnlikeNow(Instant changed) {
        return Duration.between(changed, clock.instant()).abs().compareTo(CLOCK_TOLERANCE) > 0;
    }

    private OperatorException cannot(Kind kind, String sentence, IOException cause) {
        return new OperatorException(kind, path + " " + sentence, cause);
    }

    /** Null if there is no file. */
    private Stamp stamp() {
        try {
            Map<String, Object> of = Files.readAttributes(path, "unix:lastModifiedTime,ctime,size,ino,isRegularFile");
            return new Stamp(
                    ((FileTime) of.get("lastModifiedTime")).toInstant(),
                    ((FileTime) of.get("ctime")).toInstant(),
                    (long) of.get("size"),
                    of.get("ino"),
                    (boolean) of.get("isRegularFile"));
        } catch (IOException e) {
            return null;
        }
    }
}
