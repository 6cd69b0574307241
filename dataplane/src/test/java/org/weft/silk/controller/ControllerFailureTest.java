package org.weft.silk.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;
import org.weft.silk.config.CellConfig;
import org.weft.silk.config.CellConfig.TlsFiles;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.Overlay;
import org.weft.testing.CertificateAuthority;
import org.weft.testing.SilkController;

/** Each way in which a silk-controller can fail: one clear sentence, what was known stays, and it recovers by itself. */
class ControllerFailureTest {
    private static final Instant EXPIRED =
            Instant.now().minus(1, ChronoUnit.DAYS).truncatedTo(ChronoUnit.SECONDS);
    private static final Overlay OVERLAY = new Overlay(List.of(IpPrefix.parse("10.255.0.0/16")), 24);
    private static final Lease HELD = new Lease(
            IpAddress.parse("10.0.16.14"), IpPrefix.parse("10.255.43.0/24"), MacAddress.parse("ee:ee:0a:ff:2b:00"));

    @TempDir
    static Path directory;

    private static TlsFiles server;
    private static TlsFiles expired;
    private static TlsFiles misnamed;
    private static TlsFiles client;
    private static TlsFiles stranger;

    private final RecordedLeases heard = new RecordedLeases();
    private SilkController controller;
    private ControllerLeases source;

    @BeforeAll
    static void makeCertificates() {
        CertificateAuthority authority = new CertificateAuthority(directory.resolve("pki"), "silk-ca");
        server = authority.issueRsa("server", "DNS:localhost");
        expired = authority.issue("expired", "DNS:localhost", EXPIRED.minus(1, ChronoUnit.DAYS), EXPIRED);
        misnamed = authority.issue("misnamed", "DNS:silk-controller.service.cf.internal,IP:10.0.0.9");
        client = authority.issueRsa("client", "DNS:silk-daemon");
        // The name of the authority is the same: so it is after CredHub made a new one.
        CertificateAuthority other = new CertificateAuthority(directory.resolve("other"), "silk-ca");
        stranger = other.issue("stranger", "DNS:silk-daemon");
    }

    @AfterEach
    void close() {
        if (source != null) {
            source.close();
        }
        if (controller != null) {
            controller.close();
        }
    }

    private void follow(URI url, TlsFiles files, Duration timeout) {
        var config = new CellConfig.SilkController(url, files, Duration.ofMillis(20), timeout, Duration.ofHours(1));
        source = new ControllerLeases(config, HELD.underlay(), OVERLAY, false);
        source.start(HELD, Instant.now(), heard);
    }

    private void follow(TlsFiles files) {
        follow(controller.url(), files, Duration.ofSeconds(5));
    }

    private void followInGoodHealth(Duration timeout) {
        controller = new SilkController(server);
        controller.put("10.0.16.15", "10.255.44.0/24", "ee:ee:0a:ff:2c:00");
        follow(controller.url(), client, timeout);
        assertEquals(2, heard.leases().all().size());
    }

    /** Nothing but failures is heard until things are as before, which is then confirmed. */
    private void assertRecovers() {
        controller.behave();
        heard.after("failed", "confirmed");
    }

    @Test
    void wrongAuthority() {
        controller = new SilkController(server);
        follow(new TlsFiles(stranger.ca(), client.certificate(), client.key()));
        assertEquals(
                "the certificate of " + controller.url() + " is signed by nobody that " + stranger.ca() + " holds",
                heard.failure());
    }

    @Test
    void expiredServerCertificate() {
        controller = new SilkController(expired);
        follow(client);
        assertEquals("the certificate of " + controller.url() + " expired on " + EXPIRED, heard.failure());
    }

    @Test
    void wrongServerName() {
        controller = new SilkController(misnamed);
        follow(client);
        assertEquals(
                "the certificate of " + controller.url()
                        + " is for the names silk-controller.service.cf.internal, 10.0.0.9, not for localhost",
                heard.failure());
    }

    @Test
    void missingClientCertificate() {
        controller = new SilkController(server);
        follow(new TlsFiles(server.ca(), null, null));
        String sentence = heard.failure();
        assertTrue(sentence.startsWith(controller.url().toString()), sentence);
        assertTrue(sentence.contains("client certificate, and none is configured"), sentence);
    }

    @Test
    void refusedClientCertificate() {
        controller = new SilkController(server);
        follow(new TlsFiles(server.ca(), stranger.certificate(), stranger.key()));
        String sentence = heard.failure();
        assertTrue(sentence.startsWith(controller.url().toString()), sentence);
        assertTrue(sentence.contains("refuses this host's certificate in " + stranger.certificate()), sentence);
    }

