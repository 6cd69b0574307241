package org.weft.dataplane.agent;

import java.util.List;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.table.FdbLookup;
import org.weft.dataplane.table.NeighbourTable;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.EthernetHeader;
import org.weft.encap.FrameLayout;
import org.weft.encap.IpPrefix;

/**
 * Whether a received frame is from the host that it says: the FDB's remote of its source MAC address is the outer source,
 * and the neighbour table gives that MAC address to the host's part of the overlay, or to the very address, that its source
 * IP address is in. Of IPv6 addresses only those that are in the table are compared. A frame with more VLAN tags than are
 * looked behind may have any source IP address, so it is not from the host that it says.
 */
final class OriginCheck {
    private final Vtep vtep;
    private final FdbLookup remotes = new FdbLookup();
    private boolean counted;

    OriginCheck(Vtep vtep) {
        this.vtep = vtep;
    }

    /**
     * Checks a frame.
     *
     * @param config of the VTEP, in force for this frame as the enforcement is
     * @param layout of the inner frame
     * @return why it is dropped, or null if it passes
     */
    Counter check(VtepConfig config, Enforcement enforcement, Frame frame, FrameLayout layout, Counters counters) {
        counted = false;
        if (enforcement.spoofing() == Spoofing.OFF) {
            return null;
        }
        Counter fault = fault(config, frame, layout, enforcement.subnetLength());
        if (fault == null || enforcement.spoofing() == Spoofing.DROP) {
            return fault;
        }
        counted = true;
        counters.increment(
                switch (fault) {
                    case SPOOFED_UNDERLAY -> Counter.SPOOFED_UNDERLAY_PASSED;
                    case SPOOFED_MAC -> Counter.SPOOFED_MAC_PASSED;
                    default -> Counter.SPOOFED_IP_PASSED;
                });
        return null;
    }

    /** Whether the frame checked last passed, and was counted as one that should not. */
    boolean counted() {
        return counted;
    }

    private Counter fault(VtepConfig config, Frame frame, FrameLayout layout, int subnetLength) {
        long mac = EthernetHeader.source(frame.buffer(), layout.offset());
        if (!vtep.fdb().lookup(mac, remotes)) {
            return Counter.SPOOFED_MAC;
        }
        if (!isRemote(frame.sourceHigh(), frame.sourceLow())) {
            return Counter.SPOOFED_UNDERLAY;
        }
        boolean foreign =
                layout.endsInTag() || (layout.isIpv4() || layout.isIpv6()) && !holds(config, mac, layout, subnetLength);
        return foreign ? Counter.SPOOFED_IP : null;
    }

    private boolean isRemote(long high, long low) {
        for (int i = 0; i < remotes.count(); i++) {
            if (remotes.low(i) == low && remotes.high(i) == high) {
                return true;
            }
        }
        return false;
    }

    private boolean holds(VtepConfig config, long mac, FrameLayout layout, int subnetLength) {
        long high = layout.sourceHigh();
        long low = layout.sourceLow();
        if (!layout.isIpv4()) {
            long holder = vtep.neighbours().lookup(high, low);
            return holder == mac || holder == NeighbourTable.NONE;
        }
        long holder = vtep.neighbours().holder((int) low, subnetLength);
        return holder == mac || holder == NeighbourTable.NONE && isShared(config, (int) low);
    }

    /** In an overlay of several networks a host has the first address of each network that its own subnet is not in. */
    private static boolean isShared(VtepConfig config, int address) {
        List<IpPrefix> own = config.device().addresses();
        int networks = 0;
        boolean shared = false;
        for (int i = 0; i < own.size(); i++) {
            IpPrefix network = own.get(i);
            if (network.address().isIpv4() && network.length() < Integer.SIZE) {
                networks++;
                shared |= address == (network.address().ipv4() & -1 << Integer.SIZE - network.length());
            }
        }
        return shared && networks > 1;
    }
}
