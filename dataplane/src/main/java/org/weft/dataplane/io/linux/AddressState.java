package org.weft.dataplane.io.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.weft.encap.IpAddress;

/** Whether this network namespace has an address, and may use it. */
public enum AddressState {
    ABSENT,
    /**
     * IPv6 duplicate address detection has not ended, so the kernel does not answer for the address
     * yet.
     */
    TENTATIVE,
    /** Another host answered to duplicate address detection. The kernel never uses the address. */
    DUPLICATE,
    PRESENT;

    /**
     * The file of this thread's namespace; {@code /proc/net} belongs to the process's first thread.
     */
    private static final Path IPV6_ADDRESSES = Path.of("/proc/thread-self/net/if_inet6");

    // include/uapi/linux/if_addr.h
    private static final int IFA_F_OPTIMISTIC = 0x04;
    private static final int IFA_F_DADFAILED = 0x08;
    private static final int IFA_F_TENTATIVE = 0x40;

    /** The state of an address on any interface, or of one that a local route makes this host's. */
    public static AddressState of(IpAddress address) {
        if (Link.nameOfAddress(address) == null) {
            return LocalRoute.leadsTo(address) ? PRESENT : ABSENT;
        }
        return address.isIpv4() ? PRESENT : ofFlags(flags(address));
    }

    private static AddressState ofFlags(int flags) {
        if ((flags & IFA_F_DADFAILED) != 0) {
            return DUPLICATE;
        }
        return (flags & IFA_F_TENTATIVE) != 0 && (flags & IFA_F_OPTIMISTIC) == 0 ? TENTATIVE : PRESENT;
    }

    /**
     * Each line has an address without colons, and in hexadecimal the index, prefix length, scope
     * and flags.
     */
    private static int flags(IpAddress address) {
        String wanted = "%016x%016x".formatted(address.high(), address.low());
        try {
            for (String line : Files.readAllLines(IPV6_ADDRESSES)) {
                if (line.startsWith(wanted)) {
                    return Integer.parseInt(line.split("\\s+")[4], 16);
                }
            }
        } catch (IOException e) {
            return 0; // a kernel without IPv6 has no such file
        }
        return 0;
    }
}
