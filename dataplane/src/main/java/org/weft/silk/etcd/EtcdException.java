package org.weft.silk.etcd;

import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import org.weft.silk.http.LimitedBody;

/** etcd did not do what it was asked to; the message names the endpoint and says why. */
final class EtcdException extends Exception {
    private static final long serialVersionUID = 1L;

    /** google.rpc.Code */
    private static final int NOT_FOUND = 5;

    private static final int UNAUTHENTICATED = 16;

    private final int code;

    /** Nothing was answered, or nothing that etcd would say. */
    EtcdException(String message, Throwable cause) {
        super(message, cause);
        this.code = -1;
    }

    /** @param code google.rpc.Code that etcd answered */
    EtcdException(String message, int code) {
        super(message);
        this.code = code;
    }

    boolean isNotFound() {
        return code == NOT_FOUND;
    }

    /** Whether a new token may help (etcd: api/v3rpc/rpctypes/error.go). */
    boolean isTokenRefused() {
        return code == UNAUTHENTICATED || code >= 0 && getMessage().contains("revision of auth store is old");
    }

    /** Whether less may be had: what was asked for is more than is read, or took too long. */
    boolean isTooMuch() {
        for (Throwable cause = getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof LimitedBody.TooLong || cause instanceof TimeoutException) {
                return true;
            }
        }
        return false;
    }

    /** Whether the time ran out. */
    boolean isSilence() {
        return getCause() instanceof TimeoutException;
    }

    /** Whether certificates are why. */
    boolean isTls() {
        for (Throwable cause = getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof SSLException) {
                return true;
            }
        }
        return false;
    }
}
