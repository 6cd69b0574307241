package org.weft.silk.policy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A file that whole lines are added to, and that others may move away, empty or remove meanwhile. For one thread. */
final class VerdictFile implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(VerdictFile.class);

    private final Path path;

    /** Null while the file cannot be written. */
    private FileChannel channel;

    /** Device and inode of what is open. */
    private Object identity;

    private volatile String trouble;

    VerdictFile(Path path) {
        this.path = path;
    }

    /** Opens the file if it is not open, or is no longer the one of this name. */
    void check() {
        try {
            if (channel != null && (identity == null || !identity.equals(identity()))) {
                close();
            }
            if (channel == null) {
                channel = FileChannel.open(
                        path, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
                identity = identity();
            }
        } catch (IOException e) {
            fail(e);
        }
    }

    /** Null if there is no file of this name. */
    private Object identity() throws IOException {
        try {
            return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    /**
     * Adds lines, all or none.
     *
     * @return whether they are in the file
     */
    boolean append(ByteBuffer lines) {
        if (channel == null) {
            return false;
        }
        try {
            long length = channel.size();
            try {
                while (lines.hasRemaining()) {
                    channel.write(lines);
                }
            } catch (IOException e) {
                channel.truncate(length); // no half a line
                throw e;
            }
        } catch (IOException e) {
            fail(e);
            return false;
        }
        if (trouble != null) {
            LOG.info("verdicts are written to {} again", path);
            trouble = null;
        }
        return true;
    }

    /** Says what is wrong when it is something else than before; {@link #check} tries again. */
    private void fail(IOException e) {
        String reason = "verdicts cannot be written to " + path + ", and get lost: " + reason(e);
        if (!reason.equals(trouble)) {
            LOG.warn("{}", reason);
        }
        trouble = reason;
        close();
    }

    private String reason(IOException e) {
        if (e instanceof NoSuchFileException) {
            return "there is no directory " + path.toAbsolutePath().getParent();
        }
        return e instanceof AccessDeniedException ? "permission denied" : e.getMessage();
    }

    /** Why nothing can be written, in a sentence; null if it can, as far as is known. May be called by any thread. */
    String trouble() {
        return trouble;
    }

    @Override
    public void close() {
        if (channel == null) {
            return;
        }
        try {
            channel.close();
        } catch (IOException e) {
            LOG.debug("closing {}", path, e);
        }
        channel = null;
    }
}
