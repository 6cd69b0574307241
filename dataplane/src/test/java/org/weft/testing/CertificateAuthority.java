package org.weft.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import org.weft.silk.config.CellConfig.TlsFiles;

/** A certificate authority made by openssl in a directory of its own, and what it signs. */
public final class CertificateAuthority {
    private static final DateTimeFormatter ASN1_TIME =
            DateTimeFormatter.ofPattern("yyyyMMddHHmmss'Z'").withZone(ZoneOffset.UTC);
    private static final Duration DAY = Duration.ofDays(1);
    private static final String CURVE = "ec -pkeyopt ec_paramgen_curve:P-256";
    private static final String CONFIG =
            """
            [ca]
            default_ca = this
            [this]
            database = DIR/index.txt
            new_certs_dir = DIR
            rand_serial = yes
            certificate = DIR/ca.crt
            private_key = DIR/ca.key
            default_md = sha256
            policy = any
            copy_extensions = copy
            unique_subject = no
            [any]
            commonName = supplied
            """;

    private final Path directory;

    /**
     * Makes a key and a certificate signed with it.
     *
     * @param directory is created
     * @param name common name, without spaces
     */
    public CertificateAuthority(Path directory, String name) {
        this.directory = directory;
        try {
            Files.createDirectories(directory);
            Files.createFile(directory.resolve("index.txt"));
            Files.writeString(directory.resolve("ca.cnf"), CONFIG.replace("DIR", directory.toString()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        openssl("req -x509 -newkey " + CURVE + " -nodes -days 10 -subj /CN=" + name + " -keyout " + file("ca.key")
                + " -out " + certificate());
    }

    /** The authority's own certificate. */
    public Path certificate() {
        return file("ca.crt");
    }

    /**
     * Makes a key on the curve P-256 and signs a certificate for it, valid now, in {@code NAME.key} and {@code NAME.crt}.
     *
     * @param names subject alternative names as openssl writes them: {@code DNS:localhost,IP:127.0.0.1}
     */
    public TlsFiles issue(String name, String names) {
        return issue(name, names, Instant.now().minus(DAY), Instant.now().plus(DAY));
    }

    /** As {@link #issue(String, String)}, valid at another time. */
    public TlsFiles issue(String name, String names, Instant from, Instant until) {
        return issue(name, names, CURVE, from, until);
    }

    /** As {@link #issue(String, String)}, with a key of RSA, which takes longer to make. */
    public TlsFiles issueRsa(String name, String names) {
        return issue(
                name, names, "rsa:2048", Instant.now().minus(DAY), Instant.now().plus(DAY));
    }

    private TlsFiles issue(String name, String names, String algorithm, Instant from, Instant until) {
        TlsFiles files = new TlsFiles(certificate(), file(name + ".crt"), file(name + ".key"));
        Path request = file(name + ".csr");
        openssl("req -newkey " + algorithm + " -nodes -subj /CN=" + name + " -addext subjectAltName=" + names
                + " -keyout " + files.key() + " -out " + request);
        openssl("ca -batch -notext -config " + file("ca.cnf") + " -in " + request + " -out " + files.certificate()
                + " -startdate " + ASN1_TIME.format(from) + " -enddate " + ASN1_TIME.format(until));
        return files;
    }

    /** A file in the authority's directory. */
    public Path file(String name) {
        return directory.resolve(name);
    }

    /** Runs a command of openssl. */
    public static void openssl(String arguments) {
        Commands.run("openssl " + arguments);
    }
}
