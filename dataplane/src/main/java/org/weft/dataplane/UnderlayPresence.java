package org.weft.dataplane;

import org.weft.dataplane.io.linux.AddressState;
import org.weft.dataplane.io.linux.Link;
import org.weft.dataplane.vtep.VtepConfig;

/**
 * What a VTEP needs of the host's underlay: its interface and its address. Both may come after the
 * daemon has started and go while it runs, with DHCP, IPv6 duplicate address detection or a bond
 * that is made later.
 */
public final class UnderlayPresence {
    private UnderlayPresence() {}

    /**
     * What is missing now, and that Weft waits for it, in one sentence; null if nothing is missing.
     */
    public static String trouble(VtepConfig config) {
        if (isInterfaceMissing(config)) {
            return missingInterface(config.dev());
        }
        return config.local().isAny()
                ? null
                : switch (AddressState.of(config.local())) {
                    case PRESENT -> null;
                    case ABSENT -> "no interface has the underlay address " + config.local() + "; waiting for it";
                    case TENTATIVE ->
                        "the underlay address " + config.local()
                                + " is tentative, because IPv6 duplicate address detection has not ended; waiting for it";
                    case DUPLICATE ->
                        "the underlay address " + config.local()
                                + " is refused, because duplicate address detection found another host with it;"
                                + " give one of the two hosts another address";
                };
    }

    /** Whether the VTEP is to be bound to an interface that does not exist. */
    public static boolean isInterfaceMissing(VtepConfig config) {
        return config.dev() != null && !Link.of(config.dev()).exists();
    }

    /** The sentence about an underlay interface that has no IPv4 address. */
    public static String missingAddress(String dev) {
        return Link.of(dev).exists()
                ? "the underlay interface " + dev + " has no IPv4 address; waiting for it"
                : missingInterface(dev);
    }

    /** The sentence about an underlay interface that does not exist. */
    static String missingInterface(String dev) {
        return "this host has no underlay interface " + dev + "; waiting for it";
    }
}
