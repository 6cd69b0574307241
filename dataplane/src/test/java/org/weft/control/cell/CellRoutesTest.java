package org.weft.control.cell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.control.ControlServerFixture;
import org.weft.control.http.CollectedBody;
import org.weft.control.http.UnixHttp;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.cell.CellStatus;
import org.weft.silk.cell.CellStatus.Phase;
import org.weft.silk.cell.MemoryCell;
import org.weft.silk.container.Containers;
import org.weft.silk.container.MemoryCellTable;

class CellRoutesTest extends ControlServerFixture {
    private static final String OWN_JSON =
            "{'underlay_ip':'10.0.16.16','overlay_subnet':'10.255.99.0/24','overlay_hardware_addr':'ee:ee:0a:ff:63:00'}";
    private static final String PEER_JSON =
            "{'underlay_ip':'10.0.16.14','overlay_subnet':'10.255.43.0/24','overlay_hardware_addr':'ee:ee:0a:ff:2b:00'}";

    private MemoryCell memory;

    @Override
    protected LocalCell local() {
        memory = new MemoryCell(registry, directory);
        memory.start();
        return new LocalCell(memory.cell, Containers.open(directory, MemoryCellTable.guard()));
    }

    @AfterEach
    void closeCell() {
        memory.close();
    }

    private void lease(String... others) {
        memory.leases.say(MemoryCell.OWN, others);
        memory.await(
                "the leases", status -> status.hasLease() && status.leases().size() == others.length);
    }

    private static JsonElement json(String text) {
        return JsonParser.parseString(text.replace('\'', '"'));
    }

    private JsonObject object(String target) throws IOException {
        UnixHttp.Answer answer = client.get(target);
        assertEquals(200, answer.status(), answer.body());
        assertEquals("application/json", answer.headers().get("content-type"));
        return JsonParser.parseString(answer.body()).getAsJsonObject();
    }

    // Leases

    @Test
    void showsLeasesByAddressWithSilksNames() throws IOException {
        lease("10.0.16.15 10.255.200.0/24", MemoryCell.PEER);
        memory.leases.fail("silence");
        memory.await("stale", status -> status.phase() == Phase.STALE);

        JsonObject lease = object("/v1/lease");

        assertEquals("silk-memory", lease.get("vtep").getAsString());
        assertEquals("memory", lease.get("source").getAsString());
        assertEquals("stale", lease.get("state").getAsString());
        assertTrue(lease.get("age").getAsLong() < 10);
        assertEquals("silence", lease.get("trouble").getAsString());
        assertEquals(json(OWN_JSON), lease.get("own"));
        assertEquals(json(PEER_JSON), lease.getAsJsonArray("leases").get(0));
        assertEquals(2, lease.getAsJsonArray("leases").size());
        assertEquals(json("[]"), lease.get("skipped"));
        assertEquals(json("[]"), lease.get("failures"));
    }

    @Test
    void showsWhatIsSkippedAndWhy() throws IOException {
        memory.leases.say(MemoryCell.OWN, "10.0.16.15 10.99.0.0/24");
        memory.await("the lease", CellStatus::hasLease);

        assertEquals(
                json("[{'underlay_ip':'10.0.16.15','overlay_subnet':'10.99.0.0/24','overlay_hardware_addr':null,"
                        + "'reason':'memory: overlay_subnet 10.99.0.0/24 is not in the overlay 10.255.0.0/16,"
                        + " 10.254.0.0/16'}]"),
                object("/v1/lease").get("skipped"));
    }

    @Test
    void showsThatThereIsNoLeaseYet() throws IOException {
        JsonObject lease = object("/v1/lease");

        assertEquals("waiting", lease.get("state").getAsString());
        assertTrue(lease.get("own").isJsonNull());
        assertTrue(lease.get("age").isJsonNull());
    }

    // Convergence

    @Test
    void saysWhatWouldBeChangedAndChangesIt() throws IOException {
        lease(MemoryCell.PEER);
        registry.vtep(MemoryCell.VTEP).fdb().remove(0xeeee_0aff_2b00L, null);
        String change =
                "[{'subnet':'10.255.43.0/24','change':'repaired','before':%1$s,'after':%1$s,'text':'repaired 10.255.43.0/24:"
                                .formatted(PEER_JSON)
                        + " 10.0.16.14 ee:ee:0a:ff:2b:00, forwarding entry'}]";

        assertEquals(json(change), array("/v1/converge"));
        assertEquals(json(change), array("/v1/converge"), "it was but a question");
        assertEquals(json(change), json(client.post("/v1/converge", "").body()));
        assertEquals(json("[]"), array("/v1/converge"));
        assertEquals(1, memory.leases.refreshes.get());
    }

