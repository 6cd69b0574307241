package org.weft.silk.tls;

import java.security.cert.CertificateException;

/** A server's certificate is not accepted; the message is what a sentence says of it: {@code expired on ...}. */
public final class CertificateRefused extends CertificateException {
    private static final long serialVersionUID = 1L;

    public CertificateRefused(String reason, CertificateException cause) {
        super(reason, cause);
    }
}
