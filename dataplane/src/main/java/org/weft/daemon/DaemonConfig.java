package org.weft.daemon;

import java.util.List;
import org.weft.dataplane.engine.EngineConfig;
import org.weft.dataplane.vtep.VtepEntries;
import org.weft.silk.config.CellConfig;
import org.weft.silk.config.PolicyConfig;

/**
 * The whole configuration of a daemon, valid. Immutable.
 *
 * @param engine how the engine puts work on threads
 * @param metrics TCP address for Prometheus as {@code host:port}, or null
 * @param vteps the VTEPs to begin with
 * @param cell the cell that this host is; null if it is none
 * @param policy how one of the VTEPs judges; null: none does
 */
public record DaemonConfig(
        EngineConfig engine, String metrics, List<VtepEntries> vteps, CellConfig cell, PolicyConfig policy) {
    public DaemonConfig {
        vteps = List.copyOf(vteps);
    }
}
