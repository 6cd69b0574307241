package org.weft.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WatchedFileTest {
    @TempDir
    Path directory;

    private Duration jump = Duration.ZERO;
    private Path path;
    private WatchedFile file;

    @BeforeEach
    void write() throws IOException {
        path = Files.writeString(directory.resolve("file"), "one");
        file = new WatchedFile(path, () -> Instant.now().plus(jump));
    }

    @Test
    void readsAFileAgainThatWasWrittenJustNow() {
        assertEquals("one", file.contents());
        assertTrue(file.changed());
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT1H", "PT-1H", "P3650D", "P-3650D"})
    void readsAFileOnceWhicheverWayTheClockJumps(Duration by) throws IOException {
        jump = by;
        assertEquals("one", file.contents());
        assertFalse(file.changed());

        Files.writeString(path, "other");
        assertTrue(file.changed());
        assertEquals("other", file.contents());
    }
}
