package org.weft.daemon;

import java.util.function.Function;
import java.util.function.Predicate;
import org.weft.dataplane.engine.UnderlayPresence;
import org.weft.dataplane.host.HostNetwork;
import org.weft.dataplane.io.linux.AddressState;
import org.weft.dataplane.io.linux.LinuxException;
import org.weft.encap.IpAddress;
import org.weft.silk.config.CellConfig;

/**
 * The underlay address of a cell that names only its interface. DHCP may give the address later,
 * and may change it at any time. One thread calls {@link #find}, {@link #served} and {@link
 * #moved}; any thread may call {@link #missing}.
 */
final class CellUnderlay {
    /**
     * The number of consecutive looks that must see the same replacement. A network manager may
     * remove all addresses for a moment, and add them again in another order.
     */
    static final int LOOKS = 10;

    private final CellConfig config;
    private final Function<String, IpAddress> firstAddress;
    private final Predicate<IpAddress> present;
    private IpAddress held;

    /** The address that the last looks saw in place of the held one; null without. */
    private IpAddress replacement;

    /** The number of consecutive looks that have seen the replacement. */
    private int looks;

    /** Null once the control server serves the cell. */
    private volatile String missing;

    /** @param config of a cell with {@link CellConfig#underlayDev()} */
    CellUnderlay(CellConfig config) {
        this(config, CellUnderlay::firstAddress, address -> AddressState.of(address) != AddressState.ABSENT);
    }

    /**
     * A cell's underlay on a host that the arguments stand for.
     *
     * @param firstAddress gives the first IPv4 address of an interface; null without
     * @param present whether the host has an address
     */
    CellUnderlay(CellConfig config, Function<String, IpAddress> firstAddress, Predicate<IpAddress> present) {
        this.config = config;
        this.firstAddress = firstAddress;
        this.present = present;
        this.held = config.underlay();
        this.missing = held == null ? UnderlayPresence.missingAddress(config.underlayDev()) : null;
    }

    /** A sentence that names the missing part; null if nothing is missing. */
    String missing() {
        return missing;
    }

    /**
     * The cell with the address that its interface has now; null without a usable address. The cell
     * is {@link #missing} until {@link #served}.
     */
    CellConfig find() {
        IpAddress address = firstAddress.apply(config.underlayDev());
        if (address == null) {
            missing = UnderlayPresence.missingAddress(config.underlayDev());
            return null;
        }
        try {
            CellConfig found = config.at(address);
            held = address;
            missing = "the cell is starting with the underlay address " + address + ": try again in a moment";
            return found;
        } catch (IllegalArgumentException e) {
            missing = "underlay.dev: " + config.underlayDev() + " has an unusable address: " + e.getMessage();
            return null;
        }
    }

    /** Notes that the control server serves the cell, so that nothing is missing any more. */
    void served() {
        missing = null;
    }

    /**
     * Looks once whether another address has replaced the held one. The held address counts for as
     * long as the host has it, and again when it is back.
     *
     * @return a sentence once {@link #LOOKS} consecutive looks have seen the same replacement; else
     *     null
     */
    String moved() {
        IpAddress now = firstAddress.apply(config.underlayDev());
        if (now == null || now.equals(held) || present.test(held)) {
            replacement = null;
            looks = 0;
            return null;
        }
        looks = now.equals(replacement) ? looks + 1 : 1;
        replacement = now;
        return looks < LOOKS
                ? null
                : "the underlay interface " + config.underlayDev() + " has the address " + now + " in place of " + held;
    }

    private static IpAddress firstAddress(String dev) {
        try {
            return HostNetwork.ipv4Address(dev);
        } catch (LinuxException e) {
            return null; // the interface has just been removed
        }
    }
}
