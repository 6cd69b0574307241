package org.weft.silk.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.testing.Commands;
import org.weft.testing.EtcdServer;
import org.weft.testing.RequiresEtcd;

/** An etcd that wants certificates, users and passwords. */
@RequiresEtcd
class EtcdAccessTest {
    private static final String EC = " -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes ";
    private static final char[] PASSWORD = "changeit".toCharArray();

    @TempDir
    private static Path directory;

    private static EtcdServer etcd;
    private static SSLContext trusted;

    @BeforeAll
    static void startEtcd() throws IOException, GeneralSecurityException {
        authority("ca");
        authority("otherca");
        certificate("server", "ca", "/CN=server");
        certificate("host", "ca", "/O=weft");
        certificate("named", "ca", "/CN=host");
        certificate("stranger", "otherca", "/O=weft");
        trusted = context("ca", "host");
        etcd = EtcdServer.start(
                directory,
                "https",
                "--cert-file=" + directory.resolve("server.pem"),
                "--key-file=" + directory.resolve("server.key"),
                "--client-cert-auth",
                "--trusted-ca-file=" + directory.resolve("ca.pem"),
                "--auth-token-ttl=1");
        control("user add root:secret");
        control("user add weft:wefts-secret");
        control("role add weft");
        control("role grant-permission weft --prefix=true readwrite /weft/");
        control("user grant-role weft weft");
        control("user grant-role root root");
        control("auth enable");
    }

    @AfterAll
    static void endEtcd() {
        etcd.close();
    }

    private static String control(String words) {
        return etcd.control("--cacert=" + directory.resolve("ca.pem") + " --cert=" + directory.resolve("host.pem")
                + " --key=" + directory.resolve("host.key") + " " + words);
    }

    private static void authority(String name) {
        Commands.run("openssl req -x509 -days 2" + EC + "-subj /CN=" + name + " -keyout " + file(name, "key") + " -out "
                + file(name, "pem"));
    }

    private static void certificate(String name, String authority, String subject) throws IOException {
        Path extensions = directory.resolve(name + ".ext");
        Files.writeString(
                extensions,
                "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n");
        Commands.run("openssl req" + EC + "-subj " + subject + " -keyout " + file(name, "key") + " -out "
                + file(name, "csr"));
        Commands.run("openssl x509 -req -days 2 -CAcreateserial -in " + file(name, "csr") + " -CA "
                + file(authority, "pem") + " -CAkey " + file(authority, "key") + " -extfile " + extensions + " -out "
                + file(name, "pem"));
    }

    private static Path file(String name, String suffix) {
        return directory.resolve(name + "." + suffix);
    }

