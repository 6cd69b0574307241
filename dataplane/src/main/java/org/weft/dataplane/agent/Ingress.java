package org.weft.dataplane.agent;

import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;

/**
 * The destination, the counters and the rules for frames of one VNI. The rules are those in force
 * when the decapsulator's turn first met the VTEP. So a change applies to a frame whole or not at
 * all.
 *
 * <p>One decapsulator uses an object, on its thread.
 */
public final class Ingress {
    private final Vtep vtep;
    private final FrameRing ring;
    private final Counters counters;
    private final PolicyGate gate;

    /** The turn that the rules below were taken for. */
    private long turn;

    private VtepConfig config;
    private Enforcement enforcement;

    /** @param refusals tells senders of refused packets; null if no sender is told */
    public Ingress(Vtep vtep, FrameRing ring, Counters counters, RefusalSender refusals) {
        this.vtep = vtep;
        this.ring = ring;
        this.counters = counters;
        this.gate = new PolicyGate(vtep, counters, refusals);
    }

    public Vtep vtep() {
        return vtep;
    }

    public FrameRing ring() {
        return ring;
    }

    Counters counters() {
        return counters;
    }

    PolicyGate gate() {
        return gate;
    }

    /**
     * Takes the rules in force, unless this turn has taken them already.
     *
     * @param current the number of the turn; each turn has a number of its own, and 0 is the number
     *     of none
     */
    void begin(long current) {
        if (turn != current) {
            turn = current;
            config = vtep.config();
            enforcement = vtep.enforcement();
            gate.begin(config, enforcement);
        }
    }

    /** The configuration of this turn. */
    VtepConfig config() {
        return config;
    }

    /** The enforcement of this turn. */
    Enforcement enforcement() {
        return enforcement;
    }
}
