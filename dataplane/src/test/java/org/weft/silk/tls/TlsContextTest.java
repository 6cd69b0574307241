package org.weft.silk.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.weft.testing.CertificateAuthority.openssl;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.operator.OperatorException;
import org.weft.silk.config.CellConfig.TlsFiles;
import org.weft.testing.CertificateAuthority;

/** Files as operators have them, right and wrong. */
class TlsContextTest {
    private static CertificateAuthority authority;
    private static TlsFiles rsa;
    private static TlsFiles curve;

    @TempDir
    static Path shared;

    @TempDir
    Path directory;

    private final List<String> warnings = new ArrayList<>();
    private Path file;

    @BeforeAll
    static void makeCertificates() {
        authority = new CertificateAuthority(shared.resolve("pki"), "ca");
        rsa = authority.issueRsa("rsa", "DNS:a");
        curve = authority.issue("curve", "DNS:a");
    }

    @BeforeEach
    void nameFile() {
        file = directory.resolve("file.pem");
    }

    private TlsContext read(Path ca, Path certificate, Path key) {
        return new TlsContext(new TlsFiles(ca, certificate, key), warnings::add);
    }

    private String refusal(Path ca, Path certificate, Path key) {
        return assertThrows(OperatorException.class, () -> read(ca, certificate, key))
                .getMessage();
    }

    private String refusalOfKey(Path certificate) {
        return refusal(authority.certificate(), certificate, file);
    }

