package org.weft.dataplane.io.linux;

import org.weft.dataplane.io.Offloads;

/** What the host may hand to a TAP device unfinished: what this kernel knows, and what of that is switched on. */
final class TapOffloads {
    // include/uapi/linux/if_tun.h
    static final long TUNSETOFFLOAD = 0x400454d0L;
    static final int TUN_F_CSUM = 0x01;
    private static final int TUN_F_TSO4 = 0x02;
    private static final int TUN_F_TSO6 = 0x04;
    private static final int TUN_F_TSO_ECN = 0x08;
    private static final int TUN_F_USO4 = 0x20;
    private static final int TUN_F_USO6 = 0x40;

    static final int TSO = TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

    /** Since Linux 6.2; an older kernel refuses the whole set. */
    static final int USO = TUN_F_USO4 | TUN_F_USO6;

    private static final int[] PREFERENCES = {TUN_F_CSUM | TSO | USO, TUN_F_CSUM | TSO, TUN_F_CSUM, 0};

    private final String name;
    private int known;
    private volatile Offloads granted = new Offloads(false, false, false, false);

    /** @param name of the device, for errors */
    TapOffloads(String name) {
        this.name = name;
    }

    /** Switches on the most that the kernel takes. */
    void probe(int fd) {
        for (int flags : PREFERENCES) {
            if (LibC.ioctl(fd, TUNSETOFFLOAD, flags) == 0) {
                known = flags;
                granted = describe(flags);
                return;
            }
        }
    }

    /** @throws LinuxException if the device is closed, or was removed */
    synchronized void switchTo(int fd, boolean tso, boolean uso) {
        int flags = known & (TUN_F_CSUM | (tso ? TSO : 0) | (uso ? USO : 0));
        LinuxException.check(LibC.ioctl(fd, TUNSETOFFLOAD, flags), "TUNSETOFFLOAD", name);
        granted = describe(flags);
    }

    Offloads granted() {
        return granted;
    }

    private static Offloads describe(int flags) {
        return new Offloads(
                (flags & TUN_F_CSUM) != 0, (flags & TUN_F_TSO4) != 0, (flags & TUN_F_TSO6) != 0, (flags & USO) == USO);
    }
}
