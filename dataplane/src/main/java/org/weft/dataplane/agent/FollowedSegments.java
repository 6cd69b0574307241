package org.weft.dataplane.agent;

import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.io.Frame;
import org.weft.encap.TcpHeader;
import org.weft.encap.VxlanHeader;

/**
 * The fast path for the next segment of a super-frame: the receive rules would come to the same
 * result as for the segment before. The two segments have the same outer source, outer TOS and
 * VXLAN header. Their inner headers agree in all fields that the receive rules and policies ask
 * about. The rule for ECN does not change a frame that it has already treated. Connection tracking
 * asks about FIN, which may differ within a super-frame, so a segment with FIN is judged.
 *
 * <p>One decapsulator uses an object, on its thread.
 */
final class FollowedSegments {
    private final Delivery delivery;

    /** Where the last frame of this turn went, if one like it may go the same way unseen; else null. */
    private Ingress last;

    /** Its VXLAN header, and of its outer headers what the receive rules ask about. */
    private long lastWord;

    private long lastHigh;
    private long lastLow;
    private int lastTos;

    /** Segments that went the way of {@link #last}, not counted yet, and their bytes. */
    private int followers;

    private long followersBytes;

    FollowedSegments(Delivery delivery) {
        this.delivery = delivery;
    }

    /** The next frame is judged, whatever it is. Call {@link #count} before. */
    void forget() {
        last = null;
    }

    /** Datagrams like this one may follow it, unless {@link #forget} is called. */
    void lead(Ingress ingress, long word) {
        last = ingress;
        lastWord = word;
    }

    /**
     * Compares the outer headers of a message with those of the message before.
     *
     * @return false if they differ; then no datagram follows the message before
     */
    boolean hasSameOuter(Frame message) {
        long high = message.sourceHigh();
        long low = message.sourceLow();
        int tos = message.outerTos();
        if (high == lastHigh && low == lastLow && tos == lastTos) {
            return true;
        }
        last = null;
        lastHigh = high;
        lastLow = low;
        lastTos = tos;
        return false;
    }

    /**
     * Makes a datagram part of the super-frame that the last one is in, if it may follow it.
     *
     * @return false if it must be judged; nothing has changed then
     */
    boolean follow(UnsafeBuffer buffer, int offset, int length) {
        int inner = length - VxlanHeader.LENGTH;
        if (last == null
                || inner <= 0
                || VxlanHeader.word(buffer, offset) != lastWord
                || !delivery.append(last, offset + VxlanHeader.LENGTH, inner, TcpHeader.FIN)) {
            return false;
        }
        followers++;
        followersBytes += inner;
        return true;
    }

    /** Counts the segments that followed since the last call. */
    void count() {
        if (followers > 0) {
            last.counters().add(Counter.RX_FRAMES, followers);
            last.counters().add(Counter.RX_BYTES, followersBytes);
            followers = 0;
            followersBytes = 0;
        }
    }
}