    /** PKCS#8, PKCS#1 and SEC 1, the last also behind its parameters. */
    @ParameterizedTest
    @CsvSource({
        "pkey, PRIVATE KEY, rsa",
        "rsa -traditional, RSA PRIVATE KEY, rsa",
        "pkey, PRIVATE KEY, curve",
        "ec, EC PRIVATE KEY, curve"
    })
    void readsKeysInEachForm(String convert, String label, String which) throws IOException {
        TlsFiles files = which.equals("rsa") ? rsa : curve;
        openssl(convert + " -in " + files.key() + " -out " + file);
        String key = Files.readString(file);
        assertTrue(
                key.contains("-----BEGIN " + label + "-----"),
                key.lines().findFirst().orElse(""));
        read(authority.certificate(), files.certificate(), file);
        Files.writeString(file, "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + key);
        read(authority.certificate(), files.certificate(), file);
        assertEquals(List.of(), warnings);
    }

    @ParameterizedTest
    @CsvSource({"rsa -traditional -aes128 -passout pass:x", "pkey -aes128 -passout pass:x"})
    void refusesKeysWithAPassphrase(String convert) {
        openssl(convert + " -in " + rsa.key() + " -out " + file);
        assertEquals(
                "key file " + file
                        + " has a passphrase, which nobody is there to type: store it without, as openssl pkey does",
                refusalOfKey(rsa.certificate()));
    }

    @ParameterizedTest
    @CsvSource({"rsa -traditional", "pkey"})
    void refusesAKeyOfAnotherCertificate(String convert) {
        String mismatch = " is not the key of the certificate in ";
        openssl("genrsa -out " + directory.resolve("other.key") + " 2048");
        openssl(convert + " -in " + directory.resolve("other.key") + " -out " + file);
        assertEquals("key file " + file + mismatch + rsa.certificate(), refusalOfKey(rsa.certificate()));
        assertEquals("key file " + file + mismatch + curve.certificate(), refusalOfKey(curve.certificate()));
    }

    @ParameterizedTest
    @CsvSource({"P-256", "P-384"})
    void refusesAKeyOnACurveThatIsNotTheCertificates(String name) {
        openssl("ecparam -genkey -noout -name " + name + " -out " + file);
        assertEquals(
                "key file " + file + " is not the key of the certificate in " + curve.certificate(),
                refusalOfKey(curve.certificate()).replaceFirst("is damaged: .*", "is damaged"));
    }

    @Test
    void namesTheFileThatIsMissing() {
        assertEquals("CA file " + file + " does not exist", refusal(file, rsa.certificate(), rsa.key()));
        assertEquals("certificate file " + file + " does not exist", refusal(authority.certificate(), file, rsa.key()));
        assertEquals("key file " + file + " does not exist", refusalOfKey(rsa.certificate()));
    }

    @Test
    void namesTheFileThatIsNotPem() throws IOException {
        Files.write(file, new byte[] {0, (byte) 0xff, 10, 13});
        String none = " holds no certificate in PEM (-----BEGIN CERTIFICATE----- ...)";
        assertEquals("CA file " + file + none, refusal(file, rsa.certificate(), rsa.key()));
        assertEquals("certificate file " + file + none, refusal(authority.certificate(), file, rsa.key()));
        assertEquals(
                "key file " + file + " holds no private key in PEM (-----BEGIN PRIVATE KEY----- ...)",
                refusalOfKey(rsa.certificate()));
    }

    @Test
    void namesTheFileThatIsDamaged() throws IOException {
        String certificate = Files.readString(authority.certificate());
        Files.writeString(file, certificate + certificate.replaceFirst("M", "!"));
        assertTrue(refusal(file, null, null).startsWith("CA file " + file + ": certificate 2 cannot be read: "));
        Files.writeString(file, "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n");
        String refusal = refusalOfKey(rsa.certificate());
        assertTrue(refusal.startsWith("key file " + file + " is damaged: "), refusal);
    }

    @Test
    void trustsEveryAuthorityOfABundle() throws IOException {
        CertificateAuthority other = new CertificateAuthority(directory.resolve("other"), "other");
        Files.writeString(
                file,
                "older one\n" + Files.readString(other.certificate()) + "\nnewer one\n"
                        + Files.readString(authority.certificate()));
        assertEquals(2, CertificateFile.read(file, "CA file").size());
        read(file, null, null);
    }

    @Test
    void warnsOfAnOwnCertificateThatIsNotValidNow() {
        Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        Instant yesterday = now.minus(Duration.ofDays(1));
        Instant tomorrow = now.plus(Duration.ofDays(1));
        TlsFiles old = authority.issue("old", "DNS:a", yesterday.minus(Duration.ofDays(1)), yesterday);
        TlsFiles young = authority.issue("young", "DNS:a", tomorrow, tomorrow.plus(Duration.ofDays(1)));
        read(old.ca(), old.certificate(), old.key());
        read(young.ca(), young.certificate(), young.key());
        assertEquals(
                List.of(
                        "this host's own certificate in " + old.certificate() + " expired on " + yesterday
                                + ": servers will refuse it",
                        "this host's own certificate in " + young.certificate() + " is not valid before " + tomorrow
                                + " (does this host's clock go wrong?)"),
                warnings);
    }

    @Test
    void readsFilesAgainAfterTheyWereReplaced() throws IOException {
        Path certificate = Files.copy(rsa.certificate(), directory.resolve("own.crt"));
        Path key = Files.copy(rsa.key(), directory.resolve("own.key"));
        TlsContext tls = read(authority.certificate(), certificate, key);
        SSLContext before = tls.get();
        assertSame(before, tls.get());

        replace(certificate, curve.certificate());
        assertSame(before, tls.get(), "the key is still the old one");
        assertSame(before, tls.get());
        assertEquals(
                List.of("key file " + key + " is not the key of the certificate in " + certificate
                        + "; the TLS files that were read before stay in use"),
                warnings);

        replace(key, curve.key());
        assertNotSame(before, tls.get());
        assertSame(tls.get(), tls.get());
    }

    @Test
    void filesThatDisappearLeaveTheContextThatWas() throws IOException {
        Path certificate = Files.copy(rsa.certificate(), directory.resolve("own.crt"));
        TlsContext tls = read(authority.certificate(), certificate, rsa.key());
        SSLContext before = tls.get();
        Files.delete(certificate);
        assertSame(before, tls.get());
        assertEquals(1, warnings.size());
    }

    private static void replace(Path file, Path by) throws IOException {
        Path beside = file.resolveSibling("new");
        Files.copy(by, beside);
        Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE);
    }
}
