package org.weft.silk.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.config.CellConfig.TlsFiles;
import org.weft.silk.config.PolicyConfig;
import org.weft.testing.Await;
import org.weft.testing.CertificateAuthority;
import org.weft.testing.PolicyServer;

/** Against an HTTPS server with mutual TLS; each way in which it can fail is one clear sentence, and what was known stays. */
class ServerPoliciesTest {
    private static final Instant EXPIRED =
            Instant.now().minus(1, ChronoUnit.DAYS).truncatedTo(ChronoUnit.SECONDS);
    private static final String API = "/networking/v1/internal/";
    private static final Duration LONG = Duration.ofSeconds(5);

    @TempDir
    static Path directory;

    private static TlsFiles serverFiles;
    private static TlsFiles expired;
    private static TlsFiles misnamed;
    private static TlsFiles client;
    private static TlsFiles stranger;

    private final RecordedPolicies heard = new RecordedPolicies();
    private Path store;
    private PolicyServer server;
    private ServerPolicies source;

    @BeforeAll
    static void makeCertificates() {
        CertificateAuthority authority = new CertificateAuthority(directory.resolve("pki"), "policy-ca");
        serverFiles = authority.issueRsa("server", "DNS:localhost");
        expired = authority.issue("expired", "DNS:localhost", EXPIRED.minus(1, ChronoUnit.DAYS), EXPIRED);
        misnamed = authority.issue("misnamed", "DNS:policy-server.service.cf.internal");
        client = authority.issueRsa("client", "DNS:policy-agent");
        CertificateAuthority other = new CertificateAuthority(directory.resolve("other"), "policy-ca");
        stranger = other.issue("stranger", "DNS:policy-agent");
    }

    @BeforeEach
    void makeStore(@TempDir Path own) throws IOException {
        store = own.resolve("store.json");
        write(container("h1", "10.255.126.3", "backend"), container("h2", "10.255.126.4", "proxy"));
    }

    @AfterEach
    void close() {
        if (source != null) {
            source.close();
        }
        if (server != null) {
            server.close();
        }
    }

    private static String container(String handle, String ip, String group) {
        return "\"%s\": {\"handle\": \"%s\", \"ip\": \"%s\", \"metadata\": {\"policy_group_id\": \"%s\", \"app_id\": \"%s\", \"space_id\": \"s\", \"org_id\": \"o\", \"ports\": \"8080, 9090\"}}"
                .formatted(handle, handle, ip, group, group);
    }

    private void write(String... containers) throws IOException {
        Path fresh = store.resolveSibling("fresh");
        Files.writeString(fresh, "{" + String.join(",\n", containers) + "}");
        Files.move(fresh, store, StandardCopyOption.ATOMIC_MOVE);
    }

    private void follow(List<URI> urls, TlsFiles files, Duration timeout, int router) {
        source = new ServerPolicies(
                new PolicyConfig.PolicyServer(urls, files, store, Duration.ofMillis(20), timeout), router);
        source.start(heard);
    }

    private void follow(TlsFiles files) {
        follow(List.of(server.url()), files, LONG, PolicyConfig.NO_ROUTER);
    }

    private void followInGoodHealth(Duration timeout) {
        server = new PolicyServer(serverFiles);
        server.allow("proxy", "0001", "backend", "tcp", 7777, 7779);
        follow(List.of(server.url()), client, timeout, PolicyConfig.NO_ROUTER);
        heard.awaitRules(1);
    }

    private void assertRecovers() {
        server.behave();
        heard.awaitLast("confirmed");
        assertEquals(1, heard.set().rules().size());
        heard.clear();
    }

    private static Policy policy(int tag, String destination, int first, int last) {
        return new Policy(tag, IpAddress.parse(destination), Protocol.TCP, first, last);
    }

    private static Set<Policy> policies(PolicySet set) {
        return set.rules().stream().map(PolicyRule::policy).collect(Collectors.toSet());
    }

