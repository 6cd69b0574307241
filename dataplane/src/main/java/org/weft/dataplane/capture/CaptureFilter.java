package org.weft.dataplane.capture;

import org.weft.dataplane.counters.Counter;

/**
 * Which packets a session wants. Each part may be null, for any.
 *
 * @param dev name of a TAP device
 * @param point where on its way the packet is seen
 * @param reason only packets that ended in this counter, usually a drop
 */
public record CaptureFilter(String dev, Capture.Point point, Counter reason) {
    /** Every packet. */
    public static final CaptureFilter ANY = new CaptureFilter(null, null, null);

    boolean accepts(String vtep, Capture.Point seen, Counter verdict) {
        return (point == null || point == seen)
                && (reason == null || reason == verdict)
                && (dev == null || dev.equals(vtep));
    }
}
