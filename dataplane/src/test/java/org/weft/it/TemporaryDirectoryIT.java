package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.testing.RequiresRoot;

/** Weft needs no directory for temporary files, because the build has unpacked its native code. */
@RequiresRoot
class TemporaryDirectoryIT {
    /** A directory outside of the one for temporary files, which the tests hide from the daemon. */
    private static final Path ELSEWHERE = Path.of("/run");

    private static final Path TARGET = Path.of(WeftDaemon.script()).getParent().resolveSibling("dataplane/target");
    private static final FileTime NEVER = FileTime.fromMillis(0);
    private static final String PEER_IP = "192.168.9.2";
    private static final String CONFIG =
            """
            vteps:
              - name: vx0
                vni: 42
                local: 10.0.16.14
                address: 192.168.9.1/24
                mtu: 1400
                learning: true
                fdb: [{mac: "00:00:00:00:00:00", dst: 10.0.16.16}]
            """;

    private Netns host;
    private Netns peer;
    private Path installation;

    @BeforeEach
    void open() throws IOException {
        installation = Files.createTempDirectory(ELSEWHERE, "weft-it-installation");
        host = Netns.create("host");
        peer = Netns.create("peer");
        host.ip("link add eth0 type veth peer name eth0 netns " + peer.name());
        host.ip("address add 10.0.16.14/24 dev eth0\nlink set eth0 up\n");
        peer.ip("address add 10.0.16.16/24 dev eth0\nlink set eth0 up\n"
                + "link add vx0 mtu 1400 type vxlan id 42 local 10.0.16.16 remote 10.0.16.14 dstport 4789\n"
                + "address add " + PEER_IP + "/24 dev vx0\nlink set vx0 up\n");
    }

    @AfterEach
    void close() throws IOException {
        peer.close();
        host.close();
        try (Stream<Path> files = Files.walk(installation)) {
            files.sorted(Comparator.reverseOrder()).forEach(TemporaryDirectoryIT::delete);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"noexec,nosuid,nodev", "ro", "size=4k"})
    void packetsPassWhateverItIsMountedAs(String options) {
        try (WeftDaemon daemon =
                new WeftDaemon(ELSEWHERE, host, CONFIG, withTemporaryDirectory(options, "exec \"$@\""))) {
            daemon.start();
            host.exec("ping", "-c", "3", "-i", "0.2", "-W", "5", PEER_IP);
            assertEquals(0, daemon.terminate());
        }
    }

    /**
     * The launcher, the run that makes the class data, commands and the daemon write nothing there.
     */
    @Test
    void nothingIsWrittenToIt() throws IOException {
        install();
        String launcher = installation + "/scripts/weft ";
        assertEquals(List.of("0"), writesOf(launcher + "--version >/dev/null"));
        assertTrue(hasClassData(), "the first command makes class data");
        String[] installed = withTemporaryDirectory("mode=1777", "shift; exec " + launcher + "\"$@\"");
        try (WeftDaemon daemon = new WeftDaemon(ELSEWHERE, host, CONFIG, installed)) {
            daemon.start();
            host.exec("ping", "-c", "1", "-W", "5", PEER_IP);
            assertEquals(NEVER, Files.getLastModifiedTime(Path.of("/proc/" + daemon.pid() + "/root/tmp")));
            assertEquals(List.of("0"), writesOf(launcher + "--control " + daemon.socket() + " link show >/dev/null"));
        }
    }

    /** When a command last made or removed a file in an old directory for temporary files. */
    private List<String> writesOf(String command) {
        String[] words = withTemporaryDirectory("mode=1777", command + " && stat -c %Y /tmp");
        return host.exec(words).lines().toList();
    }

    @ParameterizedTest
    @CsvSource({
        "native/linux-*/libjffi-1.2.so,                               71, native code cannot be loaded (no jffi-1.2 in",
        "native/linux-*/libnetty_transport_native_epoll_*.so,         71, native code cannot be loaded (",
        "lib/jffi-1.4.3.jar,                                          70, a class cannot be loaded (NoClassDefFoundError",
        "lib/netty-transport-classes-epoll-*.jar,                     70, a class cannot be loaded (NoClassDefFoundError",
        "lib/agrona-*.jar,                                            70, a class cannot be loaded (NoClassDefFoundError",
        "lib/slf4j-api-*.jar,                                         70, a class cannot be loaded (NoClassDefFoundError",
        "lib/picocli-*.jar,                                           70, a class cannot be loaded (NoClassDefFoundError",
    })
    void aFileThatIsMissingIsOneSentence(String missing, int exitCode, String sentence) throws IOException {
        install();
        Command.run(List.of("bash", "-c", "rm " + installation + "/dataplane/target/" + missing));
        Command daemon = host.attempt(
                installation + "/scripts/weft",
                "daemon",
                "--control",
                installation.resolve("socket").toString());
        List<String> lines = daemon.output().lines().toList();
        assertEquals(1, lines.size(), daemon::toString);
        assertTrue(lines.get(0).startsWith("weft: " + sentence), daemon::toString);
        assertEquals(exitCode, daemon.exitCode(), daemon::toString);
    }

    /**
     * A shell that mounts an old and empty directory for temporary files for itself, and then runs
     * a command.
     */
    private static String[] withTemporaryDirectory(String options, String then) {
        String mount = "mount -t tmpfs -o " + options + " tmpfs /tmp && { touch -d @0 /tmp 2>/dev/null || true; } && ";
        return new String[] {"unshare", "-m", "bash", "-c", mount + then, "bash"};
    }

    /** A launcher without class data, and the files that it needs. */
    private void install() throws IOException {
        Path target = Files.createDirectories(installation.resolve("dataplane/target"));
        Path scripts = Files.createDirectories(installation.resolve("scripts"));
        Files.copy(Path.of(WeftDaemon.script()), scripts.resolve("weft"));
        // Not a link: the JVM would look for the libraries beside the file behind it.
        Files.copy(TARGET.resolve("weft.jar"), target.resolve("weft.jar"));
        for (String directory : List.of("lib", "native")) {
            link(TARGET.resolve(directory), target.resolve(directory));
        }
    }

    private static void link(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Path copy = to.resolve(file.getFileName());
                if (Files.isDirectory(file)) {
                    link(file, copy);
                } else {
                    Files.createSymbolicLink(copy, file);
                }
            }
        }
    }

    private boolean hasClassData() throws IOException {
        try (Stream<Path> files = Files.list(installation.resolve("dataplane/target"))) {
            return files.anyMatch(
                    file -> file.toString().endsWith(".jsa") && file.toFile().length() > 0);
        }
    }

    private static void delete(Path file) {
        try {
            if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
