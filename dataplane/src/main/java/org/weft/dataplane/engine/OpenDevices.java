package org.weft.dataplane.engine;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.agent.OwnDatagrams;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.Closing;
import org.weft.dataplane.io.linux.OffloadCheck;
import org.weft.dataplane.io.linux.SocketPools;
import org.weft.dataplane.io.linux.TunnelCheck;
import org.weft.dataplane.io.linux.TunnelDevice;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/**
 * The open devices of all VTEPs, and what VTEPs share: the threads, the ports that they receive on,
 * the sockets that they send from, and the device for uncut super-frames.
 *
 * <p>The lock of {@link Engine} guards this object, except for {@link #of}, {@link #tap}, {@link
 * #vteps}, {@link #all}, {@link #underlays} and {@link #overflows}, which any thread may call.
 */
final class OpenDevices implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(OpenDevices.class);

    private final Capture capture;
    private final Stages stages;
    private final OffloadCheck check = OffloadCheck.run();
    private final OwnDatagrams ownDatagrams = new OwnDatagrams();
    private final SocketPools pools = new SocketPools();
    private final Map<UnderlayPort.Key, UnderlayPort> ports = new LinkedHashMap<>();

    /** A copy of the ports. Each change replaces it, so that readers never wait for a change. */
    private volatile Map<UnderlayPort.Key, UnderlayPort> shownPorts = Map.of();

    /**
     * The devices of each VTEP, except a VTEP whose TAP is gone and could not be made again yet.
     */
    private final Map<Vtep, VtepDevices> devices = new ConcurrentHashMap<>();

    /**
     * The device for uncut super-frames. The first VTEP that wants it makes it; {@link #check}
     * guards it.
     */
    private TunnelDevice tunnel;

    private boolean held;

    OpenDevices(EngineConfig config, Capture capture) {
        this.capture = capture;
        stages = new Stages(config);
        if (check.trouble() != null) {
            LOG.warn("offloads: {}", check.trouble());
        }
    }

    /** The open devices of one VTEP; null if they are not open. */
    VtepDevices of(Vtep vtep) {
        return devices.get(vtep);
    }

    /** @throws OperatorException if the devices of the VTEP are not open */
    VtepTap tap(Vtep vtep) {
        VtepDevices open = devices.get(vtep);
        if (open == null) {
            throw new OperatorException(Kind.UNAVAILABLE, vtep.name() + ": " + VtepTap.GONE);
        }
        return open.tap();
    }

    /** The VTEPs whose devices are open. */
    Set<Vtep> vteps() {
        return devices.keySet();
    }

    Collection<VtepDevices> all() {
        return devices.values();
    }

    /** Counters of the receiving ports, by address and port. */
    Map<String, Counters> underlays() {
        Map<String, Counters> counters = new LinkedHashMap<>();
        shownPorts.forEach((key, port) -> counters.put(key.toString(), port.counters()));
        return counters;
    }

    /** Datagrams that the kernel dropped at full receiving sockets, by address and port. */
    Map<String, Long> overflows() {
        Map<String, Long> overflows = new LinkedHashMap<>();
        shownPorts.forEach((key, port) -> overflows.put(key.toString(), port.overflows()));
        return overflows;
    }

    /**
     * Lets ports keep datagrams in their sockets until {@link #receive}. Returns whether they
     * received before.
     */
    boolean hold() {
        boolean released = !held;
        held = true;
        return released;
    }

    void receive() {
        held = false;
        ports.values().forEach(UnderlayPort::release);
    }

    /** File descriptors that the devices of another VTEP would take. */
    int descriptors(VtepConfig config) {
        return VtepDevices.descriptors(config, stages.workers().size(), pools);
    }

    /** @throws RuntimeException in a sentence for the operator; nothing is left open then */
    void open(Vtep vtep) {
        UnderlayPort port = port(UnderlayPort.Key.of(vtep.config()));
        VtepDevices.Shared shared = new VtepDevices.Shared(check, this::tunnel, capture, ownDatagrams, pools);
        try {
            devices.put(vtep, new VtepDevices(vtep, port, stages, shared));
        } catch (Throwable t) {
            Steps.attempt(() -> closeIfUnused(port), t);
            throw t;
        }
    }

    /** As {@link #open}, for the first time: logs it. */
    void bringUp(Vtep vtep) {
        open(vtep);
        LOG.info("{}: up with VNI {} on {}", vtep.name(), vtep.config().vni(), UnderlayPort.Key.of(vtep.config()));
    }

    private UnderlayPort port(UnderlayPort.Key key) {
        UnderlayPort port = ports.get(key);
        if (port == null) {
            port = new UnderlayPort(key, stages, capture, held);
            ports.put(key, port);
            shownPorts = new LinkedHashMap<>(ports);
        }
        return port;
    }

    private TunnelDevice tunnel() {
        synchronized (check) {
            if (tunnel == null) {
                tunnel = TunnelDevice.open(TunnelCheck::trouble);
            }
            return tunnel;
        }
    }

    private void closeIfUnused(UnderlayPort port) {
        if (port.unused()) {
            ports.remove(port.key());
            shownPorts = new LinkedHashMap<>(ports);
            port.close();
        }
    }

    /** Closes the devices of a VTEP if they are open. They are closed even if this throws. */
    void shut(Vtep vtep) {
        VtepDevices open = devices.remove(vtep);
        if (open != null) {
            Closing.all(open::close, () -> closeIfUnused(open.port()));
        }
    }

    /** Makes the devices of a VTEP again. Tables and counters stay. */
    void reopen(Vtep vtep) {
        shut(vtep);
        open(vtep);
    }

    /** Looks whether the ports still receive, repairs those that do not, and logs each repair. */
    void mendPorts() {
        for (UnderlayPort port : List.copyOf(ports.values())) {
            String trouble = port.mend();
            if (trouble != null) {
                LOG.warn("{}", trouble);
            }
            if (port.lost()) {
                reopen(port);
            }
        }
    }

    private void reopen(UnderlayPort port) {
        List<Vtep> attached = devices.keySet().stream()
                .filter(vtep -> devices.get(vtep).port() == port)
                .toList();
        Closing.each(attached, this::shut);
        attached.forEach(this::open);
    }

    @Override
    public void close() {
        Closing.all(() -> Closing.each(List.copyOf(devices.keySet()), this::shut), stages::close, this::closeTunnel);
    }

    private void closeTunnel() {
        if (tunnel != null) {
            tunnel.close();
        }
    }
}
