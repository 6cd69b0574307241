package org.weft.dataplane.silk.container;

import java.util.List;

/**
 * What others changed on this host of what a cell has laid there, its routes and tables of rules
 * left out.
 *
 * @param kind {@code device} for the VTEP's, {@code container}, {@code sysctl}, or {@code host} for
 *     all containers together
 * @param name of the device, address of the container, or name of the setting
 * @param faults each in words, at least one
 * @param refused why it could not be put back, in one sentence; null if it could, or was not tried
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
