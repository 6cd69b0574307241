package org.weft.silk.tls;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.tls.PemFile.Block;

/**
 * Reads a private key from PEM, as PKCS#8 ({@code PRIVATE KEY}), PKCS#1 ({@code RSA PRIVATE KEY}, which CredHub writes)
 * or SEC 1 ({@code EC PRIVATE KEY}).
 *
 * <p>Java reads PKCS#8 only, which is either other form in an envelope that names algorithm and curve; the
 * certificate's public key names the same.
 */
final class KeyFile {
    private static final int SEQUENCE = 0x30;
    private static final int OCTET_STRING = 0x04;
    private static final byte[] VERSION_0 = {0x02, 0x01, 0x00};

    private final Path file;
    private final X509Certificate certificate;
    private final Path certificateFile;

    private KeyFile(Path file, X509Certificate certificate, Path certificateFile) {
        this.file = file;
        this.certificate = certificate;
        this.certificateFile = certificateFile;
    }

    /**
     * The key of a certificate.
     *
     * @param certificateFile where the certificate was read from, for errors
     * @throws OperatorException if it cannot be read, has a passphrase, or is another certificate's
     */
    static PrivateKey read(Path file, X509Certificate certificate, Path certificateFile) {
        return new KeyFile(file, certificate, certificateFile).read();
    }

    private PrivateKey read() {
        Block block = PemFile.read(file, "key file").stream()
                .filter(each -> each.label().endsWith("PRIVATE KEY"))
                .findFirst()
                .orElseThrow(() -> refusal("holds no private key in PEM (-----BEGIN PRIVATE KEY----- ...)", null));
        if (block.isEncrypted()) {
            throw refusal(
                    "has a passphrase, which nobody is there to type: store it without, as openssl pkey does", null);
        }
        PrivateKey key = decode(block);
        if (!matches(key)) {
            throw mismatch(null);
        }
        return key;
    }

    private PrivateKey decode(Block block) {
        String algorithm = certificate.getPublicKey().getAlgorithm();
        String form = block.label().replaceFirst(" ?PRIVATE KEY", "");
        if (!form.isEmpty() && !form.equals(algorithm)) {
            throw mismatch(null);
        }
        byte[] der;
        try {
            der = block.der();
        } catch (IllegalArgumentException e) {
            throw refusal("is damaged: " + e.getMessage(), e);
        }
        byte[] pkcs8 = form.isEmpty() ? der : pkcs8(der);
        try {
            return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
        } catch (GeneralSecurityException e) {
            throw isOfAnotherAlgorithm(pkcs8, algorithm) ? mismatch(e) : refusal("is damaged: " + e.getMessage(), e);
        }
    }

    private static boolean isOfAnotherAlgorithm(byte[] pkcs8, String expected) {
        return Arrays.stream(new String[] {"RSA", "EC", "EdDSA"})
                .filter(algorithm -> !algorithm.equals(expected))
                .anyMatch(algorithm -> isOf(pkcs8, algorithm));
    }

    private static boolean isOf(byte[] pkcs8, String algorithm) {
        try {
            KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
            return true;
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    /** Puts a key into the envelope of RFC 5208: version, algorithm, key. */
    private byte[] pkcs8(byte[] key) {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        content.writeBytes(VERSION_0);
        content.writeBytes(algorithmOf(certificate.getPublicKey()));
        content.writeBytes(der(OCTET_STRING, key));
        return der(SEQUENCE, content.toByteArray());
    }

    /** The AlgorithmIdentifier that a SubjectPublicKeyInfo (RFC 5280) begins with, encoded; its length takes one byte. */
    private static byte[] algorithmOf(PublicKey key) {
        ByteBuffer info = ByteBuffer.wrap(key.getEncoded());
        info.get();
        int length = info.get();
        if (length < 0) {
            info.position(info.position() + (length & 0x7f));
        }
        byte[] algorithm = new byte[2 + info.get(info.position() + 1)];
        info.get(algorithm);
        return algorithm;
    }

    /** Tag, length and content; a length from 128 on is counted in as few bytes as hold it, which a first one tells (X.690). */
    private static byte[] der(int tag, byte[] content) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(tag);
        int length = content.length;
        if (length >= 0x100) {
            out.write(0x82);
            out.write(length >> 8);
        } else if (length >= 0x80) {
            out.write(0x81);
        }
        out.write(length);
        out.writeBytes(content);
        return out.toByteArray();
    }

    /** Whether what one signs the other verifies. */
    private boolean matches(PrivateKey key) {
        String algorithm =
                switch (key.getAlgorithm()) {
                    case "RSA" -> "SHA256withRSA";
                    case "EC" -> "SHA256withECDSA";
                    default -> key.getAlgorithm();
                };
        try {
            Signature signature = Signature.getInstance(algorithm);
            signature.initSign(key);
            signature.update(VERSION_0);
            byte[] signed = signature.sign();
            signature.initVerify(certificate.getPublicKey());
            signature.update(VERSION_0);
            return signature.verify(signed);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    private OperatorException mismatch(Throwable cause) {
        return refusal("is not the key of the certificate in " + certificateFile, cause);
    }

    private OperatorException refusal(String reason, Throwable cause) {
        return new OperatorException(Kind.BAD_CONFIG, "key file " + file + " " + reason, cause);
    }
}
