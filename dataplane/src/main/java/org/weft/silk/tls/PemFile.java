package org.weft.silk.tls;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.regex.Pattern;
import org.weft.file.LimitedFile;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** Reads PEM (RFC 7468, and the headers of RFC 1421 that say whether a key is encrypted). */
final class PemFile {
    private static final Pattern BLOCK = Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([\\s\\S]*?)-----END \\1-----");

    /** What stands between BEGIN and END, its label without them. */
    record Block(String label, String body) {
        /** As openssl writes it in either form. */
        boolean isEncrypted() {
            return label.startsWith("ENCRYPTED") || body.contains("ENCRYPTED");
        }

        /** The bytes that the body encodes; IllegalArgumentException if it is not base64. */
        byte[] der() {
            return Base64.getDecoder().decode(body.replaceAll("\\s", ""));
        }
    }

    private PemFile() {}

    /**
     * All blocks of a file, in order; none if it is something else than PEM.
     *
     * @param what what the file is for, as a sentence begins: {@code CA file}
     * @throws OperatorException if it cannot be read
     */
    static List<Block> read(Path file, String what) {
        try {
            String text = new String(LimitedFile.bytes(file, LimitedFile.SMALL), StandardCharsets.ISO_8859_1);
            return BLOCK.matcher(text)
                    .results()
                    .map(block -> new Block(block.group(1), block.group(2)))
                    .toList();
        } catch (NoSuchFileException e) {
            throw new OperatorException(Kind.NO_INPUT, what + " " + file + " does not exist", e);
        } catch (AccessDeniedException e) {
            throw new OperatorException(
                    Kind.NO_PERMISSION, what + " " + file + " cannot be read: permission denied", e);
        } catch (IOException e) {
            throw new OperatorException(Kind.NO_INPUT, what + " " + file + " cannot be read: " + e.getMessage(), e);
        }
    }
}
