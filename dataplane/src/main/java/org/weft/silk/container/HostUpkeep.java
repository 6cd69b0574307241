package org.weft.silk.container;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.weft.dataplane.host.Sysctls;
import org.weft.silk.container.Turns.Turn;

/**
 * Puts back changes of others on the host between containers and the VTEP: to forwarding, and to
 * the host's ends of veth pairs. Thread-safe. It leaves out containers that another operation
 * attaches or detaches.
 */
final class HostUpkeep {
    private final Ledger ledger;
    private final Turns turns;

    HostUpkeep(Ledger ledger, Turns turns) {
        this.ledger = ledger;
        this.turns = turns;
    }

    /** Does the work of {@link Tenants#upkeep}. */
    List<HostRepair> look(String device, boolean repair) {
        List<Attachment> entries = ledger.entries();
        List<HostRepair> found = new ArrayList<>();
        // The attach of the first container sets forwarding.
        if (entries.isEmpty()) {
            return found;
        }
        forwarding("ipv4/ip_forward", repair, found);
        forwarding("ipv4/conf/" + device + "/forwarding", repair, found);
        Map<Attachment, List<String>> ends;
        try {
            ends = HostEnds.read().faults(entries);
        } catch (RuntimeException e) { // the result still has the settings above
            found.add(HostRepair.uncompared("host", "of containers", e));
            return found;
        }
        for (Map.Entry<Attachment, List<String>> end : ends.entrySet()) {
            Attachment entry = end.getKey();
            HostRepair fault = new HostRepair("container", entry.address().toString(), end.getValue(), null);
            if (!repair) {
                found.add(fault);
            } else {
                repairEnd(entry, fault, found);
            }
        }
        return found;
    }

    private static void forwarding(String sysctl, boolean repair, List<HostRepair> found) {
        if (Sysctls.isOff(sysctl)) {
            HostRepair setting = new HostRepair("sysctl", "net/" + sysctl, List.of("0 and not 1"), null);
            found.add(repair ? setting.attempt(() -> Sysctls.set(sysctl, "1")) : setting);
        }
    }

    private void repairEnd(Attachment entry, HostRepair fault, List<HostRepair> found) {
        Turn turn = turns.takeAtOnce("repair", entry.key());
        if (turn == null) {
            return;
        }
        try {
            VethPair pair = new VethPair(entry);
            if (entry.equals(ledger.get(entry.key())) && pair.exists()) {
                found.add(fault.attempt(pair::repairHostEnd));
            }
        } finally {
            turn.close();
        }
    }
}
