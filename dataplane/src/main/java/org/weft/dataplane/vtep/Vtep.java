package org.weft.dataplane.vtep;

import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.table.FdbTable;
import org.weft.dataplane.table.NeighbourTable;
import org.weft.dataplane.table.TagTable;

/**
 * What the agents and the control side of one VTEP share: its configuration, tables and counters.
 *
 * <p>The control side replaces the configuration and writes the tables; agents take the configuration once per duty
 * cycle and look up without locks.
 */
public final class Vtep {
    private final FdbTable fdb;
    private final NeighbourTable neighbours = new NeighbourTable();
    private final TagTable tags = new TagTable();
    private final Counters counters = new Counters();
    private volatile VtepConfig config;

    public Vtep(VtepConfig config) {
        this.config = config;
        this.fdb = new FdbTable(config.maxAddresses());
    }

    public String name() {
        return config.name();
    }

    public VtepConfig config() {
        return config;
    }

    /** Puts another configuration in force; agents see it in their next duty cycle. */
    public void config(VtepConfig changed) {
        config = changed;
    }

    public FdbTable fdb() {
        return fdb;
    }

    public NeighbourTable neighbours() {
        return neighbours;
    }

    public TagTable tags() {
        return tags;
    }

    public Counters counters() {
        return counters;
    }
}
