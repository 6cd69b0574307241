package org.weft.silk.container;

import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.io.linux.LinuxException;
import org.weft.operator.OperatorException;

/**
 * A change of others to something that a cell has laid on this host, other than routes and tables
 * of rules.
 *
 * @param kind {@code device} for the VTEP's, {@code container}, {@code sysctl}, or {@code host} for
 *     all containers together
 * @param name name of the device, address of the container, or name of the setting
 * @param faults the differences, each in words; at least one
 * @param refused why Weft could not put it back, in one sentence; null if it could, or has not
 *     tried
 */
public record HostRepair(String kind, String name, List<String> faults, String refused) {
    private static final Logger LOG = LoggerFactory.getLogger(HostRepair.class);

    public HostRepair {
        faults = List.copyOf(faults);
    }

    /** A part of the host whose comparison threw, so that its differences are unknown. */
    public static HostRepair uncompared(String kind, String name, RuntimeException cause) {
        return new HostRepair(kind, name, List.of("could not be compared"), reason(cause));
    }

    /**
     * Runs the repair.
     *
     * @return this; with a reason if the repair threw
     */
    public HostRepair attempt(Runnable repair) {
        try {
            repair.run();
            return this;
        } catch (RuntimeException e) {
            return new HostRepair(kind, name, faults, reason(e));
        }
    }

    /** An unexpected exception needs its class name to be understood. Its text may have lines. */
    private static String reason(RuntimeException cause) {
        if (cause instanceof OperatorException || cause instanceof LinuxException) {
            return cause.getMessage();
        }
        LOG.debug("unexpected while the host is compared", cause);
        return cause.toString().lines().findFirst().orElse("");
    }

    @Override
    public String toString() {
        return "repaired " + (kind.equals("device") ? "" : kind + " ") + name + ": " + String.join(", ", faults);
    }
}
