package org.weft.dataplane.agent;

import org.weft.dataplane.counters.Counter;

/** Why the kernel did not send a datagram: errno (asm-generic/errno.h) to drop reason. */
final class SendFailure {
    private static final int ENXIO = 6;
    private static final int EAGAIN = 11;
    private static final int ENOMEM = 12;
    private static final int ENODEV = 19;
    private static final int EINVAL = 22;
    private static final int EMSGSIZE = 90;
    private static final int EAFNOSUPPORT = 97;
    private static final int EADDRNOTAVAIL = 99;
    private static final int ENETDOWN = 100;
    private static final int ENETUNREACH = 101;
    private static final int ENOBUFS = 105;
    private static final int EHOSTUNREACH = 113;

    private SendFailure() {}

    /** EINVAL is what routing answers when the source address has left this host (__ip_route_output_key). */
    static Counter reason(int errno) {
        return switch (errno) {
            case EAGAIN, ENOBUFS, ENOMEM -> Counter.SOCKET_SNDBUFF;
            case EMSGSIZE -> Counter.PKT_TOO_BIG;
            case ENXIO, ENODEV, EINVAL, EAFNOSUPPORT, EADDRNOTAVAIL, ENETDOWN, ENETUNREACH, EHOSTUNREACH ->
                Counter.IP_OUTNOROUTES;
            default -> Counter.UNDERLAY_REFUSED;
        };
    }
}
