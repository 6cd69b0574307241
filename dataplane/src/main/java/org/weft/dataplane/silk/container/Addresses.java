package org.weft.dataplane.silk.container;

import java.util.function.Predicate;
import org.weft.dataplane.silk.lease.Lease;
import org.weft.dataplane.silk.lease.Overlay;
import org.weft.dataplane.vtep.OperatorException;
import org.weft.dataplane.vtep.OperatorException.Kind;
import org.weft.encap.IpAddress;

/**
 * The addresses of a host's subnet that containers can have: all but the first, which is the VTEP's, and the last, which
 * is the broadcast address.
 */
final class Addresses {
    private final Lease lease;
    private final long first;
    private final long last;

    Addresses(Lease lease) {
        this.lease = lease;
        long base = number(lease.base());
        this.first = base + 1;
        this.last = base + (1L << 32 - lease.subnet().length()) - 2;
    }

    /**
     * The next address in turn that is free, so that one that was just given back rests the longest.
     *
     * @param previous the one given last; null if there is none
     * @return null if none is free
     */
    IpAddress next(IpAddress previous, Predicate<IpAddress> used) {
        long count = last - first + 1;
        long start = previous == null || !contains(previous) ? 0 : number(previous) - first + 1;
        for (long i = 0; i < count; i++) {
            IpAddress address = IpAddress.ofIpv4((int) (first + (start + i) % count));
            if (!used.test(address)) {
                return address;
            }
        }
        return null;
    }

    /** Refuses an address that no container of this host can have. */
    void require(IpAddress address) {
        if (contains(address)) {
            return;
        }
        String why;
        if (!Overlay.contains(lease.subnet(), address)) {
            why = "is not in this host's subnet " + lease.subnetText();
        } else if (address.equals(lease.base())) {
            why = "is the VTEP's, the first of this host's subnet " + lease.subnetText();
        } else {
            why = "is the broadcast address of this host's subnet " + lease.subnetText();
        }
        throw new OperatorException(Kind.BAD_DATA, "address " + address + " " + why + ": " + advice());
    }

    /** Why there is no address for a further container. */
    String exhausted() {
        return size() == 0
                ? "this host's lease " + lease.subnetText()
                        + " has no addresses for containers: attach it on another host"
                : "this host's subnet " + lease.subnetText() + " is full, all " + size()
                        + " addresses are in use: detach a container, or attach this one on another host";
    }

    /** How many containers there is room for. */
    long size() {
        return Math.max(0, last - first + 1);
    }

    private String advice() {
        return size() == 0
                ? "this host has no address for containers"
                : "name one of " + IpAddress.ofIpv4((int) first) + " to " + IpAddress.ofIpv4((int) last) + ", or none";
    }

    private boolean contains(IpAddress address) {
        return address.isIpv4() && number(address) >= first && number(address) <= last;
    }

    private static long number(IpAddress address) {
        return address.ipv4() & 0xffff_ffffL;
    }
}
