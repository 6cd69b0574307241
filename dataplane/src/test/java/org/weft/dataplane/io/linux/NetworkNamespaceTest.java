package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.testing.Commands;

class NetworkNamespaceTest {
    private static final String OTHER = "is not a network namespace";

    @TempDir
    Path directory;

    private static String fault(String file) {
        return fault(Path.of(file));
    }

    /** A call that waits for a writer of a FIFO is not interrupted by closing anything, so it must not happen. */
    private static String fault(Path file) {
        return assertTimeoutPreemptively(Duration.ofSeconds(10), () -> NetworkNamespace.fault(file));
    }

    @Test
    void knowsANetworkNamespace() {
        assertNull(fault("/proc/self/ns/net"));
        assertNull(fault("/proc/thread-self/ns/net"));
    }

    @Test
    void refusesEverythingElseWithoutWaiting() throws IOException {
        Path fifo = directory.resolve("fifo");
        Commands.run("mkfifo " + fifo);
        assertEquals(OTHER, fault(fifo));
        assertEquals(OTHER, fault(Files.createFile(directory.resolve("file"))));
        assertEquals(OTHER, fault(directory));
        assertEquals(OTHER, fault("/dev/null"));
        assertEquals(OTHER, fault("/proc/self/ns/mnt"));
        assertEquals("does not exist", fault(directory.resolve("none")));
        assertEquals("does not exist", fault(Files.createSymbolicLink(directory.resolve("link"), Path.of("none"))));
    }
}
