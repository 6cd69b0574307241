package org.weft.dataplane;

import java.util.concurrent.TimeUnit;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.linux.Errno;
import org.weft.dataplane.vtep.Vtep;

/**
 * Whether the kernel refuses everything that a VTEP sends, judged by its counters. One datagram
 * that was sent proves the opposite, and a single refusal proves nothing. One thread, once a
 * second.
 *
 * <p>Refusals for the length of a datagram do not count: shorter ones pass.
 */
final class Sending {
    /**
     * Refusals without a sent datagram between them, and the time from the first to the last, that
     * prove it.
     */
    private static final long REFUSALS = 3;

    private static final long SPAN_NANOS = TimeUnit.SECONDS.toNanos(2);

    /**
     * A host that has not tried to send for so long does not know what would become of a datagram.
     */
    private static final long MEMORY_NANOS = TimeUnit.SECONDS.toNanos(30);

    private long sent;
    private long refused;

    /**
     * Of the refusals since the last sent datagram: how many, and when a look found the first and
     * the last.
     */
    private long refusals;

    private long firstNanos;
    private long lastNanos;
    private String sentence;

    /** Judges from now on; older refusals do not count. */
    Sending(Vtep vtep) {
        sent = vtep.counters().get(Counter.TX_SENT);
        refused = refused(vtep.counters());
    }

    /**
     * Why nothing is sent, in one sentence that stays the same until something is; null if
     * something is, or may be.
     */
    String trouble(Vtep vtep, long nowNanos) {
        // In this order, so that what is refused meanwhile waits for the next look.
        long refusedNow = refused(vtep.counters());
        long sentNow = vtep.counters().get(Counter.TX_SENT);
        if (sentNow != sent || refusals > 0 && nowNanos - lastNanos > MEMORY_NANOS) {
            refusals = 0;
            sentence = null;
        }
        if (sentNow == sent && refusedNow != refused) {
            firstNanos = refusals == 0 ? nowNanos : firstNanos;
            lastNanos = nowNanos;
            refusals += refusedNow - refused;
        }
        sent = sentNow;
        refused = refusedNow;
        if (sentence == null && refusals >= REFUSALS && lastNanos - firstNanos >= SPAN_NANOS) {
            sentence = "the kernel refuses everything that is sent, last with " + reason(vtep.sendErrno());
        }
        return sentence;
    }

    private static long refused(Counters counters) {
        return counters.get(Counter.IP_OUTNOROUTES)
                + counters.get(Counter.SOCKET_SNDBUFF)
                + counters.get(Counter.UNDERLAY_REFUSED);
    }

    private static String reason(int errno) {
        String advice =
                switch (errno) {
                    case Errno.EPERM ->
                        ": look for a firewall rule for outgoing packets that drops them (nft list ruleset)";
                    case Errno.ENETUNREACH, Errno.EHOSTUNREACH ->
                        ": no route leads to the remotes (ip route get ADDRESS)";
                    case Errno.EINVAL, Errno.EADDRNOTAVAIL ->
                        ": this host does not have the local address (ip address)";
                    case Errno.ENETDOWN, Errno.ENXIO, Errno.ENODEV ->
                        ": the underlay interface is down or gone (ip link)";
                    default -> "";
                };
        return Errno.name(errno) + advice;
    }
}