    @Test
    void saysThatTheGuardOfContainersIsGoneAndLaysItAgain() throws IOException {
        lease();
        memory.tenants.table.flushed = true;
        String repair = "[{'table':'inet weft-memory-cell','change':'repaired',"
                + "'text':'repaired table inet weft-memory-cell'}]";

        assertEquals(json(repair), array("/v1/converge"));
        assertEquals(json(repair), json(client.post("/v1/converge", "").body()));
        assertEquals(json("[]"), array("/v1/converge"));
    }

    @Test
    void warnsOfAnMtuThatTheCellWouldNotSet() throws IOException {
        lease();
        String larger = "{\"object\":\"link\",\"action\":\"set\",\"dev\":\"silk-memory\",\"attributes\":{\"mtu\":%d}}";
        String sentence = "mtu 9000 of silk-memory is not the one that the cell would set: enter"
                + " `weft link set silk-memory mtu 1450`, or set cell.vtep.mtu";
        assertEquals(200, client.post("/v1", larger.formatted(9000)).status());

        assertEquals(json("[{'warning':'" + sentence + "'}]"), array("/v1/converge"));
        assertEquals(
                json("[{'warning':'" + sentence + "'}]"),
                json(client.post("/v1/converge", "").body()));
        assertEquals(200, client.post("/v1", larger.formatted(1450)).status());
        assertEquals(json("[]"), array("/v1/converge"));
    }

    @Test
    void saysWhyTheGuardOfContainersCannotBeLaid() throws IOException {
        lease();
        memory.tenants.table.failure = new OperatorException(Kind.UNAVAILABLE, "no nft");
        String trouble = "containers can forge sources and tags, as nothing keeps them from UDP port 4789: no nft";

        assertEquals(
                json("[{'table':'inet weft-memory-cell','change':'repaired',"
                        + "'text':'repaired table inet weft-memory-cell','refused':'" + trouble + "'}]"),
                json(client.post("/v1/converge", "").body()));
        assertEquals(
                json("{'table':'inet weft-memory-cell','trouble':'" + trouble + "'}"),
                object("/v1/cell").get("guard"));
    }

    @Test
    void hasNothingToConvergeWithoutALease() throws IOException {
        for (String method : new String[] {"GET", "POST"}) {
            UnixHttp.Answer answer = client.exchange(method, "/v1/converge", method.equals("POST") ? "" : null);
            assertEquals(409, answer.status());
            assertEquals(
                    "this host has no lease in force, so there is nothing to converge: see weft lease show",
                    error(answer));
        }
    }

    // The cell

    @Test
    void showsTheCell() throws IOException {
        assertEquals(
                json("{'vtep':'silk-memory','state':'waiting','subnet':null,'draining':false,'drain_remaining':null,"
                        + "'guard':{'table':'inet weft-memory-cell','trouble':null},'containers':[]}"),
                object("/v1/cell"));
        lease();
        assertEquals("10.255.99.0/24", object("/v1/cell").get("subnet").getAsString());
    }

    @Test
    void drainsAndGoesOn() throws IOException {
        lease();
        memory.tenants.size(1);

        JsonObject draining = json(client.post("/v1/cell", "{\"action\":\"drain\",\"timeout\":60}")
                        .body())
                .getAsJsonObject();
        assertEquals("draining", draining.get("state").getAsString());
        assertTrue(draining.get("draining").getAsBoolean());
        assertTrue(draining.get("drain_remaining").getAsLong() >= 50);
        assertTrue(memory.tenants.draining);

        UnixHttp.Answer cancelled = client.post("/v1/cell", "{\"action\":\"cancel-drain\"}");
        assertEquals(
                "current", json(cancelled.body()).getAsJsonObject().get("state").getAsString());
        assertFalse(memory.tenants.draining);
    }

