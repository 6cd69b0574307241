package org.weft.silk.tls;

import java.io.ByteArrayInputStream;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.tls.PemFile.Block;

/** Reads the certificates of a PEM file: a bundle of authorities, or an own certificate and those who signed it. */
final class CertificateFile {
    private CertificateFile() {}

    /**
     * All certificates, at least one, in the file's order.
     *
     * @param what what the file is for, as a sentence begins: {@code CA file}
     * @throws OperatorException if it cannot be read, or holds no certificate or one that cannot be read
     */
    static List<X509Certificate> read(Path file, String what) {
        List<X509Certificate> certificates = new ArrayList<>();
        for (Block block : PemFile.read(file, what)) {
            if (block.label().endsWith("CERTIFICATE")) {
                certificates.add(decode(block, what + " " + file, certificates.size() + 1));
            }
        }
        if (certificates.isEmpty()) {
            throw new OperatorException(
                    Kind.BAD_CONFIG,
                    what + " " + file + " holds no certificate in PEM (-----BEGIN CERTIFICATE----- ...)");
        }
        return certificates;
    }

    private static X509Certificate decode(Block block, String file, int number) {
        try {
            return (X509Certificate)
                    CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(block.der()));
        } catch (CertificateException | IllegalArgumentException e) {
            throw new OperatorException(
                    Kind.BAD_CONFIG, file + ": certificate " + number + " cannot be read: " + e.getMessage(), e);
        }
    }
}
