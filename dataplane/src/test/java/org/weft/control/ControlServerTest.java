package org.weft.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.control.http.UnixHttp;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.linux.LinuxException;
import org.weft.dataplane.table.Remote;
import org.weft.encap.IpAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.testing.Await;
import org.weft.testing.OpenFiles;

@Timeout(value = 120, unit = TimeUnit.SECONDS)
class ControlServerTest extends ControlServerFixture {
    private static JsonElement json(String text) {
        return JsonParser.parseString(text.replace('\'', '"'));
    }

    @Test
    void tellsItsVersion() throws IOException {
        JsonObject version =
                JsonParser.parseString(client.get("/v1/version").body()).getAsJsonObject();

        assertEquals(System.getProperty("java.version"), version.get("java").getAsString());
        assertEquals(ProcessHandle.current().pid(), version.get("pid").getAsLong());
        assertFalse(version.get("version").getAsString().isEmpty());
    }

    @Test
    void showsLinksAsIpDoes() throws IOException {
        silk.counters().add(Counter.TX_SENT, 7);
        silk.counters().add(Counter.TX_BYTES, 700);
        silk.counters().add(Counter.VXLAN_NO_REMOTE, 2);
        silk.counters().add(Counter.IP_OUTNOROUTES, 1);
        silk.counters().add(Counter.RX_DELIVERED, 5);

        JsonObject link = array("/v1/link?dev=silk-vtep").get(0).getAsJsonObject();

        assertEquals("silk-vtep", link.get("ifname").getAsString());
        assertEquals(json("['BROADCAST','MULTICAST','UP','LOWER_UP']"), link.get("flags"));
        assertEquals("ee:ee:0a:ff:7e:00", link.get("address").getAsString());
        assertEquals(json("[{'family':'inet','local':'10.255.126.0','prefixlen':16}]"), link.get("addr_info"));
        assertEquals(
                json("{'info_kind':'vxlan','info_data':{'id':1,'local':'10.0.32.12','port_range':{'low':0,'high':0},"
                        + "'port':4789,'learning':false,'proxy':true,'ageing':300,'limit':100000,'ttl':0,'tos':0,"
                        + "'df':'unset','udp_csum':true,'udp_zero_csum6_tx':false,'udp_zero_csum6_rx':false,"
                        + "'gbp':true}}"),
                link.get("linkinfo"));
        assertEquals(
                json("{'rx':{'bytes':0,'packets':5,'errors':0,'dropped':0},"
                        + "'tx':{'bytes':700,'packets':7,'errors':1,'dropped':2,'collisions':0}}"),
                link.get("stats64"));
        JsonObject weft = link.getAsJsonObject("weft");
        assertEquals(json("{'checksum':'on','gso':'off: udpcsum is off'}"), weft.get("offloads"));
        assertEquals(7, weft.getAsJsonObject("counters").get("TX_SENT").getAsLong());
        assertFalse(weft.getAsJsonObject("counters").has("VXLAN_NO_REMOTE"));
    }

    @Test
    void showsALinkThatIsDownAndInTrouble() throws IOException {
        registry.up = false;
        registry.trouble = "silk-vtep is gone";

        JsonObject link = array("/v1/link").get(0).getAsJsonObject();

        assertEquals(json("['BROADCAST','MULTICAST']"), link.get("flags"));
        assertEquals("DOWN", link.get("operstate").getAsString());
        assertEquals(
                "silk-vtep is gone", link.getAsJsonObject("weft").get("trouble").getAsString());
    }

    @Test
    void showsEntriesAsBridgeAndIpDo() throws IOException {
        Remote elsewhere = new Remote(IpAddress.parse("10.0.16.15"), 4790, 7);
        silk.fdb().add(2, new Remote(IpAddress.parse("10.0.16.14")), false, 990);
        silk.fdb().append(0, elsewhere, true, 1000);
        silk.fdb().append(0, new Remote(IpAddress.parse("10.0.16.16")), true, 1000);
        client.post(
                "/v1",
                "{\"object\":\"neigh\",\"action\":\"add\",\"dst\":\"10.255.43.0\",\"lladdr\":"
                        + "\"ee:ee:0a:ff:2b:00\"}\n{\"object\":\"tag\",\"action\":\"add\",\"source\":\"10.255.0.0/16\",\"tag\":1}");

        assertEquals(
                json("[{'mac':'00:00:00:00:00:00','ifname':'silk-vtep','dst':'10.0.16.15','port':4790,'vni':7,"
                        + "'flags':['self'],'state':'permanent'},"
                        + "{'mac':'00:00:00:00:00:00','ifname':'silk-vtep','dst':'10.0.16.16','flags':['self'],"
                        + "'state':'permanent'},"
                        + "{'mac':'00:00:00:00:00:02','ifname':'silk-vtep','dst':'10.0.16.14','flags':['self'],"
                        + "'state':'','updated':10}]"),
                array("/v1/fdb"));
        assertEquals(
                json("[{'dst':'10.255.43.0','dev':'silk-vtep','lladdr':'ee:ee:0a:ff:2b:00','state':['PERMANENT']}]"),
                array("/v1/neigh"));
        assertEquals(json("[{'source':'10.255.0.0/16','dev':'silk-vtep','tag':1}]"), array("/v1/tag"));
    }

