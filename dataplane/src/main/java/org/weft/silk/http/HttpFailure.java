package org.weft.silk.http;

import java.io.EOFException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import org.weft.silk.config.CellConfig.TlsFiles;
import org.weft.silk.tls.CertificateRefused;

/** Says in one sentence why {@link java.net.http.HttpClient} brought no answer, or not all of it. */
public final class HttpFailure {
    /** How the JDK words an alert (RFC 8446 section 6) that the other side sent; in newer versions with the alert in brackets first. */
    private static final Pattern ALERT = Pattern.compile("Received fatal alert: (\\w+)");

    /** Alerts by which a server refuses a client's certificate, or the lack of one. */
    private static final Set<String> ABOUT_CERTIFICATE = Set.of(
            "bad_certificate",
            "unsupported_certificate",
            "certificate_revoked",
            "certificate_expired",
            "certificate_unknown",
            "unknown_ca",
            "access_denied",
            "certificate_required");

    private final Throwable failure;
    private final String server;
    private final boolean encrypted;
    private final Path certificate;
    private final Duration timeout;

    private HttpFailure(Throwable failure, URI uri, TlsFiles tls, Duration timeout) {
        this.failure = failure;
        this.server = uri.getScheme() + "://" + uri.getRawAuthority();
        this.encrypted = "https".equals(uri.getScheme());
        this.certificate = tls == null ? null : tls.certificate();
        this.timeout = timeout;
    }

    /**
     * A sentence without its end, such as {@code https://10.0.0.9:4103 does not answer within 5 s}.
     *
     * @param failure what a request threw, whatever it is wrapped in
     * @param uri what was asked for; the sentence names the server only
     * @param tls whose files the sentence names; null without TLS
     * @param timeout what the request had been given
     */
    public static String sentence(Throwable failure, URI uri, TlsFiles tls, Duration timeout) {
        return new HttpFailure(failure, uri, tls, timeout).sentence();
    }

    private String sentence() {
        Throwable refused = find(CertificateRefused.class);
        if (refused != null) {
            return "the certificate of " + server + " " + refused.getMessage();
        }
        if (find(SSLException.class) != null) {
            return tls(find(SSLException.class).getMessage());
        }
        if (find(HttpTimeoutException.class) != null || find(TimeoutException.class) != null) {
            return server + " does not answer within " + text(timeout);
        }
        if (find(UnresolvedAddressException.class) != null || find(UnknownHostException.class) != null) {
            return "the name in " + server + " is not known to this host's resolver";
        }
        if (find(NoRouteToHostException.class) != null) {
            return "there is no route to " + server;
        }
        if (find(ConnectException.class) != null) {
            return connecting(find(ConnectException.class).getMessage());
        }
        return other();
    }

    private String tls(String message) {
        Matcher alert = ALERT.matcher(String.valueOf(message));
        if (alert.find()) {
            return alert(alert.group(1));
        }
        if (find(EOFException.class) != null || isReset()) {
            return server + " closed the connection during the TLS handshake" + perhapsRefused();
        }
        if (String.valueOf(message).toLowerCase(Locale.ROOT).contains("unrecognized ssl message")) {
            return server + " does not speak TLS";
        }
        return "TLS with " + server + " failed: " + message;
    }

    private String alert(String alert) {
        if (!ABOUT_CERTIFICATE.contains(alert)) {
            return server + " ended the TLS handshake with the alert " + alert + perhapsRefused();
        }
        return certificate == null
                ? server + " asks for a client certificate, and none is configured (TLS alert " + alert + ")"
                : server + " refuses this host's certificate in " + certificate + " (TLS alert " + alert + ")";
    }

    /** A server may refuse a client's certificate without a word, or with one that nobody reads any more in TLS 1.3. */
    private String perhapsRefused() {
        if (!encrypted) {
            return "";
        }
        return certificate == null
                ? ", as a server may that asks for a client certificate, and none is configured"
                : ", as a server may that refuses this host's certificate in " + certificate;
    }

    /** HttpClient's own exception has no message if the kernel's word is "Connection refused". */
    private String connecting(String message) {
        return message == null || message.contains("refused")
                ? server + " refuses the connection: nothing listens there"
                : server + " cannot be reached: " + message;
    }

    private String other() {
        if (isReset() || find(EOFException.class) != null || contains("header parser received no bytes")) {
            return server + " closed the connection before it had answered" + perhapsRefused();
        }
        return server + " gives no answer that can be used: " + reason(failure);
    }

    /** The message of what a failure began with, or the name of its class if it has none. */
    public static String reason(Throwable failure) {
        Throwable last = failure;
        while (last.getCause() != null) {
            last = last.getCause();
        }
        return last.getMessage() == null ? last.getClass().getSimpleName() : last.getMessage();
    }

    private boolean isReset() {
        return contains("Connection reset") || contains("Broken pipe") || contains("connection closed");
    }

    private boolean contains(String text) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause.getMessage() != null && cause.getMessage().contains(text)) {
                return true;
            }
        }
        return false;
    }

    private Throwable find(Class<? extends Throwable> type) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (type.isInstance(cause)) {
                return cause;
            }
        }
        return null;
    }

    private static String text(Duration duration) {
        return duration.toMillis() % 1000 == 0 ? duration.toSeconds() + " s" : duration.toMillis() + " ms";
    }
}
