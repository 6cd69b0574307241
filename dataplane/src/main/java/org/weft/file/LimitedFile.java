package org.weft.file;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/**
 * Reads files of others, and no more of them than the daemon's heap bears: a file that is too large must not cost the packets
 * that pass by an older one. Pipes are read to their end.
 */
public final class LimitedFile {
    /** Of a file with leases, policies or containers: 70,000 leases have room in it, with MAC addresses and in JSON. */
    public static final int DATA = 8 << 20;

    /** Of a file with certificates, a key or a password, or of silk's configuration. */
    public static final int SMALL = 1 << 20;

    private static final int MEGABYTE = 1 << 20;

    private LimitedFile() {}

    /**
     * The whole file.
     *
     * @param limit in bytes
     * @throws OperatorException with the file, its size and the limit, if it is larger
     */
    public static byte[] bytes(Path file, int limit) throws IOException {
        long size = Files.size(file);
        byte[] bytes = {};
        if (size <= limit) {
            try (InputStream in = Files.newInputStream(file)) {
                bytes = in.readNBytes(limit + 1);
            }
        }
        long found = Math.max(size, bytes.length);
        if (found > limit) {
            throw new OperatorException(
                    Kind.BAD_DATA,
                    file + " has " + (found / MEGABYTE > limit / MEGABYTE ? "" : "more than ") + found / MEGABYTE
                            + " MB, and Weft reads at most " + limit / MEGABYTE
                            + " MB of it: leave out what is not needed");
        }
        return bytes;
    }

    /**
     * The whole file as text.
     *
     * @throws CharacterCodingException if it is not UTF-8
     * @throws OperatorException as {@link #bytes} does
     */
    public static String text(Path file, int limit) throws IOException {
        byte[] bytes = bytes(file, limit);
        for (byte octet : bytes) {
            if (octet < 0) {
                return StandardCharsets.UTF_8
                        .newDecoder()
                        .decode(ByteBuffer.wrap(bytes))
                        .toString();
            }
        }
        return new String(bytes, StandardCharsets.US_ASCII);
    }
}