    private static SSLContext context(String authority, String name) throws IOException, GeneralSecurityException {
        Path store = file(name, "p12");
        Commands.run("openssl pkcs12 -export -passout pass:changeit -inkey " + file(name, "key") + " -in "
                + file(name, "pem") + " -out " + store);
        KeyStore keys = KeyStore.getInstance(store.toFile(), PASSWORD);
        KeyManagerFactory keyManagers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keyManagers.init(keys, PASSWORD);
        KeyStore trust = KeyStore.getInstance("PKCS12");
        trust.load(null, null);
        try (var in = Files.newInputStream(file(authority, "pem"))) {
            trust.setCertificateEntry(
                    "ca",
                    java.security.cert.CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory trustManagers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trustManagers.init(trust);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keyManagers.getKeyManagers(), trustManagers.getTrustManagers(), null);
        return context;
    }

    private static Host.Setup setup(String user, String password) throws IOException {
        Path file = Files.writeString(Files.createTempFile(directory, "password", ""), password + "\nanother line\n");
        return Host.Setup.of("/weft/", etcd.url()).tls(() -> trusted).user(user, file);
    }

    private static String failure(Host host) {
        host.heard().await("the failure", heard -> !heard.failures().isEmpty());
        return host.heard().failures().get(0);
    }

    @Test
    void hostWithCertificateAndPasswordIsServedAlsoAfterItsTokenExpired() throws IOException {
        try (Host host = setup("weft", "wefts-secret").start(1)) {
            host.own();
            for (int i = 0; i < 8; i++) {
                host.heard().awaitConfirmed(); // tokens last for one second, and these do not use them
            }
            String key = "/weft/alive/" + Keys.name(host.own().subnet());
            control("--user=root:secret del " + key);
            host.heard().await("its being alive", heard -> !control("--user=root:secret get " + key)
                    .isEmpty());
            try (Host second = setup("weft", "wefts-secret").start(2)) {
                String subnet = second.subnet();
                host.heard().await("the second host", heard -> heard.subnets().contains(subnet));
            }
            assertEquals(List.of(), host.heard().failures());
            host.source().release();
        }
    }

    @Test
    void wrongPasswordIsNamed() throws IOException {
        try (Host host = setup("weft", "guess").start(3)) {
            assertEquals(
                    "etcd cannot be used: " + etcd.url()
                            + ": etcdserver: authentication failed, invalid user ID or password",
                    failure(host));
        }
    }

    @Test
    void missingPasswordFileIsNamed() {
        Path missing = directory.resolve("missing");
        try (Host host = Host.Setup.of("/weft", etcd.url())
                .tls(() -> trusted)
                .user("weft", missing)
                .start(4)) {
            assertEquals(
                    "etcd cannot be used: " + etcd.url() + ": the password of user weft cannot be read from " + missing
                            + ": no such file",
                    failure(host));
        }
    }

    @Test
    void missingPermissionIsNamed() throws IOException {
        Path file = Files.writeString(directory.resolve("password"), "wefts-secret");
        Host.Setup elsewhere =
                Host.Setup.of("/elsewhere", etcd.url()).tls(() -> trusted).user("weft", file);
        try (Host host = elsewhere.start(5)) {
            assertEquals("etcd cannot be used: " + etcd.url() + ": etcdserver: permission denied", failure(host));
        }
    }

    @Test
    void serverThatIsNotTrustedIsRefusedUntilTheCertificatesAreRenewed() throws Exception {
        AtomicReference<SSLContext> context = new AtomicReference<>(context("otherca", "host"));
        Path file = Files.writeString(directory.resolve("password"), "wefts-secret");
        Host.Setup setup = Host.Setup.of("/weft", etcd.url()).tls(context::get).user("weft", file);
        try (Host host = setup.start(6)) {
            assertTrue(
                    failure(host).startsWith("etcd cannot be used: TLS with " + etcd.url() + " failed: "),
                    failure(host));
            context.set(trusted);
            host.own();
        }
    }

    @Test
    void hostWithACertificateOfNobodysIsRefused() throws Exception {
        SSLContext stranger = context("ca", "stranger");
        try (Host host = Host.Setup.of("/weft", etcd.url()).tls(() -> stranger).start(7)) {
            // TLS 1.3 says so after the handshake, perhaps too late to be read.
            String reason = failure(host);
            assertTrue(
                    reason.contains("(TLS alert bad_certificate)") || reason.contains(" closed the connection "),
                    reason);
        }
    }

    @Test
    void certificateWithACommonNameIsRefusedWithAReason() throws Exception {
        SSLContext named = context("ca", "named");
        try (Host host = setup("weft", "wefts-secret").tls(() -> named).start(8)) {
            assertTrue(failure(host).endsWith("has a common name (CN); use one without"), failure(host));
        }
    }

    @Test
    void serverThatWantsTlsGetsNoneInVain() {
        URI plain = URI.create(etcd.url().toString().replace("https", "http"));
        try (Host host = Host.Setup.of("/weft", plain).start(9)) {
            // The server may close the connection before all of the request was read, which resets it.
            String reason = failure(host);
            assertEquals("etcd cannot be used: " + plain + " closed the connection before it had answered", reason);
        }
    }
}
