package org.weft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** A daemon that is stopped: the kernel takes connections for it until its queue is full, and says nothing else. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ControlClientTest {
    private static final Duration SECOND = Duration.ofSeconds(1);

    @TempDir
    private Path directory;

    private Path socket;
    private ServerSocketChannel stopped;
    private ControlClient client;
    private final List<SocketChannel> queued = new ArrayList<>();

    @BeforeEach
    void open() throws IOException {
        socket = directory.resolve("control.sock");
        stopped = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        stopped.bind(UnixDomainSocketAddress.of(socket), 1);
        client = new ControlClient(socket, new Patience(SECOND, SECOND), warning -> {});
    }

    @AfterEach
    void close() throws IOException {
        for (SocketChannel channel : queued) {
            channel.close();
        }
        stopped.close();
    }

    private void assertSilent(OperatorException e) {
        assertEquals(Kind.UNAVAILABLE, e.kind());
        assertEquals(
                "the weft daemon on " + socket
                        + " does not answer within 1 s: see whether it is stopped, hangs or is only"
                        + " slow; WEFT_TIMEOUT=SECONDS gives it more time",
                e.getMessage());
        assertTrue(ControlClient.isSilence(e));
    }

    private void fillQueue() throws IOException {
        while (true) {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.configureBlocking(false);
            queued.add(channel);
            try {
                channel.connect(UnixDomainSocketAddress.of(socket));
            } catch (IOException full) {
                return;
            }
        }
    }

    @Test
    void givesUpDaemonThatDoesNotAnswer() {
        assertSilent(assertThrows(OperatorException.class, () -> client.get("/v1/link")));
        assertSilent(assertThrows(OperatorException.class, () -> client.post("/v1/cell", new JsonObject())));
    }

    @Test
    void givesUpDaemonThatTakesNoConnection() throws IOException {
        fillQueue();

        assertSilent(assertThrows(OperatorException.class, () -> client.get("/v1/link")));
        assertTrue(client.answers(), "it is there");
    }

    @Test
    void waitsForRoomInTheQueue() throws IOException {
        fillQueue();
        CompletableFuture<Boolean> answers = CompletableFuture.supplyAsync(
                () -> new ControlClient(socket, new Patience(Duration.ZERO, Duration.ZERO), warning -> {}).answers());

        stopped.accept().close();

        assertTrue(answers.join());
    }

    @Test
    void givesUpDaemonThatStopsInTheMiddleOfItsAnswer() throws IOException {
        CompletableFuture<OperatorException> failure = CompletableFuture.supplyAsync(
                () -> assertThrows(OperatorException.class, () -> client.read(client.get("/v1/link"), "/v1/link")));
        SocketChannel answering = stopped.accept();
        queued.add(answering);

        answering.write(
                ByteBuffer.wrap("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[{".getBytes(StandardCharsets.US_ASCII)));

        assertSilent(failure.join());
    }

    @Test
    void givesUpDaemonThatReadsNoMoreOfABatch() {
        ChangeStream changes = client.changes(false);
        JsonObject change = new JsonObject();
        change.addProperty("object", "x".repeat(1 << 20));

        changes.add(change);

        assertSilent(assertThrows(OperatorException.class, changes::finish));
    }

    @Test
    void waitsForEverForWhatComesPatiently() throws IOException {
        Duration limit = Duration.ofSeconds(3);
        ControlClient slower = new ControlClient(socket, new Patience(limit, limit), warning -> {});
        CompletableFuture<String> body = CompletableFuture.supplyAsync(() -> {
            try (HttpAnswer answer = slower.get("/v1/capture").patiently()) {
                return new String(answer.body().readAllBytes(), StandardCharsets.US_ASCII);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        try (SocketChannel answering = stopped.accept()) {
            assertTrue(answering.read(ByteBuffer.allocate(1024)) > 0, "the request");
            answering.write(ByteBuffer.wrap("HTTP/1.1 200 OK\r\n\r\nfirst".getBytes(StandardCharsets.US_ASCII)));
            assertThrows(TimeoutException.class, () -> body.get(3500, TimeUnit.MILLISECONDS));
            answering.write(ByteBuffer.wrap(" second".getBytes(StandardCharsets.US_ASCII)));
        }

        assertEquals("first second", body.join());
    }

    @Test
    void noDaemonIsNoSilence() throws IOException {
        stopped.close();

        OperatorException e = assertThrows(OperatorException.class, () -> client.get("/v1/link"));

        assertFalse(ControlClient.isSilence(e));
        assertTrue(e.getMessage().startsWith("no weft daemon answers on " + socket), e.getMessage());
        assertFalse(client.answers());
    }

    @ParameterizedTest
    @CsvSource({",10,60", "'',10,60", "3,3,18", "0,0,0", "86400,86400,518400"})
    void readsSeconds(String text, int prompt, int work) {
        assertEquals(new Patience(Duration.ofSeconds(prompt), Duration.ofSeconds(work)), Patience.parse(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "1.5", "10s", "86401", "999999"})
    void refusesOtherThanSeconds(String text) {
        OperatorException e = assertThrows(OperatorException.class, () -> Patience.parse(text));

        assertEquals(Kind.USAGE, e.kind());
        assertTrue(e.getMessage().contains(text), e.getMessage());
    }
}
