package org.weft.dataplane.agent;

import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.io.Errno;

/** Why the kernel did not send a datagram: errno (asm-generic/errno.h) to drop reason. */
final class SendFailure {
    private SendFailure() {}

    /** EINVAL is what routing answers when the source address has left this host (__ip_route_output_key). */
    static Counter reason(int errno) {
        return switch (errno) {
            case Errno.EAGAIN, Errno.ENOBUFS, Errno.ENOMEM -> Counter.SOCKET_SNDBUFF;
            case Errno.EMSGSIZE -> Counter.PKT_TOO_BIG;
            case Errno.ENXIO,
                    Errno.ENODEV,
                    Errno.EINVAL,
                    Errno.EAFNOSUPPORT,
                    Errno.EADDRNOTAVAIL,
                    Errno.ENETDOWN,
                    Errno.ENETUNREACH,
                    Errno.EHOSTUNREACH -> Counter.IP_OUTNOROUTES;
            default -> Counter.UNDERLAY_REFUSED;
        };
    }
}