    @Test
    void showsDropsOfVtepsAndUnderlays() throws IOException {
        byte[] packet = HexFormat.of().parseHex("eeee0aff2b00");
        silk.counters()
                .drop(Counter.VXLAN_NO_REMOTE, new UnsafeBuffer(packet), 0, packet.length, System.currentTimeMillis());
        Counters underlay = new Counters();
        underlay.add(Counter.VXLAN_VNI_NOT_FOUND, 3);
        registry.underlays.put("10.0.32.12:4789", underlay);

        JsonArray drops = array("/v1/drops");

        assertEquals(2, drops.size());
        JsonObject first = drops.get(0).getAsJsonObject();
        assertEquals("silk-vtep", first.get("dev").getAsString());
        assertEquals("tx", first.get("direction").getAsString());
        assertEquals("VXLAN_NO_REMOTE", first.get("reason").getAsString());
        assertEquals(1, first.get("count").getAsLong());
        assertEquals(Counter.VXLAN_NO_REMOTE.meaning(), first.get("meaning").getAsString());
        assertEquals(6, first.get("length").getAsInt());
        assertEquals("eeee0aff2b00", first.get("header").getAsString());
        assertTrue(first.has("last"));
        JsonElement second = drops.get(1);
        assertEquals(
                json("{'dev':'10.0.32.12:4789','direction':'rx','reason':'VXLAN_VNI_NOT_FOUND','count':3,'meaning':'"
                        + Counter.VXLAN_VNI_NOT_FOUND.meaning() + "'}"),
                second);
        assertEquals(second, array("/v1/drops?dev=10.0.32.12:4789").get(0));
        assertEquals(1, array("/v1/drops?dev=silk-vtep").size());
    }

    @Test
    void appliesASingleObject() throws IOException {
        UnixHttp.Answer answer = client.post("/v1", fdb(1).strip());

        assertEquals(200, answer.status());
        assertEquals("{\"applied\":1}\n", answer.body());
        assertEquals(1, silk.fdb().size());
    }

    @Test
    void whatWentBeforeABadLineStands() throws IOException {
        UnixHttp.Answer answer = client.post("/v1", fdb(1) + fdb(2) + "\n" + fdb(1) + fdb(3));

        assertEquals(409, answer.status());
        assertEquals(
                json(
                        "{'applied':2,'errors':[{'index':3,'error':'add fdb 02:00:00:00:00:01: File exists (silk-vtep has an"
                                + " entry for this address; replace it or append)','exit':73}]}"),
                JsonParser.parseString(answer.body()));
        assertEquals(2, silk.fdb().size());
    }

    @Test
    void goesOnBehindABadLineWhenForced() throws IOException {
        UnixHttp.Answer answer = client.post("/v1?force=true", fdb(1) + fdb(1) + "oops\n" + fdb(2));

        assertEquals(409, answer.status());
        JsonObject body = JsonParser.parseString(answer.body()).getAsJsonObject();
        assertEquals(2, body.get("applied").getAsInt());
        JsonArray errors = body.getAsJsonArray("errors");
        assertEquals(2, errors.size());
        assertEquals(2, errors.get(0).getAsJsonObject().get("index").getAsInt());
        assertEquals(3, errors.get(1).getAsJsonObject().get("index").getAsInt());
        assertEquals(2, silk.fdb().size());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {"{'object':}", "{'object':'fdb'} {}", "[]", "7", "{'object':'fdb'", "{object:'fdb'}", "{'a':1}}"})
    void namesALineThatIsNoJsonObject(String line) throws IOException {
        UnixHttp.Answer answer = client.post("/v1", fdb(1) + "\n" + line.replace('\'', '"') + "\n");

        assertEquals(400, answer.status());
        JsonObject error = JsonParser.parseString(answer.body())
                .getAsJsonObject()
                .getAsJsonArray("errors")
                .get(0)
                .getAsJsonObject();
        assertEquals(2, error.get("index").getAsInt());
        String sentence = error.get("error").getAsString();
        assertTrue(sentence.startsWith("line 3 is not one JSON object"), sentence);
        assertFalse(sentence.contains("\n") || sentence.contains("line 1"), sentence);
    }

