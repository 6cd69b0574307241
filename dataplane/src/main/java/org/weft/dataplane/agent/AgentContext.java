package org.weft.dataplane.agent;

import org.agrona.concurrent.EpochClock;
import org.agrona.concurrent.NanoClock;
import org.agrona.concurrent.SystemEpochClock;
import org.agrona.concurrent.SystemNanoClock;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counters;

/**
 * What an agent counts in, shows packets to, and takes the time from.
 *
 * @param counters of the VTEP or the underlay socket, or the agent's lane of them
 * @param nanoClock for ages, time-outs and rates; an agent reads it at most once in a turn
 * @param epochClock for the times of dropped packets; an agent reads it at most once in a turn
 */
public record AgentContext(Counters counters, Capture capture, NanoClock nanoClock, EpochClock epochClock) {
    /** With the clocks of the system. */
    public AgentContext(Counters counters, Capture capture) {
        this(counters, capture, SystemNanoClock.INSTANCE, SystemEpochClock.INSTANCE);
    }
}
