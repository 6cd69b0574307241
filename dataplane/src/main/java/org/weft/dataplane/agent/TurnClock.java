package org.weft.dataplane.agent;

import org.agrona.concurrent.EpochClock;
import org.agrona.concurrent.NanoClock;
import org.weft.dataplane.vtep.Vtep;

/**
 * The time of an agent's turn. All packets of a turn have the same time: that of the first question
 * in this turn. A turn that does not ask reads no clock. Used by the agent's thread only.
 */
final class TurnClock {
    private final NanoClock nanoClock;
    private final EpochClock epochClock;
    private boolean nanosRead;
    private boolean epochRead;
    private long nanos;
    private long seconds;
    private long epochMillis;

    TurnClock(AgentContext context) {
        nanoClock = context.nanoClock();
        epochClock = context.epochClock();
    }

    /** Begins another turn. */
    void begin() {
        nanosRead = false;
        epochRead = false;
    }

    /** Nanoseconds, as {@link System#nanoTime()} counts them. */
    long nanos() {
        if (!nanosRead) {
            readNanos();
        }
        return nanos;
    }

    /** Seconds, as {@link Vtep#clockSeconds()} counts them. */
    long seconds() {
        if (!nanosRead) {
            readNanos();
        }
        return seconds;
    }

    private void readNanos() {
        nanos = nanoClock.nanoTime();
        seconds = Vtep.clockSeconds(nanos);
        nanosRead = true;
    }

    /** Milliseconds since the epoch. */
    long epochMillis() {
        if (!epochRead) {
            epochMillis = epochClock.time();
            epochRead = true;
        }
        return epochMillis;
    }
}
