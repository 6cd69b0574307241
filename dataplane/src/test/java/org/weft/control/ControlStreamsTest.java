package org.weft.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.weft.control.http.UnixHttp;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.table.Remote;
import org.weft.encap.IpAddress;
import org.weft.encap.MacAddress;

/** Answers of the control socket that take their time: large tables, and captures. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class ControlStreamsTest extends ControlServerFixture {
    private void fill(int count) {
        Remote remote = new Remote(IpAddress.parse("10.0.16.14"));
        for (int i = 1; i <= count; i++) {
            silk.fdb().add(0x0200_0000_0000L + i, remote, true, 1000);
        }
    }

    @Test
    void showsALargeTableInChunksToTheEndOfTheConnection() throws IOException {
        fill(10_000);

        UnixHttp.Answer answer = client.get("/v1/fdb?dev=silk-vtep");

        assertEquals("chunked", answer.headers().get("transfer-encoding"));
        assertEquals("close", answer.headers().get("connection"));
        assertTrue(client.atEnd());
        JsonArray entries = JsonParser.parseString(answer.body()).getAsJsonArray();
        for (int i = 0; i < 10_000; i++) {
            String mac = entries.get(i).getAsJsonObject().get("mac").getAsString();
            assertEquals(MacAddress.toString(0x0200_0000_0001L + i), mac);
        }
        assertEquals(10_000, entries.size());
    }

    @Test
    void answersHeadForALargeTable() throws IOException {
        fill(10_000);

        assertEquals(200, client.exchange("HEAD", "/v1/fdb", null).status());
        assertTrue(client.atEnd());
    }

    @Test
    void showsALargeTableToASlowClientWhileOthersChangeIt() throws IOException {
        fill(100_000);
        client.send("GET /v1/fdb HTTP/1.1\r\n\r\n");
        try (UnixHttp other = UnixHttp.connect(socket)) {
            assertEquals(
                    200, other.post("/v1", fdb(100_000).replace("add", "del")).status());
            assertEquals(409, other.post("/v1", fdb(99_999)).status());
        }

        String body = client.receive(false).body();

        assertTrue(body.contains(MacAddress.toString(0x0200_0000_0000L + 99_999)));
        assertFalse(body.contains(MacAddress.toString(0x0200_0000_0000L + 100_000)), "read before it was wanted");
        assertTrue(client.atEnd());
    }

    @Test
    void survivesClientsThatLeaveAmidALargeTable() throws IOException {
        fill(100_000);
        for (int i = 0; i < 20; i++) {
            client.send("GET /v1/fdb HTTP/1.1\r\n\r\n");
            assertEquals("HTTP/1.1 200 OK", client.line());
            client.close();
            client = UnixHttp.connect(socket);
        }

        assertEquals(100_000, array("/v1/fdb").size());
    }

    @Test
    void carriesACapture() throws IOException {
        client.send("GET /v1/capture?point=tap&dev=silk-vtep&count=2 HTTP/1.1\r\n\r\n");
        assertEquals("HTTP/1.1 200 OK", client.line());
        assertEquals("application/x-pcapng", client.headers().get("content-type"));
        byte[] preamble = client.chunk();
        assertArrayEquals(new byte[] {0x0a, 0x0d, 0x0d, 0x0a}, Arrays.copyOf(preamble, 4));

        byte[] frame = new byte[64];
        Arrays.fill(frame, (byte) 0x5a);
        for (int i = 0; i < 3; i++) {
            registry.capture.frame("other", true, Counter.TX_SENT, new UnsafeBuffer(frame), 0, frame.length);
            registry.capture.frame("silk-vtep", true, Counter.TX_SENT, new UnsafeBuffer(frame), 0, frame.length);
        }
        int packets = 0;
        for (byte[] chunk = client.chunk(); chunk.length > 0; chunk = client.chunk()) {
            packets += HexFormat.of().formatHex(chunk).split("(?:5a){64}", -1).length - 1;
        }

        assertEquals(2, packets);
        assertTrue(client.atEnd());
        assertFalse(registry.capture.active(), "the session is closed");
    }

    @Test
    void givesTheRestOfACaptureToAClientThatStops() throws IOException {
        client.send("GET /v1/capture HTTP/1.1\r\n\r\n");
        assertEquals("HTTP/1.1 200 OK", client.line());
        client.headers();
        client.chunk();
        byte[] frame = new byte[64];
        registry.capture.frame("silk-vtep", true, Counter.TX_SENT, new UnsafeBuffer(frame), 0, frame.length);
        client.shutdownOutput();

        int bytes = 0;
        for (byte[] chunk = client.chunk(); chunk.length > 0; chunk = client.chunk()) {
            bytes += chunk.length;
        }
        assertTrue(bytes > frame.length, "the packet and the statistics");
        assertTrue(client.atEnd());
    }

    @Test
    void endsACaptureWhoseClientLeft() throws Exception {
        client.send("GET /v1/capture HTTP/1.1\r\n\r\n");
        client.line();
        client.headers();
        client.close();

        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (registry.capture.active() && System.nanoTime() < deadline) {
            Thread.onSpinWait();
        }
        assertFalse(registry.capture.active());
    }

    @Test
    void losesPacketsRatherThanMemoryWhereACaptureIsNotRead() throws IOException {
        client.send("GET /v1/capture HTTP/1.1\r\n\r\n");
        client.line();
        client.headers();
        client.chunk();
        byte[] frame = new byte[60_000];
        UnsafeBuffer buffer = new UnsafeBuffer(frame);
        for (int i = 0; i < 4000; i++) {
            registry.capture.frame("silk-vtep", true, Counter.TX_SENT, buffer, 0, frame.length);
        }
        client.close();
        client = UnixHttp.connect(socket);
        String metrics;
        do {
            metrics = client.get("/metrics").body();
        } while (metrics.contains("weft_capture_lost_total 0.0"));

        assertTrue(
                metrics.matches("(?s).*weft_capture_lost_total [1-9].*"), "4,000 frames of 60,000 bytes fit nowhere");
    }
}