    @Test
    void turnsPoliciesOfAppsIntoThoseOfContainers() {
        followInGoodHealth(LONG);
        PolicySet set = heard.set();
        assertEquals(Set.of(policy(1, "10.255.126.3", 7777, 7779)), policies(set));
        assertEquals(List.of(new Tag(IpPrefix.parse("10.255.126.4"), 1)), set.tags());
        assertEquals(Map.of(1, "proxy", 255, "backend"), set.apps());
        assertEquals(new Workload("h1", "backend", "s", "o"), set.workloads().get(IpAddress.parse("10.255.126.3")));
        assertEquals("proxy to backend", set.rules().get(0).name());
        assertEquals("policy-server " + server.url(), set.rules().get(0).origin());
        assertEquals(
                List.of("GET " + API + "policies_last_updated", "GET " + API + "policies?id=backend,proxy"),
                server.requests().subList(0, 2));
    }

    @Test
    void asksForPoliciesOnlyWhenTheyHaveChanged() {
        followInGoodHealth(LONG);
        server.awaitRequests(10);
        assertEquals(1, asked());
        server.allow("proxy", "0001", "backend", "udp", 53, 53);
        heard.awaitRules(2);
        assertEquals(2, asked());
    }

    private long asked() {
        return server.requests().stream()
                .filter(request -> request.contains("policies?id"))
                .count();
    }

    @Test
    void followsContainers() throws IOException {
        followInGoodHealth(LONG);
        write(
                container("h1", "10.255.126.3", "backend"),
                container("h2", "10.255.126.4", "proxy"),
                container("h3", "10.255.126.5", "backend"));
        heard.awaitRules(2);
        write("");
        heard.awaitRules(0);
        assertEquals(List.of(), heard.set().tags());
    }

    @Test
    void asksForManyAppsInSeveralRequests() throws IOException {
        server = new PolicyServer(serverFiles);
        IntStream.range(0, 250)
                .forEach(i -> server.allow("app" + (i + 1) % 250, "0001", "app" + i, "tcp", 1000 + i, 1000 + i));
        write(IntStream.range(0, 250)
                .mapToObj(i -> container("h" + i, "10.255.126." + (i + 1), "app" + i))
                .toArray(String[]::new));
        follow(client);
        heard.awaitRules(250);
        assertEquals(3, asked());
    }

    @Test
    void letsIngressRouterInToThePortsOfContainers() {
        server = new PolicyServer(serverFiles);
        follow(List.of(server.url()), client, LONG, PolicyConfig.ASK);
        PolicySet set = heard.awaitRules(4);
        assertTrue(policies(set).contains(policy(5, "10.255.126.3", 9090, 9090)), set.toString());
        assertEquals("INGRESS_ROUTER", set.apps().get(5));
        assertTrue(
                server.requests().contains("PUT " + API + "tags {\"id\":\"INGRESS_ROUTER\",\"type\":\"router\"}"),
                server.requests().toString());
        server.routerTag("0006");
        Await.until("another tag", () -> heard.set().apps().containsKey(6));
    }

    @Test
    void takesIngressRoutersTagFromTheConfiguration() {
        server = new PolicyServer(serverFiles);
        follow(List.of(server.url()), client, LONG, 0x1234);
        assertTrue(policies(heard.awaitRules(4)).contains(policy(0x1234, "10.255.126.3", 8080, 8080)));
    }

