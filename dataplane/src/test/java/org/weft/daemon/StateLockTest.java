package org.weft.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.testing.LogLines;

class StateLockTest {
    @TempDir
    Path directory;

    @Test
    void keepsADirectoryToOneDaemonAndNamesItsProcess() {
        StateLock first = StateLock.take(directory);
        var e = assertThrows(OperatorException.class, () -> StateLock.take(directory));
        assertEquals(Kind.UNAVAILABLE, e.kind());
        assertEquals(
                "another weft daemon (pid " + ProcessHandle.current().pid() + ") uses the state directory " + directory
                        + ": stop it, or give this one another state: DIRECTORY",
                e.getMessage());
        first.close();
        StateLock.take(directory).close();
    }

    @Test
    void makesTheDirectoryForThisUserAloneAndLeavesNoFileInIt() throws IOException {
        Path deep = directory.resolve("var/lib");
        try (StateLock lock = StateLock.take(deep);
                Stream<Path> files = Files.list(deep)) {
            assertEquals(0, files.count(), lock::toString);
            assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(deep)));
        }
    }

    @Test
    void locksADirectoryByWhateverNameItHas() throws IOException {
        Path link =
                Files.createSymbolicLink(directory.resolve("link"), Files.createDirectory(directory.resolve("real")));
        try (StateLock lock = StateLock.take(link)) {
            assertThrows(OperatorException.class, () -> StateLock.take(directory.resolve("real")), lock::toString);
        }
    }

    @Test
    void warnsWhereThereCanBeNoDirectoryAndGoesOn() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        try (LogLines log = LogLines.of(StateLock.class)) {
            StateLock.take(file.resolve("state")).close();
            assertEquals(1, log.lines().size());
            assertTrue(log.lines().get(0).startsWith("the state directory " + file + "/state cannot be locked ("));
        }
    }
}