    @Test
    void recoversWhenTheRightFilesArePutInPlace() throws IOException {
        controller = new SilkController(server);
        Path ca = directory.resolve("replaced.crt");
        Files.copy(stranger.ca(), ca, StandardCopyOption.REPLACE_EXISTING);
        follow(new TlsFiles(ca, client.certificate(), client.key()));
        heard.failure();
        Files.copy(server.ca(), ca, StandardCopyOption.REPLACE_EXISTING);
        heard.after("failed", "leases");
    }

    @Test
    void answersWithAnError() {
        followInGoodHealth(Duration.ofSeconds(5));
        controller.answer(500, "{\"error\": \"all-routable-leases:\\n database is locked\"}");
        assertEquals(
                controller.url() + "/leases/renew answers 500: all-routable-leases: database is locked",
                heard.failure());
        assertRecovers();
    }

    @Test
    void answersWithAnErrorToTheListOnly() {
        followInGoodHealth(Duration.ofSeconds(5));
        controller.answer("/leases", 503, "<html>no healthy upstream</html>");
        assertEquals(controller.url() + "/leases answers 503", heard.failure());
        assertRecovers();
    }

    @Test
    void answersWithGarbage() {
        followInGoodHealth(Duration.ofSeconds(5));
        controller.answer("/leases", 200, "<html>Welcome</html>");
        assertEquals(
                controller.url()
                        + "/leases gives no answer that can be used: it is not JSON, or only the beginning of it",
                heard.failure());
        assertRecovers();
    }

    @Test
    void answersWithTruncatedJson() {
        followInGoodHealth(Duration.ofSeconds(5));
        controller.answer("/leases", 200, "{\"leases\": [{\"underlay_ip\": \"10.0.16.15\"");
        assertEquals(
                controller.url()
                        + "/leases gives no answer that can be used: it is not JSON, or only the beginning of it",
                heard.failure());
        assertRecovers();
    }

    @Test
    void answersWithJsonOfAnotherShape() {
        followInGoodHealth(Duration.ofSeconds(5));
        for (String[] each : new String[][] {
            {"{}", "it has no \"leases\""},
            {"{\"leases\": {}}", "\"leases\" is not a list"},
            {"[]", "it is not a JSON object"},
            {"{\"leases\": []} {}", "it is not JSON, or only the beginning of it"},
            {"", "it is not a JSON object"},
            {"[".repeat(100_000), "it is not JSON, or only the beginning of it"}
        }) {
            controller.answer("/leases", 200, each[0]);
            assertEquals(controller.url() + "/leases gives no answer that can be used: " + each[1], heard.failure());
            assertRecovers();
        }
    }

    @Test
    void takesRequestsAndNeverAnswers() {
        followInGoodHealth(Duration.ofSeconds(2));
        controller.fallSilent();
        assertEquals(controller.url() + " does not answer within 2 s", heard.failure());
        assertRecovers();
    }

    @Test
    void stallsInTheMiddleOfTheBody() {
        followInGoodHealth(Duration.ofSeconds(2));
        controller.stall();
        assertEquals(controller.url() + " does not answer within 2 s", heard.failure());
        assertRecovers();
    }

    @Test
    void acceptsConnectionsAndIsSilent() throws IOException {
        try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String url = "https://localhost:" + silent.getLocalPort();
            follow(URI.create(url), client, Duration.ofMillis(500));
            assertEquals(url + " does not answer within 500 ms", heard.failure());
        }
    }

    @Test
    void doesNotSpeakTls() throws Exception {
        try (ServerSocket plain = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String url = "https://localhost:" + plain.getLocalPort();
            Thread server = new Thread(() -> answerPlainly(plain));
            server.start();
            follow(URI.create(url), client, Duration.ofSeconds(5));
            assertEquals(url + " does not speak TLS", heard.failure());
            server.join();
        }
    }

    private static void answerPlainly(ServerSocket server) {
        try (var connection = server.accept();
                OutputStream out = connection.getOutputStream()) {
            out.write("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            out.flush();
            connection.getInputStream().readAllBytes();
        } catch (IOException e) {
            // The client closed it.
        }
    }

    @Test
    void isStoppedAndComesBack() {
        followInGoodHealth(Duration.ofSeconds(5));
        String url = controller.url().toString();
        int port = controller.port();
        controller.close();
        String first = heard.failure();
        assertTrue(first.startsWith(url), first);
        heard.clear();
        assertEquals(url + " refuses the connection: nothing listens there", heard.failure());
        controller = new SilkController(server, port);
        controller.put("10.0.16.15", "10.255.44.0/24", "ee:ee:0a:ff:2c:00");
        heard.after("failed", "confirmed");
    }

    @Test
    void isNotKnownToTheResolver() {
        follow(URI.create("https://silk-controller.invalid:4103"), client, Duration.ofSeconds(5));
        assertEquals(
                "the name in https://silk-controller.invalid:4103 is not known to this host's resolver",
                heard.failure());
    }
}
