package org.weft.dataplane.io.linux;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.io.Errno;
import org.weft.encap.IpAddress;

/** Whether a sender lets the kernel cut its messages (UDP_SEGMENT), and why not. Switched from any thread. */
final class UdpSegmentation {
    private static final Logger LOG = LoggerFactory.getLogger(UdpSegmentation.class);

    private static final String NO_CHECKSUM = "UDP_SEGMENT needs the outer UDP checksum, which is off";

    /** The least MTU of an IPv6 path; IPv4 paths that take less are not met. */
    private static final int LEAST_MTU = 1280;

    private final boolean checksum;
    private final int headersLength;
    private volatile boolean on = true;
    private volatile String trouble;
    private volatile int longestSegment = Integer.MAX_VALUE;
    private volatile long refused;

    /** The remote of the last message that was longer than its path takes; null if there was none. */
    private volatile IpAddress narrow;

    /**
     * @param checksum whether datagrams have a UDP checksum
     * @param headersLength of IP and UDP
     */
    UdpSegmentation(boolean checksum, int headersLength) {
        this.checksum = checksum;
        this.headersLength = headersLength;
        this.trouble = checksum ? null : NO_CHECKSUM;
    }

    boolean on() {
        return on && trouble == null;
    }

    void on(boolean on) {
        this.trouble = checksum ? null : NO_CHECKSUM;
        this.on = on;
    }

    /** Why it is off, or null. */
    String trouble() {
        return trouble;
    }

    /** Messages that the kernel did not cut. */
    long refused() {
        return refused;
    }

    /** The longest datagram that may be cut from a message; 0 if none may be. */
    int longestSegment() {
        return on() ? longestSegment : 0;
    }

    /** A remote whose path takes less than was thought, for the control side to ask about; null if there was none. */
    IpAddress narrow() {
        return narrow;
    }

    /** What the interface or the path takes, for all remotes. */
    void mtu(int mtu) {
        longestSegment = mtu - headersLength;
    }

    /** Whether the kernel may take datagrams singly whose message it refused with this errno. */
    static boolean isRefusal(int errno) {
        return switch (errno) {
            // udp_send_skb: EMSGSIZE where a segment exceeds the path's MTU (EINVAL before Linux 6.14), EIO where the
            // device cannot fill in checksums (before Linux 6.12) or the route encrypts, EINVAL where the socket sends
            // no checksum, or the kernel is older than the option or takes fewer segments.
            case Errno.EMSGSIZE, Errno.EIO, Errno.EINVAL, Errno.EOPNOTSUPP -> true;
            default -> false;
        };
    }

    /**
     * Takes note of a message that the kernel refused. Allocates where another remote than the last one is to blame.
     *
     * @param remoteHigh where it was to go
     * @param remoteLow low 64 bits of that
     * @param segment length of its datagrams
     * @param sentSingly whether any of them left alone, so that the message was refused and not the destination
     */
    void onRefusal(long remoteHigh, long remoteLow, int errno, int segment, boolean sentSingly) {
        boolean mayExceedPath = segment + headersLength > LEAST_MTU;
        if (errno == Errno.EMSGSIZE || errno == Errno.EINVAL && sentSingly && mayExceedPath) {
            refused++;
            longestSegment = Math.min(longestSegment, segment - 1);
            IpAddress known = narrow;
            if (known == null || known.high() != remoteHigh || known.low() != remoteLow) {
                narrow = new IpAddress(remoteHigh, remoteLow);
            }
        } else if (sentSingly) {
            refused++;
            if (trouble == null) {
                trouble = "the kernel refused UDP_SEGMENT with " + Errno.name(errno) + " (" + LibC.strerror(errno)
                        + "); datagrams leave one by one";
                LOG.warn("{}", trouble);
            }
        }
    }
}
