package org.weft.silk.container;

import java.util.function.Predicate;
import org.weft.dataplane.io.linux.Link;
import org.weft.encap.IpAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.Overlay;
import org.weft.silk.lease.SilkNames;

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
     * An address that no container has, and no device on this host.
     *
     * @param wanted null for any
     * @return null if none is free
     * @throws OperatorException if the wanted one is not free, or none of this host's
     */
    IpAddress choose(IpAddress wanted, Ledger ledger) {
        if (wanted == null) {
            return next(ledger.last(), address -> isUsed(address, ledger));
        }
        require(wanted);
        for (Attachment entry : ledger.entries()) {
            if (entry.address().equals(wanted)) {
                throw new OperatorException(
                        Kind.BAD_DATA, "address " + wanted + " is taken by " + entry.key() + ": name another, or none");
            }
        }
        if (isUsed(wanted, ledger)) {
            throw new OperatorException(
                    Kind.BAD_DATA,
                    "address " + wanted + " is taken: there is a device " + SilkNames.veth(wanted)
                            + " that Weft did not make");
        }
        return wanted;
    }

    /** A device of that name may be what another program made, or an earlier state directory knew. */
    private static boolean isUsed(IpAddress address, Ledger ledger) {
        return ledger.entries().stream().anyMatch(entry -> entry.address().equals(address))
                || Link.of(SilkNames.veth(address)).exists();
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
