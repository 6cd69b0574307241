package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.weft.testing.RequiresRoot;

/** A table that would not fit the daemon's heap, nor its client's, as objects or as text. */
@RequiresRoot
class LargeTableIT {
    private static final int ENTRIES = 200_000;

    /** The daemon itself takes some 10 MB, and 12 MB are for what is short-lived. */
    private static final String DAEMON_HEAP = "WEFT_JAVA_OPTS=-Xmx32m";

    private static final int STALLED_CLIENTS = 5;

    private Netns host;
    private WeftDaemon daemon;

    @BeforeEach
    void open() {
        host = Netns.create("large");
        daemon = new WeftDaemon(host, null, "env", DAEMON_HEAP).start();
    }

    @AfterEach
    void close() {
        if (daemon != null) {
            daemon.close();
        }
        host.close();
    }

    @Test
    void isShownAndFlushedInASmallHeap() throws IOException {
        fill();
        List<SocketChannel> stalled = new ArrayList<>();
        try {
            for (int i = 0; i < STALLED_CLIENTS; i++) {
                stalled.add(askAndReadNothing());
            }
            expect("fdb show | awk '$1 <= last {exit} {last = $1} END {print NR}'", ENTRIES);
            expect("-j fdb show | tr '}' '\\n' | grep -c mac", ENTRIES);
            assertEquals(STALLED_CLIENTS, connections());
        } finally {
            for (SocketChannel client : stalled) {
                client.close();
            }
        }
        Command head = shell("fdb show | head -n 1");
        assertEquals("02:00:00:00:00:00 dev silk-vtep dst 10.0.0.0 self permanent\n", head.output());

        Await.until("the daemon lets go of clients that are gone", () -> connections() == 0);
        assertEquals(0, daemon.client("fdb", "flush").exitCode());
        expect("fdb show | wc -l", 0);
        assertTrue(daemon.isAlive());
    }

    private void fill() throws IOException {
        daemon.control()
                .post("{\"object\":\"link\",\"action\":\"add\",\"dev\":\"silk-vtep\",\"attributes\":{\"id\":1,"
                        + "\"local\":\"127.0.0.1\",\"dstport\":4789}}");
        Path batch = Files.writeString(
                daemon.directory().resolve("batch"),
                IntStream.range(0, ENTRIES)
                        .mapToObj(i -> "fdb add 02:00:00:%02x:%02x:%02x dev silk-vtep dst 10.0.%d.%d"
                                .formatted(i >> 16, i >> 8 & 0xff, i & 0xff, i >> 8 & 0xff, i & 0xff))
                        .collect(Collectors.joining("\n", "", "\n")));
        Command filled = daemon.client("-batch", batch.toString());
        assertEquals(0, filled.exitCode(), filled::toString);
    }

    private SocketChannel askAndReadNothing() throws IOException {
        SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(daemon.socket()));
        client.write(ByteBuffer.wrap("GET /v1/fdb HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
        return client;
    }

    private void expect(String words, int expected) {
        Command command = shell(words);
        assertEquals(Integer.toString(expected), command.output().strip(), () -> command + daemon.log());
    }

    /** Runs {@code weft} with words that may go on with a pipe. */
    private Command shell(String words) {
        return host.attempt(
                "env",
                "WEFT_CONTROL=" + daemon.socket(),
                "WEFT_JAVA_OPTS=-Xmx16m",
                "sh",
                "-c",
                WeftDaemon.script() + " " + words);
    }

    /** Connections count in the namespace of the client: the test's or the daemon's. */
    private long connections() {
        String[] connected = {
            "ss", "-Hx", "state", "connected", "src", daemon.socket().toString()
        };
        return (Command.run(List.of(connected)) + host.exec(connected)).lines().count();
    }
}
