package org.weft.dataplane.silk.container;

import java.util.List;

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
    public HostRepair {
        faults = List.copyOf(faults);
    }

    /** The same with the outcome of a repair. */
    public HostRepair refused(String sentence) {
        return new HostRepair(kind, name, faults, sentence);
    }

    @Override
    public String toString() {
        return "repaired " + (kind.equals("device") ? "" : kind + " ") + name + ": " + String.join(", ", faults);
    }
}