    @Test
    void refusesALineWithoutEnd() throws IOException {
        UnixHttp.Answer answer = client.post("/v1?force=true", "{" + " ".repeat(200_000) + "\n" + fdb(1));

        assertEquals(400, answer.status());
        assertTrue(answer.body().contains("line 1 is longer than 65536 bytes"), answer.body());
        assertEquals(1, silk.fdb().size());
    }

    @Test
    void refusesAnEmptyBody() throws IOException {
        assertEquals(400, client.post("/v1", "\n\n").status());
        assertEquals(200, client.get("/v1/version").status());
    }

    @Test
    void passesOnWhatTheHostRefuses() throws IOException {
        registry.failure = new OperatorException(Kind.NO_PERMISSION, "TUNSETIFF v2: needs CAP_NET_ADMIN, run as root");
        String add = "{\"object\":\"link\",\"action\":\"add\",\"dev\":\"v2\",\"attributes\":{\"id\":2}}";

        UnixHttp.Answer answer = client.post("/v1", add);

        assertEquals(500, answer.status());
        assertTrue(
                answer.body().contains("\"add link v2: TUNSETIFF v2: needs CAP_NET_ADMIN, run as root\",\"exit\":77"));

        registry.failure = new LinuxException("bind", "10.0.32.12:4789", Errno.EADDRINUSE, "a kernel vxlan has it");
        UnixHttp.Answer taken = client.post("/v1", add);
        assertEquals(409, taken.status());
        assertTrue(taken.body().contains("\"error\":\"add link v2: bind 10.0.32.12:4789: EADDRINUSE"), taken.body());

        registry.failure = new IllegalStateException("out of luck");
        assertTrue(client.post("/v1", add).body().contains("\"error\":\"out of luck\",\"exit\":71"));
    }

