package org.weft.silk.lease;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;

/**
 * The leases of a moment, checked: each is well-formed, and no two have a subnet, an underlay address or a MAC address
 * in common. A record that is not so is left out and named; the others count.
 */
public final class LeaseTable {
    /**
     * A record that was left out.
     *
     * @param reason why, in a sentence that begins with where it was found
     */
    public record Skipped(LeaseRecord record, String reason) {}

    private final Map<IpPrefix, Lease> leases;
    private final List<Skipped> skipped;

    private LeaseTable(Map<IpPrefix, Lease> leases, List<Skipped> skipped) {
        this.leases = leases;
        this.skipped = skipped;
    }

    public static LeaseTable empty() {
        return new LeaseTable(Map.of(), List.of());
    }

    /**
     * Checks records.
     *
     * @param own this host's lease, which wins over every other that collides with it; null if it has none
     */
    public static LeaseTable of(Overlay overlay, Lease own, Collection<LeaseRecord> records) {
        Builder builder = new Builder(overlay);
        if (own != null) {
            builder.add(own, "this host's own lease");
        }
        records.forEach(builder::add);
        return new LeaseTable(builder.leases, List.copyOf(builder.skipped));
    }

    /** Checked leases by subnet, this host's among them. */
    public Collection<Lease> leases() {
        return leases.values();
    }

    /** The lease of exactly this subnet, or null. */
    public Lease lease(IpPrefix subnet) {
        return leases.get(subnet);
    }

    public List<Skipped> skipped() {
        return skipped;
    }

    /**
     * Reads one record.
     *
     * @throws IllegalArgumentException in one sentence, if it is not well-formed or not in the overlay
     */
    public static Lease parse(Overlay overlay, LeaseRecord record) {
        if (record.fault() != null) {
            throw new IllegalArgumentException(record.fault());
        }
        IpAddress underlay = IpAddress.parse(require("underlay_ip", record.underlayIp()));
        requireReachable(overlay, underlay);
        IpPrefix subnet = subnet(overlay, require("overlay_subnet", record.overlaySubnet()));
        long mac = record.overlayHardwareAddr() == null
                ? SilkNames.vtepMac(subnet)
                : MacAddress.parse(record.overlayHardwareAddr());
        if (!MacAddress.isValidSource(mac)) {
            throw new IllegalArgumentException(
                    "overlay_hardware_addr " + record.overlayHardwareAddr() + " is no host's address");
        }
        return new Lease(underlay, subnet, mac);
    }

    /** A packet to a remote in the overlay would come back to the VTEP and leave again, longer, without end. */
    private static void requireReachable(Overlay overlay, IpAddress underlay) {
        if (underlay.isAny() || underlay.isMulticast() || underlay.isLoopback() || underlay.isBroadcast()) {
            throw new IllegalArgumentException("underlay_ip " + underlay + " is no host's address");
        }
        IpPrefix network = overlay.networkOf(underlay);
        if (network != null) {
            throw new IllegalArgumentException("underlay_ip " + underlay + " is in the overlay " + network
                    + ": give the address that the host has on the underlay");
        }
    }

    private static String require(String field, String value) {
        if (value == null) {
            throw new IllegalArgumentException(field + " is missing");
        }
        return value;
    }

    private static IpPrefix subnet(Overlay overlay, String text) {
        IpPrefix subnet = IpPrefix.parse(text);
        if (!subnet.address().isIpv4()) {
            throw new IllegalArgumentException("overlay_subnet " + text + " is not an IPv4 network");
        }
        if (!subnet.address().equals(SilkNames.base(subnet))) {
            throw new IllegalArgumentException("overlay_subnet " + text + " has bits beyond its prefix length: "
                    + SilkNames.base(subnet) + "/" + subnet.length() + " is the network");
        }
        IpPrefix network = overlay.networkOf(subnet.address());
        if (network == null || subnet.length() <= network.length()) {
            throw new IllegalArgumentException("overlay_subnet " + text + " is not in the overlay "
                    + String.join(
                            ", ",
                            overlay.networks().stream().map(IpPrefix::toString).toList()));
        }
        return subnet;
    }

    private static final class Builder {
        private final Overlay overlay;
        private final Map<IpPrefix, Lease> leases = new LinkedHashMap<>();
        private final Map<IpAddress, Lease> underlays = new LinkedHashMap<>();
        private final Map<Long, Lease> macs = new LinkedHashMap<>();
        /** By first address, unsigned, to find overlaps. */
        private final TreeMap<Long, Lease> ranges = new TreeMap<>();

        private final List<Skipped> skipped = new ArrayList<>();

        Builder(Overlay overlay) {
            this.overlay = overlay;
        }

        void add(LeaseRecord record) {
            try {
                Lease lease = parse(overlay, record);
                if (lease.equals(leases.get(lease.subnet()))) {
                    return;
                }
                String collision = collision(lease);
                if (collision == null) {
                    put(lease);
                } else {
                    skip(record, collision);
                }
            } catch (IllegalArgumentException e) {
                skip(record, e.getMessage());
            }
        }

        void add(Lease lease, String origin) {
            String collision = collision(lease);
            if (collision != null) {
                skip(lease.record(origin), collision);
                return;
            }
            put(lease);
        }

        private void put(Lease lease) {
            leases.put(lease.subnet(), lease);
            underlays.put(lease.underlay(), lease);
            macs.put(lease.mac(), lease);
            ranges.put(first(lease), lease);
        }

        private void skip(LeaseRecord record, String reason) {
            skipped.add(new Skipped(record, record.origin() + ": " + reason));
        }

        private String collision(Lease lease) {
            Lease other = overlapping(lease);
            if (other != null) {
                return "overlay_subnet " + lease.subnetText() + " overlaps " + held(other);
            }
            other = underlays.get(lease.underlay());
            if (other != null) {
                return "underlay_ip " + lease.underlay() + " has a lease already: " + held(other);
            }
            other = macs.get(lease.mac());
            return other == null
                    ? null
                    : "overlay_hardware_addr " + MacAddress.toString(lease.mac()) + " is that of " + held(other);
        }

        private static String held(Lease other) {
            return other.subnetText() + " of " + other.underlay();
        }

        /** Subnets that are there do not overlap each other, so only the nearest on either side can overlap this one. */
        private Lease overlapping(Lease lease) {
            Map.Entry<Long, Lease> below = ranges.floorEntry(first(lease));
            if (below != null && Overlay.contains(below.getValue().subnet(), lease.base())) {
                return below.getValue();
            }
            Map.Entry<Long, Lease> above = ranges.ceilingEntry(first(lease));
            return above != null
                            && Overlay.contains(lease.subnet(), above.getValue().base())
                    ? above.getValue()
                    : null;
        }

        private static long first(Lease lease) {
            return lease.base().ipv4() & 0xffff_ffffL;
        }
    }
}
