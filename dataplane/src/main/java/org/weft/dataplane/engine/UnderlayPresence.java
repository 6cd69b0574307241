package org.weft.dataplane.engine;

import org.weft.dataplane.io.linux.AddressState;
import org.weft.dataplane.io.linux.Link;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.IpAddress;

/**
 * The interface and the address that a VTEP needs of the host's underlay. Both may come after the
 * daemon has started, and go while it runs. Reasons are DHCP, IPv6 duplicate address detection, or
 * a bond that another program makes later.
 */
public final class UnderlayPresence {
    private UnderlayPresence() {}

    /**
     * One sentence that names the missing part and says that Weft waits for it; null if nothing is
     * missing.
     */
    public static String trouble(VtepConfig config) {
        if (isInterfaceMissing(config)) {
            return missingInterface(config.underlay().dev());
        }
        IpAddress local = config.underlay().local();
        return local.isAny()
                ? null
                : switch (AddressState.of(local)) {
                    case PRESENT -> null;
                    case ABSENT -> "no interface has the underlay address " + local + "; waiting for it";
                    case TENTATIVE ->
                        "the underlay address " + local
                                + " is tentative, because IPv6 duplicate address detection has not ended; waiting for it";
                    case DUPLICATE ->
                        "the underlay address " + local
                                + " is refused, because duplicate address detection found another host with it;"
                                + " give one of the two hosts another address";
                };
    }

    /** Whether the configuration binds the VTEP to an interface that does not exist. */
    public static boolean isInterfaceMissing(VtepConfig config) {
        String dev = config.underlay().dev();
        return dev != null && !Link.of(dev).exists();
    }

    /** The sentence about an underlay interface that has no IPv4 address. */
    public static String missingAddress(String dev) {
        return Link.of(dev).exists()
                ? "the underlay interface " + dev + " has no IPv4 address; waiting for it"
                : missingInterface(dev);
    }

    /**
     * The MTU of an underlay interface; 0 if it is not known. That of a loopback interface, which has the address where
     * routes to it are announced, says nothing of the underlay.
     *
     * @param dev null if there is none
     */
    public static int mtu(String dev) {
        Link link = dev == null ? null : Link.of(dev);
        return link == null || !link.exists() || link.loopback() ? 0 : link.mtu();
    }

    /** The sentence about an underlay interface that does not exist. */
    static String missingInterface(String dev) {
        return "this host has no underlay interface " + dev + "; waiting for it";
    }
}
