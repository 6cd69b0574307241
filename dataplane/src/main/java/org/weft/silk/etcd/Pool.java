package org.weft.silk.etcd;

import java.util.Collection;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.lease.Overlay;
import org.weft.silk.lease.SilkNames;

/**
 * Subnets that hosts can have. For cells each network's blocks without its first one; for hosts with one address the
 * addresses of the first network's first block without the block's own (silk: controller/leaser/cidrpool.go).
 */
final class Pool {
    private final Overlay overlay;
    private final boolean singleIp;
    private final long size;

    Pool(Overlay overlay, boolean singleIp) {
        this.overlay = overlay;
        this.singleIp = singleIp;
        this.size = singleIp
                ? (1L << 32 - overlay.subnetLength()) - 1
                : overlay.networks().stream().mapToLong(this::blocks).sum();
    }

    private long blocks(IpPrefix network) {
        return (1L << overlay.subnetLength() - network.length()) - 1;
    }

    boolean contains(IpPrefix subnet) {
        IpPrefix network = overlay.networkOf(subnet.address());
        if (network == null || !SilkNames.base(subnet).equals(subnet.address())) {
            return false;
        }
        IpPrefix firstBlock = new IpPrefix(network.address(), overlay.subnetLength());
        boolean inFirstBlock = Overlay.contains(firstBlock, subnet.address());
        return singleIp
                ? subnet.length() == 32
                        && inFirstBlock
                        && network.equals(overlay.networks().get(0))
                        && !subnet.address().equals(network.address())
                : subnet.length() == overlay.subnetLength() && !inFirstBlock;
    }

    /**
     * A subnet that overlaps none of those taken.
     *
     * @param random where the search begins, in 0 to 1
     * @return null if there is none
     */
    IpPrefix pick(Collection<IpPrefix> taken, double random) {
        NavigableMap<Long, Long> ranges = ranges(taken);
        long start = (long) (random * size);
        for (long i = 0; i < size; i++) {
            IpPrefix subnet = subnet((start + i) % size);
            if (isFree(ranges, subnet)) {
                return subnet;
            }
        }
        return null;
    }

    private IpPrefix subnet(long index) {
        if (singleIp) {
            return new IpPrefix(
                    IpAddress.ofIpv4(overlay.networks().get(0).address().ipv4() + (int) index + 1), 32);
        }
        long left = index;
        for (IpPrefix network : overlay.networks()) {
            if (left < blocks(network)) {
                int offset = (int) (left + 1 << 32 - overlay.subnetLength());
                return new IpPrefix(IpAddress.ofIpv4(network.address().ipv4() + offset), overlay.subnetLength());
            }
            left -= blocks(network);
        }
        throw new IndexOutOfBoundsException("subnet " + index + " of " + size);
    }

    /** From the first address of each to the last one; one within another is of no consequence. */
    private static NavigableMap<Long, Long> ranges(Collection<IpPrefix> subnets) {
        NavigableMap<Long, Long> all = new TreeMap<>();
        subnets.forEach(subnet -> all.merge(first(subnet), last(subnet), Math::max));
        NavigableMap<Long, Long> joined = new TreeMap<>();
        all.forEach((first, last) -> {
            Map.Entry<Long, Long> before = joined.lastEntry();
            if (before == null || before.getValue() < last) {
                joined.put(first, last);
            }
        });
        return joined;
    }

    private static boolean isFree(NavigableMap<Long, Long> ranges, IpPrefix subnet) {
        Map.Entry<Long, Long> nearest = ranges.floorEntry(last(subnet));
        return nearest == null || nearest.getValue() < first(subnet);
    }

    static boolean overlap(IpPrefix one, IpPrefix other) {
        return first(one) <= last(other) && first(other) <= last(one);
    }

    private static long first(IpPrefix subnet) {
        return SilkNames.base(subnet).ipv4() & 0xffff_ffffL;
    }

    private static long last(IpPrefix subnet) {
        return first(subnet) + (1L << 32 - subnet.length()) - 1;
    }

    /** Why {@link #pick} found none. */
    String exhausted() {
        String kind = singleIp ? "single addresses of " : "subnets /" + overlay.subnetLength() + " of ";
        String networks = String.join(
                ", ", overlay.networks().stream().map(IpPrefix::toString).toList());
        return "all " + size + " " + kind + networks
                + " are taken; release hosts that are no more, or give the overlay another network";
    }
}
