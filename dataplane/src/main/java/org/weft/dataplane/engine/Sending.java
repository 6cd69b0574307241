package org.weft.dataplane.engine;

import java.util.concurrent.TimeUnit;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.vtep.Vtep;

/**
 * Judges by a VTEP's counters whether the kernel refuses everything that the VTEP sends. One sent
 * datagram proves the opposite, and a single refusal proves nothing. One thread calls it, once a
 * second.
 *
 * <p>Refusals for the length of a datagram do not count: shorter ones pass.
 */
final class Sending {
    /**
     * So many refusals in a row prove it, if {@link #SPAN_NANOS} lie between the first and the
     * last.
     */
    private static final long REFUSALS = 3;

    private static final long SPAN_NANOS = TimeUnit.SECONDS.toNanos(2);

    /**
     * After so long without a refusal Weft no longer knows whether the kernel would refuse a
     * datagram.
     */
    private static final long MEMORY_NANOS = TimeUnit.SECONDS.toNanos(30);

    private long sent;
    private long refused;

    /**
     * The number of refusals since the last sent datagram, and the times of the looks that found
     * the first and the last one.
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
     * Why the kernel sends nothing, in one sentence that stays the same until it sends again; null
     * if it sends, or may send.
     */
    String trouble(Vtep vtep, long nowNanos) {
        // Refusals are read first, so that a refusal between the two reads waits for the next look.
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
