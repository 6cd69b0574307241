package org.weft.dataplane.policy;

/**
 * How the packets of one VTEP are judged. Immutable; agents take it once per duty cycle, so no packet is judged by half of
 * a change.
 *
 * @param refusal what becomes of a packet that no policy lets in
 * @param spoofing what becomes of a packet that is not from the host that its addresses belong to
 * @param subnetLength of a host's part of the overlay, which its source addresses are compared with
 * @param flows outlives this
 */
public record Enforcement(
        Mode mode,
        Refusal refusal,
        Spoofing spoofing,
        int subnetLength,
        PolicyTable policies,
        FlowTable flows,
        VerdictSink verdicts) {
    /** Who judges, and whether anything comes of it. */
    public enum Mode {
        /** Nobody. Packets leave tagged all the same. */
        OFF,
        /** Weft, but all pass. */
        LOG,
        /** Weft. */
        ENFORCE,
        /** The host's netfilter: a packet's mark is its group policy id, in both directions, as on the kernel's device. */
        NETFILTER;

        /** Whether flows are followed and packets judged. */
        public boolean judges() {
            return this == LOG || this == ENFORCE;
        }
    }

    /** What becomes of a packet that no policy lets in. */
    public enum Refusal {
        /** Its sender is told: ICMP port unreachable. */
        REJECT,
        DROP
    }

    /** What becomes of a packet with somebody else's addresses. */
    public enum Spoofing {
        OFF,
        /** It is counted, and passes. */
        COUNT,
        DROP
    }

    /** What a VTEP begins with: all pass. */
    public static final Enforcement NONE =
            new Enforcement(Mode.OFF, Refusal.REJECT, Spoofing.OFF, 24, PolicyTable.EMPTY, null, VerdictSink.NONE);
}
