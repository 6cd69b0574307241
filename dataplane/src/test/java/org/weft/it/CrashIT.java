package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.testing.RequiresRoot;

/** A cell survives a crash of its daemon's JVM under traffic: devices stay, and the next daemon takes them over. */
@RequiresRoot
class CrashIT {
    private static CellLab lab;
    private static CellHost host;
    private static CellHost other;

    @BeforeAll
    static void open() {
        lab = CellLab.open(Subject.WEFT, Subject.WEFT);
        host = lab.hosts.get(0);
        other = lab.hosts.get(1);
    }

    @AfterAll
    static void close() {
        if (lab != null) {
            lab.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"SEGV", "ABRT", "KILL"})
    void connectionsSurviveACrashThatLeavesNoFiles(String signal) {
        Set<Path> before = crashFiles();
        try (OpenConnection connection = OpenConnection.between(host.container(0), other.container(0));
                OpenConnection incoming = OpenConnection.between(other.container(1), host.container(1))) {
            host.daemon().crash(signal);
            assertTrue(host.netns.hasDevice(CellHost.DEVICE), "the device stays");
            if (signal.equals("SEGV")) {
                String log = host.daemon().log();
                assertTrue(log.contains("A fatal error has been detected by the Java Runtime Environment"), log);
            }
            host.restartWeft();
            connection.awaitAnswer();
            incoming.awaitAnswer();
        }
        assertEquals(before, crashFiles());
        assertEquals("nothing to change\n", host.weft("converge --dry-run"));
    }

    /** What a JVM and the kernel leave of a crash, where a daemon was started or a JVM has nowhere else to write. */
    private static Set<Path> crashFiles() {
        return Stream.of(Path.of("").toAbsolutePath(), Path.of("/tmp"), Path.of("/"))
                .flatMap(CrashIT::list)
                .filter(file -> file.getFileName().toString().matches("hs_err_pid.*|core|core\\..*|replay_pid.*"))
                .collect(Collectors.toSet());
    }

    private static Stream<Path> list(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList().stream();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
