package org.weft.dataplane.engine;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.io.linux.TapPlace;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;

/**
 * What {@link Watch} finds and mends at the devices of VTEPs.
 *
 * <p>The watch's thread calls it under the engine's monitor, except for {@link #keepMarks} and
 * {@link #isOpen}.
 */
final class Repairs {
    private static final Logger LOG = LoggerFactory.getLogger(Repairs.class);

    private final OpenDevices devices;
    private final LateUnderlay late;
    private final Map<String, Vtep> vteps;
    private final Predicate<String> guarded;
    private final BiConsumer<Vtep, VtepConfig> change;

    /**
     * @param vteps by name; a renamed device renames its VTEP here
     * @param guarded whether there are policies for a name
     * @param change puts another configuration in force
     */
    Repairs(
            OpenDevices devices,
            LateUnderlay late,
            Map<String, Vtep> vteps,
            Predicate<String> guarded,
            BiConsumer<Vtep, VtepConfig> change) {
        this.devices = devices;
        this.late = late;
        this.vteps = vteps;
        this.guarded = guarded;
        this.change = change;
    }

    /**
     * Opens the devices of a VTEP that was made before its underlay interface, if the interface has
     * come.
     *
     * @return a sentence that names the missing part; null if the devices are open
     */
    String awaitInterface(Vtep vtep) {
        if (!late.awaitsInterface(vtep)) {
            return null;
        }
        if (UnderlayPresence.isInterfaceMissing(vtep.config())) {
            return UnderlayPresence.missingInterface(vtep.config().underlay().dev());
        }
        devices.bringUp(vtep);
        late.opened(vtep);
        return null;
    }

    /**
     * Follows the device of a VTEP to another name or network namespace.
     *
     * @return why the device must be made again, in a sentence; null if it need not
     */
    String locate(Vtep vtep) {
        VtepDevices open = devices.of(vtep);
        if (open == null || !open.tap().look()) {
            return "the TAP device is gone";
        }
        TapPlace place = open.tap().place();
        if (place.here() || !vtep.kept()) {
            return null;
        }
        open.tap().forsake();
        return "the TAP device was moved to network namespace " + place.netns() + ", but the cell needs it here";
    }

    /**
     * Gives the device of a VTEP its name again if a cell or policies know it by that name.
     *
     * @return why that is impossible, in a sentence; null if all is well
     */
    String mendName(Vtep vtep) {
        VtepTap tap = devices.of(vtep).tap();
        return isNamedElsewhere(vtep) && tap.place().here() ? tap.restoreName() : null;
    }

    private boolean isNamedElsewhere(Vtep vtep) {
        return vtep.kept() || guarded.test(vtep.name());
    }

    /**
     * Gives all other VTEPs the names that {@code ip link} gave their devices, as with the kernel's
     * vxlan.
     */
    void adoptNames() {
        Set<Vtep> renamed = new HashSet<>(devices.vteps());
        renamed.removeIf(vtep -> {
            TapPlace place = devices.of(vtep).tap().place();
            // Policies for that name are for the VTEP that they are made for, not for one that takes its name.
            return isNamedElsewhere(vtep) || !place.here() || guarded.test(place.name());
        });
        VtepNames.adopt(renamed, vteps);
    }

    /** Notes that {@code bridge fdb} put an entry on a device. */
    void bridgeEntryAdded(int ifindex, long mac) {
        devices.all().forEach(open -> open.tap().bridgeEntryAdded(ifindex, mac));
    }

    /** Whether the devices of a VTEP are open. Any thread may call it. */
    boolean isOpen(Vtep vtep) {
        return devices.of(vtep) != null;
    }

    /** Makes the devices of a VTEP again, tables and counters as they are. */
    void reopen(Vtep vtep) {
        devices.reopen(vtep);
    }

    /** Looks whether the queues of a VTEP's TAP can be read, and opens it again if not; a sentence, or null. */
    String mendTap(Vtep vtep) {
        VtepDevices open = devices.of(vtep);
        String trouble = open == null ? null : open.readTrouble();
        if (trouble != null && open.lost()) {
            reopen(vtep);
        }
        return trouble;
    }

    /** Looks whether what arrives is received, and mends it if not; logs what it finds. */
    void mendPorts() {
        devices.mendPorts();
    }

    /**
     * Notes the changes of {@code ip link} to a VTEP's device. A VTEP that is not kept takes them
     * over.
     */
    void noteDevice(Vtep vtep) {
        devices.of(vtep).tap().noteDevice();
    }

    /**
     * Installs the rules for marks again where somebody removed them. It may wait for nft, so the
     * caller must hold no lock.
     */
    void keepMarks(Vtep vtep) {
        VtepDevices open = devices.of(vtep);
        if (open != null) {
            open.tap().keepMarks();
        }
    }

    /** Refuses routers of the overlay on a VTEP again, where somebody let them in. */
    void refuseRouters(Vtep vtep) {
        VtepDevices open = devices.of(vtep);
        if (open != null) {
            open.tap().refuseRouters();
        }
    }

    /** Binds the sockets of a VTEP to its underlay interface again, if that came back as another one, with this index. */
    void followUnderlay(Vtep vtep, int index) {
        VtepDevices open = devices.of(vtep);
        if (open != null) {
            open.followUnderlay(index);
        }
    }

    /**
     * Notes the MTU of a VTEP's underlay interface. If the VTEP's own MTU was assumed, it follows
     * from this one.
     *
     * @param mtu 0 if it is not known
     */
    void underlayMtu(Vtep vtep, int mtu) {
        VtepDevices open = devices.of(vtep);
        if (open == null) {
            return;
        }
        open.underlayMtu(mtu);
        VtepConfig config = vtep.config();
        int own = mtu == 0 ? config.device().mtu() : late.mtu(vtep, mtu);
        if (own != config.device().mtu()) {
            change.accept(vtep, config.following(config.name(), config.device().mac(), own));
            LOG.info("{}: the underlay has MTU {}, so the MTU is {} now", vtep.name(), mtu, own);
        }
        late.mtuKnown(vtep);
    }
}
