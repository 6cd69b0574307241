package org.weft.fuzz;

import java.util.EnumMap;
import java.util.Map;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counter.Kind;
import org.weft.dataplane.counters.Counters;

/** Counters of a VTEP or of the port, and what a model says that they must have counted since the last comparison. */
final class Ledger {
    private final String name;
    private final Counters counters;
    private final Map<Counter, Long> due = new EnumMap<>(Counter.class);
    private final Map<Counter, Long> settled = new EnumMap<>(Counter.class);

    Ledger(String name, Counters counters) {
        this.name = name;
        this.counters = counters;
    }

    /** Notes that so many must be counted. */
    void due(Counter counter, long amount) {
        due.merge(counter, amount, Long::sum);
    }

    /** How many were counted since the last comparison. */
    long counted(Counter counter) {
        return counters.get(counter) - settled.getOrDefault(counter, 0L);
    }

    /** Compares these counters, and begins from there. */
    void settle(Counter... compared) {
        for (Counter counter : compared) {
            long expected = due.getOrDefault(counter, 0L);
            if (counted(counter) != expected) {
                throw new Finding(name + " counted " + counted(counter) + " " + counter + " instead of " + expected);
            }
        }
        for (Counter counter : Counter.values()) {
            settled.put(counter, counters.get(counter));
        }
        due.clear();
    }

    /** How many were counted since the beginning. */
    long total(Counter counter) {
        return counters.get(counter);
    }

    /** The equations of {@link Counter}, for a VTEP. */
    void checkVtep() {
        long in = total(Counter.TX_FRAMES)
                + total(Counter.TX_REPLICATED)
                + total(Counter.TX_SEGMENTED)
                + total(Counter.TX_REFUSALS);
        long out = total(Counter.TX_SENT) + total(Counter.NEIGHBOUR_ANSWERED) + counters.sum(Kind.TX_DROP);
        check("to send", in, out);
        long delivered = total(Counter.RX_DELIVERED) + total(Counter.RX_COALESCED) + counters.sum(Kind.RX_DROP);
        check("received", total(Counter.RX_FRAMES), delivered);
    }

    /** The equation of {@link Counter} for an underlay. */
    void checkPort(long framesOfVteps) {
        check("datagrams", total(Counter.RX_DATAGRAMS), framesOfVteps + counters.sum(Kind.RX_DROP));
    }

    private void check(String what, long in, long out) {
        if (in != out) {
            throw new Finding(name + ": of " + in + " " + what + ", " + out + " ended in a counter");
        }
    }
}
