package org.weft.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.operator.OperatorException;

class LimitedFileTest {
    private static final int LIMIT = 1 << 20;

    @TempDir
    private Path directory;

    private Path file(byte[] bytes) throws IOException {
        return Files.write(directory.resolve("file"), bytes);
    }

    @Test
    void readsFileOfTheLimit() throws IOException {
        assertEquals(LIMIT, LimitedFile.text(file(new byte[LIMIT]), LIMIT).length());
    }

    @Test
    void refusesFileOfOneByteMore() throws IOException {
        Path file = file(new byte[LIMIT + 1]);

        OperatorException e = assertThrows(OperatorException.class, () -> LimitedFile.bytes(file, LIMIT));

        assertEquals(
                file + " has more than 1 MB, and Weft reads at most 1 MB of it: leave out what is not needed",
                e.getMessage());
    }

    /** Its size is said to be 0. */
    @Test
    void refusesEndlessDevice() {
        OperatorException e =
                assertThrows(OperatorException.class, () -> LimitedFile.bytes(Path.of("/dev/zero"), LIMIT));

        assertEquals(
                "/dev/zero has more than 1 MB, and Weft reads at most 1 MB of it: leave out what is not needed",
                e.getMessage());
    }

    @Test
    void readsTextInUtf8Only() throws IOException {
        assertEquals("é", LimitedFile.text(file(new byte[] {(byte) 0xc3, (byte) 0xa9}), LIMIT));
        Path latin = file(new byte[] {(byte) 0xe9});
        assertThrows(CharacterCodingException.class, () -> LimitedFile.text(latin, LIMIT));
    }
}
