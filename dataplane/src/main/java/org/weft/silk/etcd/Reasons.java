package org.weft.silk.etcd;

import java.net.ConnectException;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.NoSuchFileException;
import javax.net.ssl.SSLException;
import org.weft.silk.http.LimitedBody;

/** What exceptions of the JDK mean, in words for operators that are the same each time. */
final class Reasons {
    private Reasons() {}

    static String of(Throwable failure) {
        Throwable root = failure;
        boolean tls = false;
        boolean connecting = false;
        while (true) {
            tls |= root instanceof SSLException;
            connecting |= root instanceof ConnectException || root instanceof HttpConnectTimeoutException;
            if (root.getCause() == null) {
                break;
            }
            root = root.getCause();
        }
        if (root instanceof UnresolvedAddressException || root instanceof UnknownHostException) {
            return "its name is not known";
        }
        if (tls) {
            return "TLS failed: " + message(root);
        }
        if (root instanceof NoSuchFileException) {
            return "no such file";
        }
        if (root instanceof LimitedBody.TooLong) {
            return root.getMessage();
        }
        if (connecting) {
            return root instanceof ClosedChannelException || root.getMessage() == null
                    ? "connection refused"
                    : message(root).toLowerCase(java.util.Locale.ROOT);
        }
        return "the connection broke (" + message(root) + ")";
    }

    private static String message(Throwable root) {
        return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
    }
}
