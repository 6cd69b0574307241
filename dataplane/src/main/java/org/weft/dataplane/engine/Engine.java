package org.weft.dataplane.engine;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.host.Descriptors;
import org.weft.dataplane.host.HostNetwork;
import org.weft.dataplane.io.Closing;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.dataplane.vtep.LinkState;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepEntries;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/**
 * Composition root: builds the devices, tables and agents of every VTEP, watches that they stay, and
 * takes them down again.
 *
 * <p>Thread-safe; never called per packet. Changes exclude each other, and may wait for commands of
 * the host. {@link #guard} and {@link #enforcement} may wait for a change. All other questions wait
 * for nothing.
 */
public final class Engine implements VtepRegistry, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

    private final Capture capture;
    private final OpenDevices devices;
    private final Map<String, Vtep> vteps = new ConcurrentHashMap<>();

    /**
     * The VTEPs in order. Each change replaces the list, so that readers never wait for a change.
     */
    private volatile List<Vtep> shownVteps = List.of();

    /** By the name of a VTEP, be there one or not. */
    private final Map<String, Guard> guards = new HashMap<>();

    private final LateUnderlay late = new LateUnderlay();
    private final Watch watch;

    private record Guard(Enforcement enforcement, List<Tag> tags) {}

    /** Has no VTEP before {@link #start}. */
    public Engine(EngineConfig config) {
        this(config, new Capture());
        watch.start();
    }

    /** Leaves it to the caller when the {@link #watch} looks. */
    Engine(EngineConfig config, Capture capture) {
        this.capture = capture;
        devices = new OpenDevices(config, capture);
        Repairs repairs = new Repairs(devices, late, vteps, guards::containsKey, this::change);
        watch = new Watch(repairs, this::vteps, this);
    }

    Watch watch() {
        return watch;
    }

    /** {@link OpenDevices#tap}. */
    VtepTap tap(Vtep vtep) {
        return devices.tap(vtep);
    }

    /** Brings up VTEPs. One that is guarded before is judged from its first packet. */
    public void start(List<VtepEntries> configured) {
        boolean released = hold();
        configured.forEach(entries -> add(entries, true));
        if (released) {
            receive();
        }
    }

    /**
     * Lets what arrives from the underlay wait in the sockets until {@link #receive}, for at most some seconds: VTEPs that share
     * a port are added one after another, and a datagram for one that is still to come must not be taken for a stranger's.
     *
     * @return whether that is new
     */
    public synchronized boolean hold() {
        return devices.hold();
    }

    /** Takes in what arrives from now on. */
    public synchronized void receive() {
        devices.receive();
    }

    @Override
    public List<Vtep> vteps() {
        return shownVteps;
    }

    @Override
    public Vtep vtep(String name) {
        return vteps.get(name);
    }

    @Override
    public LinkState state(Vtep vtep) {
        VtepDevices open = devices.of(vtep);
        LinkState state = open == null ? null : open.state(watch.trouble(vtep));
        return state == null
                ? new LinkState(false, false, 0, vtep.mac(), vtep.mtu(), Map.of(), 0, watch.trouble(vtep), null)
                : state;
    }

    @Override
    public String obstacle(Vtep vtep) {
        return watch.obstacle(vtep);
    }

    @Override
    public List<IpPrefix> addresses(Vtep vtep) {
        VtepDevices open = devices.of(vtep);
        return open == null ? List.of() : open.tap().addresses();
    }

    @Override
    public List<String> deviations(Vtep vtep) {
        VtepDevices open = devices.of(vtep);
        return open == null ? List.of() : open.tap().deviations();
    }

    @Override
    public synchronized void restore(Vtep vtep) {
        devices.tap(vtep).restore();
    }

    @Override
    public Map<String, Counters> underlays() {
        return devices.underlays();
    }

    @Override
    public Map<String, Long> overflows() {
        return devices.overflows();
    }

    @Override
    public Capture capture() {
        return capture;
    }

    @Override
    public Vtep add(VtepEntries entries) {
        return add(entries, false);
    }

    /** @param waits whether an underlay interface that does not exist may come later */
    private synchronized Vtep add(VtepEntries entries, boolean waits) {
        VtepConfig config = entries.vtep();
        if (vteps.containsKey(config.name())) {
            throw new OperatorException(Kind.CANNOT_CREATE, config.name() + ": File exists (there is such a VTEP)");
        }
        for (Vtep other : vteps.values()) {
            if (other.config().vni() == config.vni()
                    && UnderlayPort.Key.of(other.config()).equals(UnderlayPort.Key.of(config))) {
                throw new OperatorException(
                        Kind.CANNOT_CREATE,
                        config.name() + ": File exists (" + other.name() + " has VNI " + config.vni() + " on "
                                + UnderlayPort.Key.of(config) + " already)");
            }
        }
        int descriptors = devices.descriptors(config);
        if (!vteps.isEmpty() && Descriptors.areScarceFor(descriptors)) {
            throw new OperatorException(
                    Kind.UNAVAILABLE,
                    config.name() + ": it would take " + descriptors
                            + " file descriptors that the control socket and containers need: raise LimitNOFILE");
        }
        Vtep vtep = new Vtep(config);
        long now = Vtep.clockSeconds();
        entries.fdb().forEach(entry -> fill(vtep, entry, now));
        entries.neighbours().forEach(entry -> vtep.neighbours().replace(entry.address(), entry.mac()));
        entries.tags().forEach(entry -> vtep.tags().replace(entry.source(), entry.tag()));
        Guard guard = guards.get(vtep.name());
        if (guard != null) {
            guard.tags().forEach(tag -> vtep.tags().replace(tag.source(), tag.tag()));
            vtep.enforcement(guard.enforcement());
        }
        if (waits && UnderlayPresence.isInterfaceMissing(config)) {
            late.awaitInterface(vtep);
        } else {
            devices.bringUp(vtep);
        }
        if (entries.mtuAssumed()) {
            late.awaitMtu(vtep);
        }
        vteps.put(vtep.name(), vtep);
        shownVteps = Stream.concat(shownVteps.stream(), Stream.of(vtep)).toList();
        return vtep;
    }

    /** Several remotes of one address in the configuration are appended, as {@code bridge fdb append} would. */
    private static void fill(Vtep vtep, VtepEntries.StaticFdbEntry entry, long now) {
        switch (vtep.fdb().append(entry.mac(), entry.remote(), true, now)) {
            case OK -> {}
            case NOT_SUPPORTED, EXISTS -> vtep.fdb().replace(entry.mac(), entry.remote(), true, now);
            default ->
                throw new OperatorException(Kind.BAD_CONFIG, vtep.name() + ": more fdb entries than maxaddress allows");
        }
    }

    @Override
    public synchronized void change(Vtep vtep, VtepConfig wanted) {
        VtepConfig before = vtep.config();
        // The device may have been renamed since the caller asked.
        VtepConfig changed = wanted.following(
                before.name(), wanted.device().mac(), wanted.device().mtu());
        VtepDevices open = devices.of(vtep);
        if (open != null) {
            open.prepare(changed);
        }
        try {
            apply(vtep, changed);
        } catch (RuntimeException | Error e) {
            if (!vtep.config().equals(before)) {
                Steps.attempt(() -> apply(vtep, before), e);
            }
            throw e;
        }
    }

    private void apply(Vtep vtep, VtepConfig changed) {
        VtepConfig before = vtep.config();
        VtepDevices open = devices.of(vtep);
        if (DeviceSettings.differs(before, changed)) {
            devices.tap(vtep).change(changed);
        }
        vtep.config(changed);
        if (open != null && !changed.switches().equals(before.switches())) {
            open.switchOffloads();
        }
        if (open != null) {
            open.tap().noteDevice();
        }
    }

    @Override
    public void guard(String name, Enforcement enforcement, List<Tag> tags) {
        Guard guard = new Guard(enforcement, List.copyOf(tags));
        Guard before;
        synchronized (this) {
            before = guards.put(name, guard);
        }
        try {
            enforce(name, enforcement);
        } catch (RuntimeException | Error e) {
            synchronized (this) {
                if (before == null) {
                    guards.remove(name, guard);
                } else {
                    guards.replace(name, guard, before);
                }
            }
            throw e;
        }
    }

    /**
     * Waits for nft without the lock. Devices that were made again meanwhile get the enforcement,
     * too.
     */
    private void enforce(String name, Enforcement enforcement) {
        while (true) {
            VtepDevices open;
            synchronized (this) {
                Vtep vtep = vteps.get(name);
                open = vtep == null ? null : devices.of(vtep);
                if (open == null) {
                    if (vtep != null) {
                        vtep.enforcement(enforcement);
                    }
                    return;
                }
            }
            if (open.tap().enforce(enforcement)) {
                return;
            }
        }
    }

    @Override
    public synchronized Enforcement enforcement(String name) {
        Guard guard = guards.get(name);
        return guard == null ? Enforcement.NONE : guard.enforcement();
    }

    @Override
    public synchronized void up(Vtep vtep, boolean up) {
        devices.tap(vtep).up(up);
    }

    @Override
    public synchronized void remove(Vtep vtep) {
        vteps.remove(vtep.name());
        shownVteps = shownVteps.stream().filter(each -> each != vtep).toList();
        watch.forget(vtep);
        late.forget(vtep);
        VtepDevices open = devices.of(vtep);
        Closing.all(
                open == null ? () -> removeLeftBehind(vtep) : open.tap()::forsake,
                () -> devices.shut(vtep),
                vtep::release);
        LOG.info("{}: removed", vtep.name());
    }

    /** Removes the persistent device of a VTEP whose devices are not open. */
    private static void removeLeftBehind(Vtep vtep) {
        if (vtep.config().device().persist() && HostNetwork.isTap(vtep.name())) {
            HostNetwork.removeDevice(vtep.name());
        }
    }

    @Override
    public synchronized void neighbourChanged(Vtep vtep, IpAddress address, long mac) {
        devices.tap(vtep).neighbourChanged(address, mac);
    }

    @Override
    public long nowSeconds() {
        return Vtep.clockSeconds();
    }

    @Override
    public void close() {
        Closing.all(watch::close, this::closeDevices);
    }

    private synchronized void closeDevices() {
        devices.close();
    }
}
