package org.weft.dataplane.agent;

import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;

/**
 * Where the frames of one VNI go, where they are counted, and by which rules they are let in. The
 * rules are those that were in force when the turn of the decapsulator met the VTEP first, so no
 * frame is treated by half of a change.
 *
 * <p>One decapsulator uses it, on its thread.
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
     * @param current the number of the turn; each turn has another, none has 0
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
