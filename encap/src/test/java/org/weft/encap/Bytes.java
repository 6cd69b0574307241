package org.weft.encap;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;

/** Buffers for tests. */
final class Bytes {
    private static final byte DIRT = (byte) 0xa5;

    private Bytes() {}

    /** A buffer that ends with the last of these hexadecimal digits; white space is ignored. */
    static UnsafeBuffer hex(String digits) {
        return new UnsafeBuffer(HexFormat.of().parseHex(digits.replaceAll("\\s", "")));
    }

    /** A packet printed in the seed documents; the files are named by hop. */
    static UnsafeBuffer seed(String hop) {
        try (InputStream in = Bytes.class.getResourceAsStream("/seed/" + hop + ".hex")) {
            return hex(new String(in.readAllBytes(), StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A buffer with 0xa5 everywhere, so that a field nobody writes is seen. */
    static UnsafeBuffer dirty(int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, DIRT);
        return new UnsafeBuffer(bytes);
    }

    static String toHex(UnsafeBuffer buffer, int offset, int length) {
        byte[] bytes = new byte[length];
        buffer.getBytes(offset, bytes);
        return HexFormat.of().formatHex(bytes);
    }

    static String toHex(UnsafeBuffer buffer) {
        return toHex(buffer, 0, buffer.capacity());
    }

    static byte[] random(SplittableRandom random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }
}
