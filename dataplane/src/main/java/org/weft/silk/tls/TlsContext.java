package org.weft.silk.tls;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.config.CellConfig.TlsFiles;

/**
 * TLS from PEM files that are replaced while the daemon runs: certificates live for months or days, daemons longer. Any
 * thread may ask.
 */
public final class TlsContext implements Supplier<SSLContext> {
    private static final char[] NO_PASSWORD = {};

    private final TlsFiles files;
    private final Consumer<String> warnings;
    private List<Object> stamps;
    private SSLContext context;

    /**
     * Reads the files.
     *
     * @param warnings hears, one sentence each, of an own certificate that is not valid now, and later of files that were
     *     replaced by ones that cannot be used
     * @throws OperatorException that names the file and what is wrong with it
     */
    public TlsContext(TlsFiles files, Consumer<String> warnings) {
        this.files = files;
        this.warnings = warnings;
        this.stamps = stamps();
        this.context = read(files, warnings);
    }

    /**
     * The context of the files as they are now: the same object until one of them changes. Files that cannot be used (an
     * own certificate is there, its key not yet) leave the context that was.
     */
    @Override
    public synchronized SSLContext get() {
        List<Object> now = stamps();
        if (!now.equals(stamps)) {
            stamps = now;
            try {
                context = read(files, warnings);
            } catch (OperatorException e) {
                warnings.accept(e.getMessage() + "; the TLS files that were read before stay in use");
            }
        }
        return context;
    }

    private List<Object> stamps() {
        return Stream.of(files.ca(), files.certificate(), files.key())
                .filter(Objects::nonNull)
                .map(TlsContext::stamp)
                .toList();
    }

    private static Object stamp(Path file) {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            return List.of(attributes.lastModifiedTime(), attributes.size(), attributes.fileKey());
        } catch (IOException e) {
            return "unreadable";
        }
    }

    private static SSLContext read(TlsFiles files, Consumer<String> warnings) {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys(files, warnings), new TrustManager[] {trust(files.ca())}, null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new OperatorException(Kind.BAD_CONFIG, "TLS cannot be set up from " + files + ": " + e, e);
        }
    }

    private static KeyManager[] keys(TlsFiles files, Consumer<String> warnings)
            throws GeneralSecurityException, IOException {
        if (files.certificate() == null) {
            return null;
        }
        List<X509Certificate> chain = CertificateFile.read(files.certificate(), "certificate file");
        PrivateKey key = KeyFile.read(files.key(), chain.get(0), files.certificate());
        warnOfValidity(chain.get(0), files.certificate(), warnings);
        KeyStore store = emptyStore();
        store.setKeyEntry("own", key, NO_PASSWORD, chain.toArray(X509Certificate[]::new));
        KeyManagerFactory factory = KeyManagerFactory.getInstance("NewSunX509");
        factory.init(store, NO_PASSWORD);
        return factory.getKeyManagers();
    }

    private static void warnOfValidity(X509Certificate own, Path file, Consumer<String> warnings) {
        Instant now = Instant.now();
        if (own.getNotAfter().toInstant().isBefore(now)) {
            warnings.accept("this host's own certificate in " + file + " expired on "
                    + own.getNotAfter().toInstant() + ": servers will refuse it");
        } else if (own.getNotBefore().toInstant().isAfter(now)) {
            warnings.accept("this host's own certificate in " + file + " is not valid before "
                    + own.getNotBefore().toInstant() + " (does this host's clock go wrong?)");
        }
    }

    private static TrustManager trust(Path ca) throws GeneralSecurityException, IOException {
        KeyStore store = null;
        if (ca != null) {
            store = emptyStore();
            for (X509Certificate authority : CertificateFile.read(ca, "CA file")) {
                store.setCertificateEntry("ca-" + store.size(), authority);
            }
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(store);
        String authorities = ca == null ? "this host's Java trusts" : ca + " holds";
        return new ExplainedTrust((X509ExtendedTrustManager) factory.getTrustManagers()[0], authorities);
    }

    private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null);
        return store;
    }
}
