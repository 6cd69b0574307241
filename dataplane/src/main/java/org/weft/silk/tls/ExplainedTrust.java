package org.weft.silk.tls;

import java.net.Socket;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertPathValidatorException.BasicReason;
import java.security.cert.CertificateException;
import java.security.cert.CertificateParsingException;
import java.security.cert.PKIXReason;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Trusts whom another trust manager trusts. What is refused is explained from the certificate itself, which nobody sees
 * once the handshake has failed.
 */
final class ExplainedTrust extends X509ExtendedTrustManager {
    private static final int DNS_NAME = 2;
    private static final int IP_ADDRESS = 7;
    private static final Set<CertPathValidatorException.Reason> NOT_SIGNED_BY_TRUSTED =
            Set.of(PKIXReason.NO_TRUST_ANCHOR, BasicReason.INVALID_SIGNATURE);

    private final X509ExtendedTrustManager trust;
    private final String authorities;

    /** @param authorities where those are found who may sign, as a sentence ends: {@code ca.crt holds} */
    ExplainedTrust(X509ExtendedTrustManager trust, String authorities) {
        this.trust = trust;
        this.authorities = authorities;
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        try {
            trust.checkServerTrusted(chain, authType, engine);
        } catch (CertificateException e) {
            throw new CertificateRefused(reason(chain, engine.getPeerHost(), e), e);
        }
    }

    private String reason(X509Certificate[] chain, String host, CertificateException e)
            throws CertificateParsingException {
        String invalid = invalidNow(chain);
        if (invalid != null) {
            return invalid;
        }
        CertPathValidatorException validation = find(e, CertPathValidatorException.class);
        boolean unknownSigner = validation == null
                ? find(e, CertPathBuilderException.class) != null
                : NOT_SIGNED_BY_TRUSTED.contains(validation.getReason());
        if (unknownSigner) {
            return "is signed by nobody that " + authorities;
        }
        // The JDK has no type of its own for this: "No subject alternative DNS name matching ...", "No name matching
        // ..."
        if (validation == null && String.valueOf(e.getMessage()).startsWith("No ")) {
            return "is for " + names(chain[0]) + ", not for " + host;
        }
        return "is refused: " + (validation == null ? e : validation).getMessage();
    }

    private static String invalidNow(X509Certificate[] chain) {
        Instant now = Instant.now();
        for (X509Certificate certificate : chain) {
            String whose = certificate == chain[0]
                    ? ""
                    : "is signed by " + certificate.getSubjectX500Principal() + ", whose own ";
            if (certificate.getNotAfter().toInstant().isBefore(now)) {
                return whose + "expired on " + certificate.getNotAfter().toInstant();
            }
            if (certificate.getNotBefore().toInstant().isAfter(now)) {
                return whose + "is not valid before "
                        + certificate.getNotBefore().toInstant() + " (does this host's clock go wrong?)";
            }
        }
        return null;
    }

    private static String names(X509Certificate certificate) throws CertificateParsingException {
        Collection<List<?>> names = certificate.getSubjectAlternativeNames();
        if (names == null) {
            return "the name " + certificate.getSubjectX500Principal();
        }
        return "the names "
                + names.stream()
                        .filter(name ->
                                name.get(0).equals(DNS_NAME) || name.get(0).equals(IP_ADDRESS))
                        .map(name -> name.get(1).toString())
                        .collect(Collectors.joining(", "));
    }

    private static <T extends Throwable> T find(Throwable e, Class<T> type) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (type.isInstance(cause)) {
                return type.cast(cause);
            }
        }
        return null;
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        trust.checkServerTrusted(chain, authType, socket);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        trust.checkServerTrusted(chain, authType);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        trust.checkClientTrusted(chain, authType, engine);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        trust.checkClientTrusted(chain, authType, socket);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        trust.checkClientTrusted(chain, authType);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return trust.getAcceptedIssuers();
    }
}
