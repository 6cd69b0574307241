package org.weft.dataplane.host;

import java.util.SortedSet;

/** The host's rules about what a cell's containers may send and what reaches them or the host. One thread at a time. */
public interface CellTable {
    /**
     * What the rules refuse beside forged sources.
     *
     * @param ports UDP ports of VTEPs, closed to containers and to senders behind this host's SNAT; not empty
     * @param forwarded what {@code DNAT} of this host sends on from the VTEP to a container
     * @param host what comes over the VTEP for this host itself, but for answers
     */
    record Refused(SortedSet<Integer> ports, Verdict forwarded, Verdict host) {}

    /** What becomes of a packet. */
    enum Verdict {
        ACCEPT,
        DROP,
        /** Its sender is told: ICMP port unreachable. */
        REJECT
    }

    /** How the table is called in sentences. */
    String name();

    /**
     * Puts rules in force, in one step in the place of those before, be they of another process.
     *
     * @throws org.weft.operator.OperatorException if that fails; those before stay then
     */
    void install(Refused refused);

    /**
     * Whether the rules are as they were installed.
     *
     * @throws org.weft.operator.OperatorException if there is no way to know
     */
    boolean stands();

    /** Takes the rules away, if there are any. */
    void remove();
}
