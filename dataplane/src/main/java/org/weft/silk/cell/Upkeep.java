package org.weft.silk.cell;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.silk.container.HostRepair;
import org.weft.silk.container.Tenants;

/**
 * Puts back changes of others on the host: to the VTEP's device, the host's ends of containers, and
 * forwarding. It runs on the cell's thread before each full pass, because routes need the device's
 * address.
 */
final class Upkeep {
    private static final Logger LOG = LoggerFactory.getLogger(Upkeep.class);

    private final VtepRegistry registry;
    private final Tenants tenants;

    /** The refusals of the last pass, which the log has already. */
    private Set<HostRepair> said = new HashSet<>();

    Upkeep(VtepRegistry registry, Tenants tenants) {
        this.registry = registry;
        this.tenants = tenants;
    }

    /**
     * The changes that {@link #keep} would put back.
     *
     * @param vtep of the cell; null if it is not up
     */
    List<HostRepair> plan(Vtep vtep) {
        return vtep == null ? List.of() : look(vtep, false);
    }

    /**
     * Puts back each difference, and logs it.
     *
     * @param vtep of the cell; null if it is not up
     * @return the differences, with a reason for each that stays
     */
    List<HostRepair> keep(Vtep vtep) {
        if (vtep == null) {
            return List.of();
        }
        List<HostRepair> found = look(vtep, true);
        Set<HostRepair> refusals = new HashSet<>();
        for (HostRepair repair : found) {
            if (repair.refused() == null) {
                LOG.info("{}", repair);
            } else if (refusals.add(repair) && !said.contains(repair)) {
                LOG.warn("not {}: {}", repair, repair.refused());
            }
        }
        said = refusals;
        return found;
    }

    private List<HostRepair> look(Vtep vtep, boolean repair) {
        List<HostRepair> found = new ArrayList<>();
        compare("device", vtep.name(), found, () -> {
            List<String> deviations = registry.deviations(vtep);
            if (!deviations.isEmpty()) {
                HostRepair device = new HostRepair("device", vtep.name(), deviations, null);
                found.add(repair ? device.attempt(() -> registry.restore(vtep)) : device);
            }
        });
        compare("host", "of containers", found, () -> found.addAll(tenants.upkeep(vtep.deviceName(), repair)));
        return found;
    }

    /**
     * Compares one part. If that fails, even in an unexpected way, the other parts and the routes
     * still get their turn.
     */
    private static void compare(String kind, String name, List<HostRepair> found, Runnable task) {
        try {
            task.run();
        } catch (RuntimeException e) {
            found.add(HostRepair.uncompared(kind, name, e));
        }
    }
}