    @Test
    void answersWarnings() throws IOException {
        UnixHttp.Answer answer = client.post(
                "/v1",
                "{\"object\":\"link\",\"action\":\"add\",\"dev\":\"v2\",\"attributes\":{\"id\":2,\"mtu\":1500}}");

        assertEquals(200, answer.status());
        assertTrue(answer.body().contains("\"warnings\":[\"mtu 1500 of v2 is larger"), answer.body());
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /v2, 404",
        "GET, /, 404",
        "HEAD, /nothing, 404",
        "POST, /v1/fdbs, 404",
        "GET, /v1, 405",
        "POST, /v1/link, 405",
        "DELETE, /v1/fdb, 405",
        "PUT, /metrics, 405",
        "HEAD, /v1/capture, 405",
        "GET, /v1/link?dev=nope, 404",
        "GET, /v1/fdb?dve=silk-vtep, 400",
        "GET, /v1/capture?reason=NOPE, 400",
        "GET, /v1/capture?point=nowhere, 400",
        "GET, /v1/capture?count=0, 400",
        "GET, /v1/capture?dev=nope, 404"
    })
    void refusesWhatItDoesNotKnow(String method, String target, int status) throws IOException {
        UnixHttp.Answer answer = client.exchange(method, target, method.equals("POST") ? "{}" : null);

        assertEquals(status, answer.status(), answer.body());
        assertEquals(status == 405, answer.headers().containsKey("allow"));
        if (!method.equals("HEAD")) {
            assertTrue(answer.body().startsWith("{\"applied\":0,\"errors\":[{\"error\":\""), answer.body());
        }
        assertEquals(200, client.get("/v1/version").status(), "the connection goes on");
    }

    @Test
    void answersHeadWithoutABody() throws IOException {
        UnixHttp.Answer answer = client.exchange("HEAD", "/v1/link", null);

        assertEquals(200, answer.status());
        assertTrue(Integer.parseInt(answer.headers().get("content-length")) > 0);
        assertEquals(200, client.get("/v1/version").status());
    }

    @Test
    void answersPipelinedRequestsInOrder() throws IOException {
        String add = fdb(1);
        String get = "GET /v1/fdb HTTP/1.1\r\nHost: weft\r\n\r\n";
        client.send(
                get + "POST /v1 HTTP/1.1\r\nHost: weft\r\nContent-Length: " + add.length() + "\r\n\r\n" + add + get);

        assertEquals("[]\n", client.receive(false).body());
        assertEquals("{\"applied\":1}\n", client.receive(false).body());
        assertTrue(client.receive(false).body().contains("02:00:00:00:00:01"));
    }

    @Test
    void takesABodyInPiecesThatEndAnywhere() throws IOException {
        String body = fdb(1) + fdb(2) + fdb(3);
        client.send("POST /v1 HTTP/1.1\r\nHost: weft\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < body.length(); i += 7) {
            String piece = body.substring(i, Math.min(body.length(), i + 7));
            client.send(Integer.toHexString(piece.length()) + "\r\n" + piece + "\r\n");
        }
        client.send("0\r\n\r\n");

        assertEquals("{\"applied\":3}\n", client.receive(false).body());
    }

    @Test
    void tellsAClientThatAsksToContinue() throws IOException {
        String head =
                " HTTP/1.1\r\nHost: weft\r\nExpect: 100-continue\r\nContent-Length: " + fdb(1).length() + "\r\n\r\n";
        client.send("POST /v1" + head);
        assertEquals("HTTP/1.1 100 Continue", client.line());
        client.headers();
        client.send(fdb(1));
        assertEquals("{\"applied\":1}\n", client.receive(false).body());

        client.send("POST /v2" + head);
        UnixHttp.Answer refused = client.receive(false);
        assertEquals(404, refused.status());
        assertEquals("close", refused.headers().get("connection"));
        assertTrue(client.atEnd());
    }

    @Test
    void closesWhenAskedTo() throws IOException {
        client.send("GET /v1/version HTTP/1.1\r\nConnection: close\r\n\r\n");
        assertEquals(200, client.receive(false).status());
        assertTrue(client.atEnd());
    }

    @Test
    void answersAClientThatHasFinishedSending() throws IOException {
        client.send("GET /v1/version HTTP/1.1\r\n\r\n");
        client.shutdownOutput();
        assertEquals(200, client.receive(false).status());
        assertTrue(client.atEnd());
    }

    @Test
    void refusesWhatIsNoHttp() throws IOException {
        client.send("weft fdb show\r\n\r\n");
        assertEquals(400, client.receive(false).status());
        assertTrue(client.atEnd());
    }

    @Test
    void survivesAClientThatLeavesInTheMiddle() throws IOException {
        client.send("POST /v1 HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + fdb(1));
        client.close();
        client = UnixHttp.connect(socket);

        assertEquals(200, client.get("/v1/fdb").status());
    }

    @Test
    void takesAHundredThousandEntriesInOneBatch() throws IOException {
        StringBuilder body = new StringBuilder();
        for (int i = 0; i < 100_000; i++) {
            body.append(fdb(i + 1));
        }

        UnixHttp.Answer answer = client.post("/v1", body.toString());

        assertEquals("{\"applied\":100000}\n", answer.body());
        assertEquals(100_000, silk.fdb().size());
        assertEquals(100_000, array("/v1/fdb").size());
    }

    @Test
    void servesClientsAtTheSameTime() throws Exception {
        int clients = 8;
        int each = 200;
        ExecutorService threads = Executors.newFixedThreadPool(clients);
        List<Future<Integer>> applied = new ArrayList<>();
        for (int i = 0; i < clients; i++) {
            int first = 1 + i * each;
            Callable<Integer> task = () -> {
                try (UnixHttp own = UnixHttp.connect(socket)) {
                    int done = 0;
                    for (int j = 0; j < each; j++) {
                        done += own.post("/v1", fdb(first + j)).status() == 200 ? 1 : 0;
                    }
                    return done;
                }
            };
            applied.add(threads.submit(task));
        }
        for (Future<Integer> done : applied) {
            assertEquals(each, done.get());
        }
        threads.shutdown();

        assertEquals(clients * each, silk.fdb().size());
    }

    @Test
    void servesMetricsAndNothingElseOverTcp() throws IOException {
        InetSocketAddress address = server.listenForMetrics("127.0.0.1:0");

        try (UnixHttp tcp = new UnixHttp(SocketChannel.open(address))) {
            UnixHttp.Answer metrics = tcp.get("/metrics");
            assertEquals(200, metrics.status());
            assertTrue(metrics.headers().get("content-type").startsWith("text/plain; version=0.0.4"));
            assertTrue(metrics.body().contains("weft_tx_frames_total{vtep=\"silk-vtep\"} 0.0"), metrics.body());
            assertEquals(404, tcp.get("/v1/fdb").status());
            assertEquals(404, tcp.post("/v1", fdb(1)).status());
            assertEquals(405, tcp.post("/metrics", "").status());
        }
        assertEquals(0, silk.fdb().size());
    }

    @Test
    void runsWithoutAnAddressThatIsTakenAndServesItOnceItIsFree() throws IOException {
        InetSocketAddress address;
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            address = (InetSocketAddress) other.getLocalSocketAddress();

            assertNull(server.listenForMetrics("127.0.0.1:" + address.getPort()));

            UnixHttp.Answer ready = client.get("/readyz");
            assertEquals(200, ready.status(), "packets pass");
            assertTrue(
                    ready.body().startsWith("ok; metrics cannot be served on 127.0.0.1:" + address.getPort() + " ("),
                    ready::body);
            assertTrue(ready.body().contains("Address already in use"), ready::body);
            assertTrue(client.get("/metrics").body().contains("weft_listener_up{listener=\"metrics\"} 0.0"));
        }

        Await.until("the address is served", () -> readiness().equals("ok\n"));
        assertTrue(client.get("/metrics").body().contains("weft_listener_up{listener=\"metrics\"} 1.0"));
        try (UnixHttp tcp = new UnixHttp(SocketChannel.open(address))) {
            assertEquals(200, tcp.get("/metrics").status());
        }
    }

    private String readiness() {
        try {
            return client.get("/readyz").body();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void saysWhichNameOfAnAddressIsNotKnown() throws IOException {
        assertNull(server.listenForMetrics("nowhere.invalid:1"));

        assertEquals(
                "ok; metrics cannot be served on nowhere.invalid:1 (no such host)\n",
                client.get("/readyz").body());
    }

    @Test
    void strangersWhoKeepConnectionsLockNobodyOut() throws IOException {
        InetSocketAddress address = server.listenForMetrics("127.0.0.1:0");
        List<SocketChannel> strangers = new ArrayList<>();
        try {
            int before = OpenFiles.now().size();
            for (int i = 0; i < 200; i++) {
                SocketChannel stranger = SocketChannel.open(address);
                stranger.write(ByteBuffer.wrap("GET /metrics HTTP/1.1\r\n".getBytes(StandardCharsets.US_ASCII)));
                strangers.add(stranger);
            }
            try (UnixHttp tcp = new UnixHttp(SocketChannel.open(address))) {
                assertTrue(tcp.get("/metrics").body().contains("weft_tx_frames_total"));
                int both = OpenFiles.now().size() - before;
                assertTrue(both <= 200 + 1 + 64, "connections have " + both + " descriptors at both ends");
                assertEquals(200, client.get("/readyz").status());
            }
        } finally {
            for (SocketChannel stranger : strangers) {
                stranger.close();
            }
        }
    }

    @Test
    void handlesRequestsOnTheControlThread() throws IOException {
        AtomicReference<String> thread = new AtomicReference<>();
        Path other = directory.resolve("other.sock");
        Supplier<String> missing = () -> {
            thread.set(Thread.currentThread().getName());
            throw new IllegalStateException("as thrown");
        };
        ControlServer waiting = new ControlServer(registry, (local, dev) -> 1500, other, null, null, missing);
        try (UnixHttp asking = UnixHttp.connect(other)) {
            UnixHttp.Answer answer = asking.get("/v1/lease");

            assertTrue(thread.get().startsWith("weft-control"), thread.get());
            assertEquals(500, answer.status());
            assertEquals("as thrown", error(answer));
            assertEquals(200, asking.get("/v1/version").status());
        } finally {
            waiting.close();
        }
    }

    @Test
    void closesItsConnectionsInTheEnd() throws IOException {
        assertEquals(200, client.get("/v1/version").status());

        server.close();

        assertThrows(EOFException.class, () -> client.line());
        assertEquals(Map.of(), registry.underlays);
    }
}
