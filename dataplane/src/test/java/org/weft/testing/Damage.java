package org.weft.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** What bad disks, other programs and full file systems make of a file of JSON. */
public enum Damage {
    EMPTY,
    NULL,
    EMPTY_OBJECT,
    EMPTY_LIST,
    WRONG_TYPES,
    TRUNCATED,
    TRAILING,
    DEEPLY_NESTED,
    NOT_UTF_8,
    ZEROS,
    BINARY,
    LARGE,
    DIRECTORY,
    FIFO;

    /** Damages a file that is there and whole. */
    public void to(Path file) throws IOException {
        byte[] whole = Files.readAllBytes(file);
        Files.delete(file);
        switch (this) {
            case DIRECTORY -> Files.createDirectories(file.resolve("occupied"));
            case FIFO -> Commands.run("mkfifo " + file);
            default -> Files.write(file, damaged(whole));
        }
    }

    private byte[] damaged(byte[] whole) {
        String text = new String(whole, StandardCharsets.UTF_8);
        return switch (this) {
            case NULL -> "null".getBytes(StandardCharsets.UTF_8);
            case EMPTY_OBJECT -> "{}".getBytes(StandardCharsets.UTF_8);
            case EMPTY_LIST -> "[]".getBytes(StandardCharsets.UTF_8);
            case WRONG_TYPES ->
                text.replaceAll(":\\s*[\\[{]", ": 7, \"x\": $0")
                        .replaceAll("\"x\": :", "\"x\":")
                        .getBytes(StandardCharsets.UTF_8);
            case TRUNCATED -> text.substring(0, text.length() / 2).getBytes(StandardCharsets.UTF_8);
            case TRAILING -> (text + text).getBytes(StandardCharsets.UTF_8);
            case DEEPLY_NESTED -> "[".repeat(1_000_000).getBytes(StandardCharsets.UTF_8);
            case NOT_UTF_8 -> (text.replaceFirst("\"", "\"\u00e9")).getBytes(StandardCharsets.ISO_8859_1);
            case ZEROS -> new byte[whole.length];
            case BINARY -> random(4096);
            case LARGE -> random(65 << 20);
            default -> new byte[0];
        };
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }
}
