package org.weft.control;

import org.weft.control.cell.LocalCell;
import org.weft.dataplane.vtep.LinkState;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.silk.cell.CellStatus;
import org.weft.silk.cell.CellStatus.Phase;

/**
 * Tells whether packets pass. {@code /readyz} and the gauges ask here, so that they agree. Any
 * thread may ask; it waits for no lock.
 */
final class Readiness {
    private final VtepRegistry registry;
    private final LocalCell local;

    /** @param local null without a cell */
    Readiness(VtepRegistry registry, LocalCell local) {
        this.registry = registry;
        this.local = local;
    }

    /**
     * Why no packet of a VTEP passes, in one sentence that names it; null if they pass, as far as
     * Weft knows.
     */
    String obstacle(Vtep vtep) {
        String own = deviceObstacle(vtep);
        if (own != null || local == null) {
            return own;
        }
        CellStatus status = local.cell().status();
        return vtep.name().equals(status.vtep()) ? status.obstacle() : null;
    }

    private String deviceObstacle(Vtep vtep) {
        String obstacle = registry.obstacle(vtep);
        if (obstacle != null) {
            return vtep.name() + ": " + obstacle;
        }
        LinkState state = registry.state(vtep);
        if (state.up()) {
            return null;
        }
        return vtep.name() + " is down" + (state.trouble() == null ? "" : ": " + state.trouble());
    }

    /** Why the containers of the cell are cut off, in one sentence; null if they are connected. */
    String cellObstacle() {
        CellStatus status = local.cell().status();
        if (!status.hasLease()) {
            String trouble = status.trouble() == null ? "" : ": " + status.trouble();
            return status.phase() == Phase.LOST
                    ? status.trouble()
                    : "this host has no lease in force, " + status.source() + trouble;
        }
        Vtep vtep = registry.vtep(status.vtep());
        return vtep == null ? status.vtep() + " is gone; Weft makes it again" : obstacle(vtep);
    }
}
