package org.weft.dataplane.cli;

import org.weft.dataplane.UnderlayPresence;
import org.weft.dataplane.config.CellConfig;
import org.weft.dataplane.host.HostNetwork;
import org.weft.dataplane.io.linux.AddressState;
import org.weft.dataplane.io.linux.LinuxException;
import org.weft.encap.IpAddress;

/**
 * The underlay address of a cell that names only its interface. DHCP may give the address later,
 * and may change it at any time. One thread calls {@link #find} and {@link #moved}; any thread may
 * call {@link #missing}.
 */
final class CellUnderlay {
    private final CellConfig config;
    private IpAddress held;

    /** Null once the address is known. */
    private volatile String missing;

    /** @param config of a cell with {@link CellConfig#underlayDev()} */
    CellUnderlay(CellConfig config) {
        this.config = config;
        this.held = config.underlay();
        this.missing = held == null ? UnderlayPresence.missingAddress(config.underlayDev()) : null;
    }

    /** A sentence that names the missing part; null if nothing is missing. */
    String missing() {
        return missing;
    }

    /**
     * The cell with the address that its interface has now; null if that is still {@link #missing}.
     */
    CellConfig find() {
        IpAddress address = address();
        if (address == null) {
            missing = UnderlayPresence.missingAddress(config.underlayDev());
            return null;
        }
        try {
            CellConfig found = config.at(address);
            held = address;
            missing = null;
            return found;
        } catch (IllegalArgumentException e) {
            missing = "underlay.dev: " + config.underlayDev() + " has an unusable address: " + e.getMessage();
            return null;
        }
    }

    /**
     * A sentence about another address of the interface that has replaced the one before; null if
     * there is none.
     */
    String moved() {
        IpAddress now = address();
        boolean replaced = now != null && !now.equals(held) && AddressState.of(held) == AddressState.ABSENT;
        return replaced
                ? "the underlay interface " + config.underlayDev() + " has the address " + now + " in place of " + held
                : null;
    }

    private IpAddress address() {
        try {
            return HostNetwork.ipv4Address(config.underlayDev());
        } catch (LinuxException e) {
            return null; // the interface has just been removed
        }
    }
}
