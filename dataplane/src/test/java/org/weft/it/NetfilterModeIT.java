package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.testing.RequiresRoot;

/** A daemon with {@code policy: {mode: netfilter}}: when its table of nftables is there, and when it cannot be. */
@RequiresRoot
class NetfilterModeIT {
    private static final String TABLE = "table netdev weft-silk-vtep";

    /** Longer than rules that somebody removed stay away. */
    private static final Duration HEALED = Duration.ofSeconds(15);

    @TempDir
    Path directory;

    private final Netns host = Netns.create("host");
    private final Deque<WeftDaemon> daemons = new ArrayDeque<>();

    @AfterEach
    void close() {
        while (!daemons.isEmpty()) {
            daemons.pop().close();
        }
        host.close();
    }

    private WeftDaemon daemon(String mode, String... prefix) {
        String config =
                """
                vteps: [{name: silk-vtep, vni: 1, local: 127.0.0.1, address: 10.255.99.0/16, mtu: 1400, gbp: true, persist: true}]
                policy: {mode: %s, state: %s}
                """
                        .formatted(mode, directory.resolve("state"));
        daemons.push(new WeftDaemon(host, config, prefix));
        return daemons.peek();
    }

    private String tables() {
        return host.exec("nft", "list", "tables").strip();
    }

    @Test
    void theTableOutlivesAFlushAndEndsWithTheDaemon() {
        WeftDaemon daemon = daemon("netfilter").start();
        assertEquals(TABLE, tables());
        host.exec("nft", "flush", "ruleset");
        Await.until("the table", HEALED, () -> tables().equals(TABLE));
        assertEquals(0, daemon.terminate());
        assertEquals("", host.exec("nft", "list", "ruleset"));
        assertEquals(
                1,
                daemon.log()
                        .lines()
                        .filter(line -> line.contains("somebody removed"))
                        .count(),
                daemon::log);
    }

    /**
     * The daemon looks at the table every ten seconds, and waits as long for a command of the host.
     */
    @Test
    void commandsDoNotWaitForNftThatHangs() throws IOException {
        Path hangs = directory.resolve("hangs");
        Path began = directory.resolve("began");
        Path commands = Files.createDirectory(directory.resolve("commands"));
        Path nft = Files.writeString(
                commands.resolve("nft"),
                "#!/bin/sh\n[ ! -e %s ] || { : >%s; exec sleep 60; }\nPATH=${PATH#*:} exec nft \"$@\"\n"
                        .formatted(hangs, began));
        assertTrue(nft.toFile().setExecutable(true));
        WeftDaemon daemon = daemon("netfilter", "env", "PATH=" + commands + ":" + System.getenv("PATH"))
                .start();
        Files.createFile(hangs);
        Await.until("nft hangs", HEALED, () -> Files.exists(began));
        long start = System.nanoTime();
        String change =
                """
                {"object":"link","action":"set","dev":"silk-vtep","attributes":{"mtu":1300}}
                {"object":"fdb","action":"append","dev":"silk-vtep","mac":"00:00:00:00:00:00","dst":"10.0.0.2"}
                """;
        change.lines().forEach(daemon.control()::post);
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        Files.delete(hangs);
        assertTrue(took.compareTo(Duration.ofSeconds(5)) < 0, "two commands took " + took);
    }

    @Test
    void theTableOfADaemonThatWasKilledIsReplacedOrRemoved() {
        daemon("netfilter").start().kill();
        assertEquals(TABLE, tables());
        daemon("netfilter").start().kill();
        assertEquals(TABLE, tables());
        daemon("off").start();
        assertEquals("", host.exec("nft", "list", "ruleset"));
    }

    @Test
    void withoutNftADaemonSaysWhatToInstall() {
        // Debian keeps nft in sbin, and what starts a daemon in bin.
        assertDoesNotStart("env PATH=/usr/bin:/bin", "the command nft does not run: install nftables");
    }

    @Test
    void withoutTheHooksADaemonSaysWhatTheyNeed() throws IOException {
        Path nft = Files.writeString(
                directory.resolve("nft"),
                "#!/bin/sh\necho 'Could not process rule: Operation not supported' >&2\nexit 1\n");
        Files.setPosixFilePermissions(nft, PosixFilePermissions.fromString("rwxr-xr-x"));
        assertDoesNotStart(
                "env PATH=" + directory + ":/usr/sbin:/usr/bin:/sbin:/bin",
                "silk-vtep: marks cannot be handed to and from netfilter: nft needs version 1.0.1, Linux 5.16 with"
                        + " CONFIG_NETFILTER_EGRESS, and root, and says: Could not process rule: Operation not supported");
    }

    private void assertDoesNotStart(String prefix, String sentence) {
        WeftDaemon daemon = daemon("netfilter", prefix.split(" "));
        daemon.launch();
        assertNotEquals(0, daemon.exitCode());
        assertTrue(daemon.log().contains(sentence), daemon::log);
        assertEquals("", tables());
    }
}