    @Test
    void drainsTenMinutesIfNothingElseIsSaid() throws IOException, InterruptedException {
        lease();
        memory.tenants.size(1);
        assertEquals(200, client.post("/v1/cell", "{\"action\":\"drain\"}").status());
        assertTrue(object("/v1/cell").get("drain_remaining").getAsLong() > 580);

        memory.tenants.size(0);
        assertTrue(memory.stopped.await(10, TimeUnit.SECONDS));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
400 |                                                    | the body is not one JSON object
400 | [1]                                                | the body is not one JSON object
400 | {"action":"drain"} {}                              | the body is not one JSON object (malformed JSON at column 21 path $)
400 | {}                                                 | field "action" is missing
400 | {"action":"drian"}                                 | action: "drian" is not one of attach, detach, drain, cancel-drain (did you mean "drain"?)
400 | {"action":"drain","timeout":0}                     | timeout: "0" is not a number from 1 to 2592000
400 | {"action":"drain","timeout":"soon"}                | timeout: "soon" is not a number from 1 to 2592000
400 | {"action":"drain","timout":5}                      | field "timout" is unknown (did you mean "timeout"?)
400 | {"action":"cancel-drain","timeout":5}              | field "timeout" is unknown
400 | {"action":"attach"}                                | field "netns" is missing
400 | {"action":"attach","netns":"a b"}                  | network namespace "a b" is neither a name in /run/netns nor an absolute path
400 | {"action":"attach","netns":"a","address":"10.0"}   | address: "10.0" is not an IP address such as 10.0.16.14 or 2001:db8::1
400 | {"action":"attach","netns":"a","ifname":"-"}       | interface name "-" is not 1 to 15 letters, digits, dots, hyphens and underscores
400 | {"action":"attach","netns":"a","ip":"10.255.99.2"} | field "ip" is unknown
409 | {"action":"attach","netns":"a"}                    | this host has no lease yet, so no container is attached: see weft lease show
400 | {"action":"detach","ifname":"eth0"}                | field "netns" is missing
404 | {"action":"detach","netns":"a"}                    | eth0 of /run/netns/a is not attached
""")
    void refusesWhatItDoesNotUnderstand(int status, String body, String sentence) throws IOException {
        UnixHttp.Answer answer = client.post("/v1/cell", body == null ? "" : body);

        assertEquals(sentence, error(answer));
        assertEquals(status, answer.status());
        assertEquals("waiting", object("/v1/cell").get("state").getAsString());
    }

    @Test
    void refusesABodyThatIsTooLong() throws IOException {
        UnixHttp.Answer answer = client.post("/v1/cell", " ".repeat(CollectedBody.MAX_LENGTH + 1));

        assertEquals(400, answer.status());
        assertEquals("the body is longer than 1048576 bytes", error(answer));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "POST   | /v1/lease    | GET, HEAD",
                "DELETE | /v1/lease    | GET, HEAD",
                "GET    | /v1/cni      | POST",
                "PUT    | /v1/cell     | GET, HEAD, POST",
                "PATCH  | /v1/converge | GET, HEAD, POST"
            })
    void takesNoOtherMethod(String method, String path, String allowed) throws IOException {
        UnixHttp.Answer answer = client.exchange(method, path, "{}");

        assertEquals(405, answer.status());
        assertEquals(allowed, answer.headers().get("allow"));
        assertEquals(path + " takes " + allowed + " only", error(answer));
    }

    @Test
    void takesNoParameters() throws IOException {
        UnixHttp.Answer answer = client.get("/v1/lease?dev=silk-memory");

        assertEquals(400, answer.status());
        assertTrue(error(answer).contains("dev"), error(answer));
    }

    // CNI

    private UnixHttp.Answer cni(String headers, String config) throws IOException {
        client.send("POST /v1/cni HTTP/1.1\r\nHost: weft\r\n" + headers + "Content-Length: " + config.length()
                + "\r\n\r\n" + config);
        return client.receive(false);
    }

    @Test
    void answersTheCniPlugin() throws IOException {
        UnixHttp.Answer answer = cni("CNI-Command: VERSION\r\n", "{\"cniVersion\":\"1.0.0\"}");

        assertEquals(200, answer.status());
        assertEquals(
                json("{'cniVersion':'1.0.0','supportedVersions':['0.3.0','0.3.1','0.4.0','1.0.0','1.1.0']}"),
                json(answer.body()));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    4 | X-Command: ADD  | CNI_COMMAND
                    4 | CNI-Command: AD | CNI_COMMAND: "AD" is not one of ADD, DEL, CHECK, GC, STATUS, VERSION
                    4 | CNI-Command: ADD | CNI_IFNAME is not set
                    """)
    void answersFailuresAsTheSpecificationHasThem(int code, String header, String part) throws IOException {
        UnixHttp.Answer answer =
                cni(header + "\r\n", "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"type\":\"weft-cni\"}");

        assertEquals(500, answer.status());
        JsonObject error = json(answer.body()).getAsJsonObject();
        assertEquals(code, error.get("code").getAsInt(), answer.body());
        assertTrue(error.get("msg").getAsString().contains(part), answer.body());
        assertEquals("1.0.0", error.get("cniVersion").getAsString());
    }

    // Health

