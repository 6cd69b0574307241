package org.weft.file;

import com.google.gson.stream.MalformedJsonException;
import java.io.EOFException;
import java.io.IOException;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** A small file that must survive crashes: a reader sees the old contents or the new, whole. */
public final class StateFile {
    private static final Logger LOG = LoggerFactory.getLogger(StateFile.class);

    /** A hundred thousand policies are a quarter of it. */
    private static final long MAX_SIZE = 64 << 20;

    private static final String DAMAGED = ".damaged-";

    /** So many damaged files are kept of each name, the newest. */
    private static final int MAX_ASIDE = 5;

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSSSSS'Z'").withZone(ZoneOffset.UTC);

    /**
     * What was found.
     *
     * @param value null if nothing was ever written, or it is damaged
     */
    public record Loaded<T>(T value, boolean damaged) {}

    /** The message is a reason that repeats nothing of the contents. */
    private static final class DamagedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        DamagedException(String reason) {
            super(reason);
        }
    }

    private final Path path;

    public StateFile(Path path) {
        this.path = path;
    }

    public Path path() {
        return path;
    }

    /**
     * What was written last. Damaged contents are put aside as {@code NAME.damaged-TIME} and logged in one sentence that
     * repeats nothing of them.
     *
     * @param parse reads the whole text; throws any exception for contents that {@link #write} was not given
     * @param consequence what follows from the damage: the end of the logged sentence
     */
    public <T> Loaded<T> load(Function<Reader, T> parse, String consequence) {
        try {
            BasicFileAttributes found = Files.readAttributes(path, BasicFileAttributes.class);
            // A FIFO would have its reader wait.
            if (!found.isRegularFile()) {
                throw new DamagedException("it is not a file");
            }
            if (found.size() > MAX_SIZE) {
                throw new DamagedException("it is larger than " + (MAX_SIZE >> 20) + " MiB");
            }
            try (Reader reader = Files.newBufferedReader(path)) {
                return new Loaded<>(parse.apply(reader), false);
            }
        } catch (NoSuchFileException e) {
            return new Loaded<>(null, false);
        } catch (IOException | RuntimeException | StackOverflowError e) {
            LOG.warn("{} is damaged ({}) and {}: {}", path, reason(e), putAside(), consequence);
            LOG.debug("{}", path, e);
            return new Loaded<>(null, true);
        }
    }

    private static String reason(Throwable damage) {
        if (damage instanceof DamagedException) {
            return damage.getMessage();
        }
        for (Throwable cause = damage; cause != null; cause = cause.getCause()) {
            if (cause instanceof CharacterCodingException) {
                return "it is not text in UTF-8";
            }
            if (cause instanceof AccessDeniedException) {
                return "it cannot be read: permission denied";
            }
            if (cause instanceof MalformedJsonException || cause instanceof EOFException) {
                return "it is not whole JSON";
            }
            if (cause instanceof FileSystemException refused) {
                return "it cannot be read: " + refused.getReason();
            }
        }
        return damage instanceof IOException ? "it cannot be read" : "it does not hold what Weft writes there";
    }

    /** Moves the file out of the way. Returns what became of it, for a sentence. */
    private String putAside() {
        String name = path.getFileName() + DAMAGED + TIME.format(Instant.now());
        try {
            Path aside = path.resolveSibling(name);
            for (int number = 2; Files.exists(aside, LinkOption.NOFOLLOW_LINKS); number++) {
                aside = path.resolveSibling(name + "-" + number);
            }
            Files.move(path, aside);
            removeOldest();
            return "was put aside as " + aside.getFileName();
        } catch (IOException e) {
            return "cannot be put aside (" + e.getMessage() + ")";
        }
    }

    private void removeOldest() throws IOException {
        List<Path> aside;
        try (Stream<Path> siblings = Files.list(path.toAbsolutePath().getParent())) {
            aside = siblings.filter(
                            sibling -> sibling.getFileName().toString().startsWith(path.getFileName() + DAMAGED))
                    .sorted()
                    .toList();
        }
        for (Path oldest : aside.subList(0, Math.max(0, aside.size() - MAX_ASIDE))) {
            try {
                Files.delete(oldest);
            } catch (DirectoryNotEmptyException e) {
                // Not ours to empty.
            }
        }
    }

    /** Replaces the contents; they are on the disk when this returns. Makes the directory if there is none. */
    public void write(String contents) {
        Path fresh = path.resolveSibling(path.getFileName() + ".new");
        try {
            makeDirectory(path.toAbsolutePath().getParent());
            try (FileChannel channel = FileChannel.open(
                    fresh, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
                ByteBuffer bytes = ByteBuffer.wrap(contents.getBytes(StandardCharsets.UTF_8));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
            try (FileChannel directory = FileChannel.open(path.toAbsolutePath().getParent())) {
                directory.force(true);
            }
        } catch (IOException e) {
            throw new OperatorException(
                    Kind.CANNOT_CREATE,
                    path + " cannot be written: " + e.getMessage() + ": see to it that its file system has room",
                    e);
        }
    }

    /** Only for this user. A symbolic link to a directory is one already. */
    public static void makeDirectory(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            Files.createDirectories(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        }
    }

    public void delete() {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new OperatorException(Kind.CANNOT_CREATE, path + " cannot be removed: " + e.getMessage(), e);
        }
    }
}
