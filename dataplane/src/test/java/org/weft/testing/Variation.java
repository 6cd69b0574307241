package org.weft.testing;

import org.agrona.concurrent.UnsafeBuffer;

/** Makes each of many frames a little different: of another flow. */
@FunctionalInterface
public interface Variation {
    /** The frame as it is. */
    Variation NONE = (buffer, frame, number) -> {};

    /**
     * Changes a frame.
     *
     * @param frame offset of its Ethernet header
     * @param number how many came before it
     */
    void vary(UnsafeBuffer buffer, int frame, int number);
}