    private void assertHealth(int alive, int ready, String sentence) throws IOException {
        assertEquals(alive, client.get("/healthz").status());
        UnixHttp.Answer answer = client.get("/readyz");
        assertEquals(ready + " " + sentence + "\n", answer.status() + " " + answer.body());
    }

    private void assertCutOff(String sentence) throws IOException {
        assertHealth(200, 503, sentence);
        String metrics = client.get("/metrics").body();
        assertTrue(metrics.contains("\nweft_cell_ready 0.0\n"), metrics);
        assertTrue(metrics.contains("\nweft_up{vtep=\"silk-memory\"} 0.0\n"), metrics);
    }

    private void assertConnected() throws IOException {
        assertHealth(200, 200, "ok");
        String metrics = client.get("/metrics").body();
        assertTrue(metrics.contains("\nweft_cell_ready 1.0\n"), metrics);
        assertTrue(metrics.contains("\nweft_up{vtep=\"silk-memory\"} 1.0\n"), metrics);
    }

    @Test
    void gaugesAndReadinessAgreeOnWhatKeepsPacketsBack() throws IOException {
        registry.vteps.remove("silk-vtep");
        lease(MemoryCell.PEER);
        assertConnected();

        registry.obstacle = "the underlay interface eth0 is gone";
        assertCutOff("silk-memory: the underlay interface eth0 is gone");
        registry.obstacle = null;
        registry.trouble = "a rule is missing, but packets pass";
        assertConnected();

        registry.up = false;
        assertCutOff("silk-memory is down: a rule is missing, but packets pass");
        registry.trouble = null;
        assertCutOff("silk-memory is down");
        registry.up = true;
        assertConnected();
    }

    @Test
    void isNotReadyWithAForeignMacAddress() throws IOException {
        lease(MemoryCell.PEER);

        registry.mac = 0x0211_2233_4455L;
        memory.await("the foreign MAC address", status -> status.obstacle() != null);
        String sentence =
                "silk-memory has the MAC address 02:11:22:33:44:55, and other hosts send to ee:ee:0a:ff:63:00";
        assertCutOff(sentence);
        assertEquals(sentence, object("/v1/lease").get("trouble").getAsString());

        registry.mac = null;
        memory.await("the own MAC address", status -> status.obstacle() == null);
        String set = "{\"object\":\"link\",\"action\":\"set\",\"dev\":\"silk-memory\",\"attributes\":{\"mac\":\"%s\"}}";
        assertEquals(200, client.post("/v1", set.formatted("02:11:22:33:44:55")).status());
        memory.await("a MAC address that an operator set", status -> sentence.equals(status.obstacle()));

        assertEquals(200, client.post("/v1", set.formatted("ee:ee:0a:ff:63:00")).status());
        memory.await("the own MAC address", status -> status.obstacle() == null);
    }

    @Test
    void isReadyAsLongAsPacketsPass() throws IOException {
        assertHealth(200, 503, "this host has no lease in force, memory");
        memory.leases.fail("silence");
        memory.await("the trouble", status -> status.trouble() != null);
        assertHealth(200, 503, "this host has no lease in force, memory: silence");

        lease();
        assertHealth(200, 200, "ok");
        memory.leases.fail("silence");
        memory.await("stale", status -> status.phase() == Phase.STALE);
        assertTrue(client.get("/readyz").body().matches("ok, running on tables of age \\d s: silence\n"));

        memory.leases.confirm();
        memory.tenants.size(1);
        client.post("/v1/cell", "{\"action\":\"drain\"}");
        assertHealth(200, 200, "ok, draining");

        memory.leases.lose("it is taken");
        memory.await("lost", status -> status.phase() == Phase.LOST);
        String sentence = "it is taken; containers in it (1) are cut off, another is acquired once they are gone";
        assertHealth(503, 503, sentence);
        assertEquals(sentence + "\n", client.get("/healthz").body());
    }

    // silk-cni

    @Test
    void answersSilkCniWhateverItAsks() throws IOException {
        InetSocketAddress address = server.listenForNetworkInfo("127.0.0.1:0");
        try (UnixHttp silkCni = new UnixHttp(SocketChannel.open(address))) {
            UnixHttp.Answer before = silkCni.get("/");
            assertEquals(503, before.status());
            assertEquals("{\"error\":\"this host has no lease in force: see weft lease show\"}\n", before.body());

            lease();

            for (String path : new String[] {"/", "/v1/cell", "/any?at=all"}) {
                assertEquals(
                        "{\"overlay_subnet\":\"10.255.99.0/24\",\"mtu\":1450}\n",
                        silkCni.get(path).body());
            }
            assertEquals(200, silkCni.exchange("PUT", "/x", "{}").status());
        }
    }
}