    @Test
    void skipsAndNamesWhatCannotBeUsed() throws IOException {
        server = new PolicyServer(serverFiles);
        server.allow("proxy", "010001", "backend", "tcp", 80, 80);
        server.allow("proxy", "0001", "backend", "sctp", 80, 80);
        server.allow("proxy", "0001", "backend", "tcp", 81, 80);
        server.allow("proxy", "0002", "backend", "tcp", 80, 80);
        server.allow("proxy", "x", "backend", "tcp", 80, 80);
        server.put("proxy", "backend", "{\"destination\": {\"id\": \"backend\", \"ports\": 7}}");
        server.allow("proxy", "0001", "backend", "tcp", 80, 80);
        write(
                container("h1", "10.255.126.3", "backend"),
                container("h2", "10.255.126.3", "proxy"),
                container("h3", "10.255.126.300", "proxy"),
                "\"h4\": {}",
                "\"h5\": 5");
        follow(client);
        PolicySet set = heard.awaitRules(1);
        String of = "policy from proxy to backend: ";
        assertEquals(
                List.of(
                        store + ": container h3: \"10.255.126.300\" is not an IP address such as 10.0.16.14 or"
                                + " 2001:db8::1",
                        store + ": container h4: has no ip",
                        store + ": container h5: is not a JSON object",
                        store + ": container h2: 10.255.126.3 is that of h1 already, which keeps it",
                        of
                                + "tag 010001 is wider than the 16 bits that VXLAN carries: let the policy server's"
                                + " tag_length be 2",
                        of + "protocol sctp is not tcp, udp or icmp",
                        of + "the range of ports 81-80 is empty",
                        of + "its source cannot have tag 2 too: it keeps tag 1",
                        of + "tag x is no hexadecimal number",
                        "policy from null to backend: tag null is no hexadecimal number"),
                set.skipped());
        assertEquals(List.of(), set.tags());
    }

    @Test
    void halfWrittenStoreChangesNothing() throws IOException {
        followInGoodHealth(LONG);
        Files.writeString(store, "{\"h1\": {\"handle\": \"h1\", \"ip\": \"10.255.126.");
        assertEquals(
                store + " is no store of containers: it is not JSON, or only the beginning of it; the containers known"
                        + " last stay",
                heard.failure());
        server.allow("proxy", "0001", "backend", "udp", 53, 53);
        heard.awaitRules(2);
        heard.clear();
        Files.writeString(store, "");
        Await.until("another failure", () -> heard.failure().contains("it is empty, probably half-written"));
        write(container("h1", "10.255.126.3", "backend"), container("h2", "10.255.126.4", "proxy"));
        heard.awaitLast("confirmed");
    }

    @Test
    void vanishedStoreChangesNothing() throws IOException {
        followInGoodHealth(LONG);
        Files.delete(store);
        assertEquals(store + " does not exist; the containers known last stay", heard.failure());
        write(container("h1", "10.255.126.3", "backend"), container("h2", "10.255.126.4", "proxy"));
        assertRecovers();
    }

    @Test
    void waitsForStoreThatIsNotThereYet() throws IOException {
        Files.delete(store);
        server = new PolicyServer(serverFiles);
        server.allow("proxy", "0001", "backend", "tcp", 80, 80);
        follow(client);
        assertEquals(store + " does not exist", heard.failure());
        write(container("h1", "10.255.126.3", "backend"));
        heard.awaitRules(1);
    }

    @Test
    void worksWithServerThatDoesNotTellOfUpdates() {
        followInGoodHealth(LONG);
        server.answer(API + "policies_last_updated", 404, "");
        server.clear();
        heard.awaitRules(0);
    }

    @Test
    void asksTheNextPlaceIfOneDoesNotAnswer() throws IOException {
        server = new PolicyServer(serverFiles);
        server.allow("proxy", "0001", "backend", "tcp", 80, 80);
        int free;
        try (ServerSocket closed = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            free = closed.getLocalPort();
        }
        URI dead = URI.create("https://localhost:" + free);
        follow(List.of(dead, server.url()), client, LONG, PolicyConfig.NO_ROUTER);
        heard.awaitRules(1);
        server.answer(500, "");
        assertEquals(server.url() + API + "policies_last_updated answers 500", heard.failure());
        assertRecovers();
    }

    @Test
    void wrongAuthority() {
        server = new PolicyServer(serverFiles);
        follow(new TlsFiles(stranger.ca(), client.certificate(), client.key()));
        assertEquals(
                "the certificate of " + server.url() + " is signed by nobody that " + stranger.ca() + " holds",
                heard.failure());
    }

    @Test
    void expiredServerCertificate() {
        server = new PolicyServer(expired);
        follow(client);
        assertEquals("the certificate of " + server.url() + " expired on " + EXPIRED, heard.failure());
    }

    @Test
    void wrongServerName() {
        server = new PolicyServer(misnamed);
        follow(client);
        assertEquals(
                "the certificate of " + server.url()
                        + " is for the names policy-server.service.cf.internal, not for localhost",
                heard.failure());
    }

