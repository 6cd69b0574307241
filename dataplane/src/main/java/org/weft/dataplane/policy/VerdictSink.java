package org.weft.dataplane.policy;

import org.weft.encap.FlowKey;

/** Hears verdicts on a packet's way: of each flow that was let in, and of packets refused. Must not wait. */
@FunctionalInterface
public interface VerdictSink {
    VerdictSink NONE = (key, tag, allowed) -> {};

    /**
     * A verdict.
     *
     * @param key of the packet, in its direction; valid during the call only
     * @param tag its group policy id, 0 if it had none
     */
    void verdict(FlowKey key, int tag, boolean allowed);
}
