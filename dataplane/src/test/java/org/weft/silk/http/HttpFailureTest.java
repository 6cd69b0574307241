package org.weft.silk.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Test;
import org.weft.silk.config.CellConfig.TlsFiles;
import org.weft.silk.tls.CertificateRefused;

/** The exceptions are the ones that HttpClient of JDK 17 and 25 throws. */
class HttpFailureTest {
    private static final String SERVER = "https://10.0.0.9:4103";
    private static final URI ASKED = URI.create(SERVER + "/leases?x=1");
    private static final TlsFiles OWN = new TlsFiles(Path.of("ca.crt"), Path.of("own.crt"), Path.of("own.key"));
    private static final TlsFiles NONE = new TlsFiles(Path.of("ca.crt"), null, null);

    private static String sentence(TlsFiles files, Throwable failure) {
        return HttpFailure.sentence(new ExecutionException(failure), ASKED, files, Duration.ofSeconds(5));
    }

    private static <T extends Throwable> T because(T failure, Throwable cause) {
        failure.initCause(cause);
        return failure;
    }

    private static Throwable alert(String alert) {
        return new SSLHandshakeException("Received fatal alert: " + alert);
    }

    @Test
    void noAnswerInTime() {
        assertEquals(SERVER + " does not answer within 5 s", sentence(OWN, new TimeoutException()));
        assertEquals(
                SERVER + " does not answer within 5 s",
                sentence(OWN, new HttpConnectTimeoutException("HTTP connect timed out")));
        assertEquals(
                SERVER + " does not answer within 1500 ms",
                HttpFailure.sentence(new TimeoutException(), ASKED, OWN, Duration.ofMillis(1500)));
    }

    @Test
    void noConnection() {
        String refuses = SERVER + " refuses the connection: nothing listens there";
        assertEquals(refuses, sentence(OWN, because(new ConnectException(), new ClosedChannelException())));
        assertEquals(refuses, sentence(OWN, new ConnectException("Connection refused")));
        assertEquals(
                SERVER + " cannot be reached: Network is unreachable",
                sentence(OWN, new ConnectException("Network is unreachable")));
        assertEquals("there is no route to " + SERVER, sentence(OWN, new NoRouteToHostException("No route to host")));
        assertEquals(
                "the name in " + SERVER + " is not known to this host's resolver",
                sentence(OWN, because(new ConnectException(), new UnresolvedAddressException())));
    }

    @Test
    void refusedCertificates() {
        CertificateException reason = new CertificateRefused("expired on x", new CertificateException());
        assertEquals(
                "the certificate of " + SERVER + " expired on x",
                sentence(OWN, because(new SSLHandshakeException("x"), reason)));
        assertEquals(
                SERVER + " refuses this host's certificate in own.crt (TLS alert unknown_ca)",
                sentence(OWN, alert("unknown_ca")));
        assertEquals(
                SERVER + " asks for a client certificate, and none is configured (TLS alert certificate_required)",
                sentence(
                        NONE,
                        new SSLHandshakeException(
                                "(certificate_required) Received fatal alert: certificate_required")));
    }

    @Test
    void brokenHandshakes() {
        assertEquals(
                SERVER + " ended the TLS handshake with the alert handshake_failure, as a server may that refuses this"
                        + " host's certificate in own.crt",
                sentence(OWN, alert("handshake_failure")));
        assertEquals(
                SERVER + " closed the connection during the TLS handshake, as a server may that asks for a client"
                        + " certificate, and none is configured",
                sentence(
                        NONE,
                        because(
                                new SSLHandshakeException("Remote host terminated the handshake"),
                                new EOFException())));
        assertEquals(
                "TLS with " + SERVER + " failed: No appropriate protocol",
                sentence(OWN, new SSLHandshakeException("No appropriate protocol")));
        for (String message : new String[] {
            "Unsupported or unrecognized SSL message", "Unrecognized SSL message, plaintext connection?"
        }) {
            assertEquals(SERVER + " does not speak TLS", sentence(OWN, new SSLException(message)));
        }
    }

    @Test
    void brokenConnections() {
        IOException nothing = new IOException("HTTP/1.1 header parser received no bytes");
        assertEquals(
                SERVER + " closed the connection before it had answered, as a server may that refuses this host's"
                        + " certificate in own.crt",
                sentence(OWN, because(nothing, new SocketException("Connection reset"))));
        assertEquals(
                "http://etcd:2379 closed the connection before it had answered",
                HttpFailure.sentence(
                        new EOFException("EOF reached while reading"),
                        URI.create("http://etcd:2379/v3/kv/range"),
                        null,
                        Duration.ofSeconds(5)));
        assertEquals(
                SERVER + " gives no answer that can be used: Invalid status line: \"x\"",
                sentence(OWN, new IOException("Invalid status line: \"x\"")));
        assertEquals(SERVER + " gives no answer that can be used: IOException", sentence(OWN, new IOException()));
    }
}