    @Test
    void refusedClientCertificate() {
        server = new PolicyServer(serverFiles);
        follow(new TlsFiles(serverFiles.ca(), stranger.certificate(), stranger.key()));
        String sentence = heard.failure();
        assertTrue(sentence.startsWith(server.url().toString()), sentence);
        assertTrue(sentence.contains("refuses this host's certificate in " + stranger.certificate()), sentence);
    }

    @Test
    void recoversWhenTheRightFilesArePutInPlace() throws IOException {
        server = new PolicyServer(serverFiles);
        Path ca = directory.resolve("replaced.crt");
        Files.copy(stranger.ca(), ca, StandardCopyOption.REPLACE_EXISTING);
        follow(new TlsFiles(ca, client.certificate(), client.key()));
        heard.failure();
        Files.copy(serverFiles.ca(), ca, StandardCopyOption.REPLACE_EXISTING);
        heard.set();
    }

    @Test
    void answersWithAnError() {
        followInGoodHealth(LONG);
        server.answer(500, "{\"error\": \"policies-index-internal:\\n database read failed\"}");
        assertEquals(
                server.url() + API + "policies_last_updated answers 500: policies-index-internal: database read failed",
                heard.failure());
        assertRecovers();
    }

    @Test
    void answersWithGarbage() {
        followInGoodHealth(LONG);
        for (String[] each : new String[][] {
            {"<html>Welcome</html>", "it is not JSON, or only the beginning of it"},
            {"{}", "it is no number"},
            {"\"soon\"", "it is no number"},
            {"", "it is no number"},
            {"[".repeat(100_000), "it is not JSON, or only the beginning of it"},
            {"[" + "[],".repeat(500_000) + "0]", "it has more than 500000 names and values, the most that Weft reads"},
        }) {
            server.answer(API + "policies_last_updated", 200, each[0]);
            assertEquals(
                    server.url() + API + "policies_last_updated gives no answer that can be used: " + each[1],
                    heard.failure());
            assertRecovers();
        }
    }

    @Test
    void answersWithMoreThanTheHeapBears() {
        followInGoodHealth(LONG);
        server.answer(API + "policies_last_updated", 200, " ".repeat((8 << 20) + 1));
        assertEquals(
                server.url()
                        + " gives no answer that can be used: the answer is longer than 8 MB, the most that Weft reads",
                heard.failure());
        assertRecovers();
    }

    @Test
    void answersWithGarbageForPolicies() {
        followInGoodHealth(LONG);
        for (String[] each : new String[][] {
            {"{\"policies\": [{\"source\": ", "it is not JSON, or only the beginning of it"},
            {"{}", "it has no \"policies\""},
            {"{\"policies\": {}}", "\"policies\" is not a list"},
            {"[]", "it is not a JSON object"},
        }) {
            server.answer(API + "policies", 200, each[0]);
            server.put("x", "x", "{}");
            assertEquals(server.url() + API + "policies gives no answer that can be used: " + each[1], heard.failure());
            assertRecovers();
        }
    }

    @Test
    void takesRequestsAndNeverAnswers() {
        followInGoodHealth(Duration.ofMillis(500));
        server.fallSilent();
        assertEquals(server.url() + " does not answer within 500 ms", heard.failure());
        assertRecovers();
    }

    @Test
    void stallsInTheMiddleOfTheBody() {
        followInGoodHealth(Duration.ofMillis(500));
        server.stall();
        assertEquals(server.url() + " does not answer within 500 ms", heard.failure());
        assertRecovers();
    }

    @Test
    void isStoppedAndComesBack() {
        followInGoodHealth(LONG);
        URI url = server.url();
        int port = server.port();
        server.close();
        Await.until("refused", () -> heard.failure().contains("refuses the connection"));
        assertEquals(url + " refuses the connection: nothing listens there", heard.failure());
        server = new PolicyServer(serverFiles, port);
        server.allow("proxy", "0001", "backend", "tcp", 7777, 7779);
        assertRecovers();
    }
}
