package org.weft.dataplane.engine;

import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.agent.MarkBridge;
import org.weft.dataplane.host.HostNetwork;
import org.weft.dataplane.host.MarkRules;
import org.weft.dataplane.host.VtepSysctls;
import org.weft.dataplane.io.Closing;
import org.weft.dataplane.io.linux.Link;
import org.weft.dataplane.io.linux.LinuxException;
import org.weft.dataplane.io.linux.LinuxTap;
import org.weft.dataplane.io.linux.TapPlace;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.table.NeighbourTable;
import org.weft.dataplane.table.NeighbourTable.Neighbour;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/**
 * The TAP device of one VTEP in the host's kernel: the settings that Weft gives it, and the
 * netfilter rules at it. Others may rename the device or move it to another network namespace. So
 * its descriptor identifies the device, and so does its index inside this namespace.
 *
 * <p>{@link Engine} calls {@link #enforce} and {@link #keepMarks} without its monitor, and all other
 * methods under it. Any thread may ask {@link #link}, {@link #place}, {@link #note}, {@link
 * #addresses} and {@link #deviations}.
 */
final class VtepTap implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(VtepTap.class);

    /** The sentence about a deleted device; the VTEP's name goes before it. */
    static final String GONE = "the TAP device is gone; Weft makes it again";

    private final Vtep vtep;
    private final List<LinuxTap> queues;
    private final MarkRules marks;
    private volatile TapPlace place;
    private volatile int index;

    /** Whether an operator has set the device down with a command of Weft. */
    private volatile boolean down;

    /** Whether others put an entry on the device that Weft does not see. */
    private volatile boolean bridgeEntry;

    /** Guarded by {@link #marks}: no rules are installed for a device that is gone. */
    private boolean closed;

    /** Whether the device stays when this process ends. */
    private boolean stays;

    /**
     * Makes the device, or takes over the persistent one of the VTEP's name, and configures it.
     *
     * @param workers how many queues it is to have
     * @throws RuntimeException in a sentence for the operator; nothing is left open
     */
    VtepTap(Vtep vtep, int workers) {
        this.vtep = vtep;
        VtepConfig config = vtep.config();
        marks = new MarkRules(config.name(), MarkBridge.TOWARDS_HOST, MarkBridge.PREFIX);
        if (config.encapsulation().gbp() && !marksPackets()) {
            marks.removeLeftBehind();
        }
        stays = isFindable(config.name());
        queues = LinuxTap.open(config.name(), stays, workers);
        try {
            place = new TapPlace(config.name(), null);
            vtep.deviceName(config.name());
            index = Link.of(config.name()).index();
            configure(config);
        } catch (Throwable t) {
            Steps.attempt(this::close, t);
            throw t;
        }
    }

    private void configure(VtepConfig config) {
        Link link = Link.of(config.name());
        link.mtu(config.device().mtu());
        DeviceSettings.setMac(link, config.device().mac());
        vtep.device(link.mac(), link.mtu());
        // The rules come before the first packet.
        if (marksPackets()) {
            bridgeMarks();
        }
        setSysctls(config);
        link.up(true);
        for (IpPrefix address : config.device().addresses()) {
            HostNetwork.addAddress(config.name(), address);
        }
        if (config.forwarding().installNeighbours()) {
            HostNetwork.addNeighbours(config.name(), vtep.neighbours().entries().toList());
        }
    }

    /** The addresses that the device has; empty if it is not in this namespace. */
    List<IpPrefix> addresses() {
        Link link = link();
        return link == null ? List.of() : HostNetwork.addresses(link.name());
    }

    /** {@link VtepRegistry#deviations}. */
    List<String> deviations() {
        Link link = link();
        return link == null ? List.of() : DeviceSettings.deviations(link, vtep.config(), down);
    }

    /** {@link VtepRegistry#restore}. */
    void restore() {
        DeviceSettings.restore(reachable(), vtep.config(), down);
        noteDevice();
    }

    private void setSysctls(VtepConfig config) {
        String dev = vtep.deviceName();
        VtepSysctls.refuseRouters(dev);
        boolean ipv6Neighbours = vtep.neighbours().hasIpv6();
        VtepSysctls.admit(dev, config, ipv6Neighbours);
        VtepSysctls.dismiss(dev, config, ipv6Neighbours);
    }

    List<LinuxTap> queues() {
        return queues;
    }

    /**
     * The device in this namespace, under the name that it has at this moment.
     *
     * @return null if it was moved or deleted
     */
    Link link() {
        int known = index;
        String name = known == 0 ? null : Link.nameOf(known);
        return name == null ? null : Link.of(name);
    }

    /** The name and namespace of the device when {@link #look} last asked. */
    TapPlace place() {
        return place;
    }

    /**
     * One sentence that an operator should know about the device although packets pass; null if
     * there is none.
     */
    String note() {
        TapPlace known = place;
        if (!known.here()) {
            return "the device is in network namespace " + known.netns() + " under the name " + known.name()
                    + ": packets pass, but Weft does not reach its MTU, MAC address, addresses and state there";
        }
        if (!known.name().equals(vtep.name())) {
            return "the device has the name " + known.name() + " now";
        }
        return bridgeEntry ? "entries of bridge fdb do not reach Weft: use weft fdb" : null;
    }

    /**
     * Logs once that {@code bridge fdb} has no effect on this device, after somebody has used it on
     * the device.
     */
    void bridgeEntryAdded(int ifindex, long mac) {
        if (ifindex == index && !bridgeEntry) {
            bridgeEntry = true;
            LOG.warn(
                    "{}: bridge fdb added {}, which does not reach Weft: enter \"weft fdb append {} dev {} dst IP\"",
                    vtep.name(),
                    MacAddress.toString(mac),
                    MacAddress.toString(mac),
                    vtep.name());
        }
    }

    /**
     * Asks the descriptor where the device is, and follows it there.
     *
     * @return false if the device was deleted
     */
    boolean look() {
        TapPlace before = place;
        TapPlace now = queues.get(0).place();
        if (now == null) {
            return false;
        }
        if (!now.equals(before)) {
            index = now.here() ? Link.of(now.name()).index() : 0;
            place = now;
            vtep.deviceName(now.name());
            follow(before, now);
        }
        persistIfFindable();
        return true;
    }

    private void follow(TapPlace before, TapPlace now) {
        if (before.here() && !now.here()) {
            LOG.warn("{}: {}", vtep.name(), note());
            marks.remove();
        } else if (!before.here() && now.here()) {
            LOG.info("{}: the device is back from network namespace {}", vtep.name(), before.netns());
            setSysctls(vtep.config());
        }
        if (now.here()) {
            marks.follow(now.name());
        }
    }

    /**
     * Keeps the device only where this daemon made it, because a later daemon looks for it there.
     */
    private boolean isFindable(String name) {
        return vtep.config().device().persist() && name.equals(vtep.firstName());
    }

    private void persistIfFindable() {
        boolean findable = place.here() && isFindable(place.name());
        if (findable != stays) {
            queues.get(0).persist(findable);
            stays = findable;
        }
    }

    /** Lets the device go when it is closed, persistent or not. */
    void forsake() {
        queues.get(0).persist(false);
        stays = false;
    }

    /**
     * Gives the device the VTEP's name again.
     *
     * @return why that is impossible, in a sentence; null if the device has that name
     */
    String restoreName() {
        String found = place.name();
        if (found.equals(vtep.name())) {
            return null;
        }
        try {
            Link.of(found).rename(vtep.name());
        } catch (LinuxException e) {
            return "the TAP device was renamed to " + found + " and cannot be renamed back: " + e.getMessage();
        }
        look();
        LOG.info("repaired {}: name, was {}", vtep.name(), found);
        return null;
    }

    /**
     * Notes the changes of {@code ip link} to the device. A VTEP that is not kept takes them over.
     */
    void noteDevice() {
        Link link = link();
        if (link == null) {
            vtep.device(queues.get(0).mac(), vtep.mtu());
        } else {
            vtep.device(link.mac(), link.mtu());
        }
        if (link != null && marksPackets() && !marks.standsFor(vtep.mac())) {
            keepMarksInForce();
        }
        VtepConfig config = vtep.config();
        if (!vtep.kept()
                && (config.device().mac() != vtep.mac() || config.device().mtu() != vtep.mtu())) {
            vtep.config(config.following(config.name(), vtep.mac(), vtep.mtu()));
        }
    }

    /** Calls {@link DeviceSettings#change}, while the VTEP still has the configuration before. */
    void change(VtepConfig changed) {
        DeviceSettings.change(reachable(), vtep, changed);
    }

    /** Sets the device up or down. */
    void up(boolean up) {
        reachable().up(up);
        down = !up;
    }

    /** {@link VtepRegistry#neighbourChanged}. */
    void neighbourChanged(IpAddress address, long mac) {
        String dev = reachable().name();
        List<Neighbour> changed = List.of(new Neighbour(address, mac));
        if (mac == NeighbourTable.NONE) {
            HostNetwork.removeNeighbours(dev, changed);
            return;
        }
        if (!address.isIpv4()) {
            VtepSysctls.admit(dev, vtep.config(), true);
        }
        HostNetwork.addNeighbours(dev, changed);
    }

    private Link reachable() {
        Link link = link();
        if (link == null) {
            throw new OperatorException(Kind.UNAVAILABLE, vtep.name() + ": " + (place.here() ? GONE : note()));
        }
        return link;
    }

    /** Waits for {@link #enforce}, which may have ended the mode meanwhile. */
    private void keepMarksInForce() {
        synchronized (marks) {
            if (marksPackets()) {
                bridgeMarks();
            }
        }
    }

    private boolean marksPackets() {
        return vtep.enforcement().mode() == Mode.NETFILTER;
    }

    /**
     * Installs the rules that carry marks, unless they are in force.
     *
     * @throws OperatorException if the host cannot; nothing has changed then
     */
    void bridgeMarks() {
        if (!vtep.config().encapsulation().gbp()) {
            throw unmarked("they are group policy ids on the wire, and it has none: make it with gbp");
        }
        if (!place.here()) {
            throw unmarked("it is in network namespace " + place.netns());
        }
        vtep.expectMarksInMac();
        marks.install(vtep.mac());
    }

    private OperatorException unmarked(String reason) {
        return new OperatorException(
                Kind.UNAVAILABLE, vtep.name() + ": marks cannot be handed to and from netfilter: " + reason);
    }

    /**
     * Judges packets by another enforcement from now on. This method may wait for {@code nft}, so
     * the caller holds no lock.
     *
     * @return false if the device is closed; nothing has changed then
     * @throws OperatorException if the host cannot; it stays as it was then
     */
    boolean enforce(Enforcement changed) {
        synchronized (marks) {
            if (closed) {
                return false;
            }
            boolean netfilter = changed.mode() == Mode.NETFILTER;
            if (netfilter) {
                bridgeMarks();
            }
            vtep.enforcement(changed);
            if (!netfilter) {
                marks.remove();
            }
            return true;
        }
    }

    /**
     * Installs the rules for marks again if another program has removed them. It may wait for
     * {@code nft}.
     */
    void keepMarks() {
        if (marks.keep()) {
            LOG.warn(
                    "{}: somebody removed the nftables rules that carry marks; Weft has installed them again",
                    vtep.name());
        }
    }

    /** Refuses routers of the overlay again if somebody has changed the settings that do so. */
    void refuseRouters() {
        if (place.here() && vtep.kept()) {
            setSysctls(vtep.config());
        } else if (place.here()) {
            VtepSysctls.refuseRouters(place.name());
        }
    }

    /**
     * Gives the queues back to the kernel, which removes the device unless it stays. It does so even
     * if the rules for marks cannot be removed.
     */
    @Override
    public void close() {
        Closing.all(this::endMarks, queues.get(0)::close);
    }

    private void endMarks() {
        synchronized (marks) {
            closed = true;
            marks.remove();
        }
    }
}
