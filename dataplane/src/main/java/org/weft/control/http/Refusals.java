package org.weft.control.http;

import io.netty.handler.codec.http.HttpResponseStatus;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.linux.LinuxException;
import org.weft.dataplane.table.Outcome;
import org.weft.dataplane.vtep.Vtep;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** The one place where what a table says, or an errno, becomes a sentence, an exit code and an HTTP status. */
public final class Refusals {
    private Refusals() {}

    /**
     * @param object what kind of entry: fdb, neigh or tag
     * @throws OperatorException in the kernel's words, with ours behind, unless the outcome is OK
     */
    public static void refuseUnlessOk(Outcome outcome, Vtep vtep, String object, String action) {
        String name = vtep.name();
        String key = object.equals("tag") ? "this source" : "this address";
        switch (outcome) {
            case OK -> {}
            case EXISTS ->
                throw new OperatorException(
                        Kind.CANNOT_CREATE,
                        "File exists (" + name + " has an entry for " + key + "; replace it"
                                + (object.equals("fdb") ? " or append)" : ")"));
            case NOT_FOUND ->
                throw new OperatorException(
                        Kind.NO_INPUT, "No such file or directory (" + name + " has no such entry for " + key + ")");
            case FULL ->
                throw new OperatorException(
                        Kind.CANNOT_CREATE,
                        "No space left on device (" + name
                                + (atLimit(vtep, object)
                                        ? " takes " + vtep.config().forwarding().maxAddresses()
                                                + " entries, its maxaddress)"
                                        : " has no memory for more entries: give Java more, -XX:MaxDirectMemorySize)"));
            case NOT_SUPPORTED ->
                throw new OperatorException(
                        Kind.BAD_DATA,
                        action.equals("replace")
                                ? "Operation not supported (entries of multicast addresses are changed by append and del)"
                                : "Operation not supported (only the default entry 00:00:00:00:00:00 and multicast"
                                        + " addresses can have several remotes)");
        }
    }

    /** Else memory is what a full table lacks. */
    private static boolean atLimit(Vtep vtep, String object) {
        int limit = vtep.config().forwarding().maxAddresses();
        return object.equals("fdb") && limit > 0 && vtep.fdb().size() >= limit;
    }

    /** What a failed system call is to an operator. */
    public static Kind kind(LinuxException e) {
        return switch (e.errno()) {
            case Errno.EPERM, Errno.EACCES -> Kind.NO_PERMISSION;
            case Errno.EBUSY, Errno.EADDRINUSE -> Kind.UNAVAILABLE;
            default -> Kind.OS_ERROR;
        };
    }

    public static HttpResponseStatus status(Kind kind) {
        return switch (kind) {
            case USAGE, BAD_DATA, BAD_CONFIG -> HttpResponseStatus.BAD_REQUEST;
            case NO_INPUT -> HttpResponseStatus.NOT_FOUND;
            case UNAVAILABLE, CANNOT_CREATE -> HttpResponseStatus.CONFLICT;
            case OS_ERROR, NO_PERMISSION -> HttpResponseStatus.INTERNAL_SERVER_ERROR;
        };
    }
}
