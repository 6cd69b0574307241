package org.weft.dataplane;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.agrona.collections.Int2ObjectHashMap;
import org.agrona.concurrent.Agent;
import org.weft.dataplane.agent.Decapsulator;
import org.weft.dataplane.agent.Decapsulator.Ingress;
import org.weft.dataplane.agent.FrameRing;
import org.weft.dataplane.agent.TapWriter;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.TapDevice;
import org.weft.dataplane.io.linux.LinuxUnderlay;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.IpAddress;

/** The receiving socket that VTEPs with the same local address, interface and port share, and the ingress line behind it. */
final class UnderlayPort implements AutoCloseable {
    /** Frames under way from the socket to the TAPs; a datagram may be 64 KB, but touches only the pages it fills. */
    private static final int SLOTS = 128;

    /** What VTEPs must have in common to share a socket. */
    record Key(IpAddress local, String dev, int port, boolean ipv6ZeroChecksum) {
        static Key of(VtepConfig config) {
            return new Key(config.local(), config.dev(), config.port(), config.udp6ZeroChecksumRx());
        }

        @Override
        public String toString() {
            String address = local.isIpv4() ? local.toString() : "[" + local + "]";
            return address + (dev == null ? "" : "%" + dev) + ":" + port;
        }
    }

    private record Receiver(Ingress ingress, TapWriter writer) {}

    private final Key key;
    private final Stages stages;
    private final Counters counters = new Counters();
    private final Capture capture;
    private final FrameSlab slab = new FrameSlab(SLOTS);
    private final LinuxUnderlay underlay;
    private final Decapsulator decapsulator;
    private final Map<Vtep, Receiver> receivers = new LinkedHashMap<>();
    private Stages.Line line;

    UnderlayPort(Key key, Stages stages, Capture capture) {
        this.key = key;
        this.stages = stages;
        this.capture = capture;
        this.underlay = LinuxUnderlay.bind(stages.worker(), key.local(), key.dev(), key.port(), key.ipv6ZeroChecksum());
        this.decapsulator = new Decapsulator(key.toString(), underlay, slab, counters, capture);
        start();
    }

    Key key() {
        return key;
    }

    Counters counters() {
        return counters;
    }

    LinuxUnderlay underlay() {
        return underlay;
    }

    boolean unused() {
        return receivers.isEmpty();
    }

    /** Delivers the frames of a VTEP's VNI to this device from now on. The socket buffers what comes meanwhile. */
    void attach(Vtep vtep, TapDevice tap) {
        FrameRing ring = new FrameRing(SLOTS);
        line.stop();
        receivers.put(vtep, new Receiver(new Ingress(vtep, ring), new TapWriter(vtep, tap, slab, ring, capture)));
        start();
    }

    void detach(Vtep vtep) {
        line.stop();
        receivers.remove(vtep);
        start();
    }

    private void start() {
        Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
        List<Agent> agents = new ArrayList<>();
        agents.add(decapsulator);
        for (Map.Entry<Vtep, Receiver> entry : receivers.entrySet()) {
            routes.put(entry.getKey().config().vni(), entry.getValue().ingress());
            agents.add(entry.getValue().writer());
        }
        decapsulator.routes(routes);
        line = stages.start(underlay.fd(), agents);
    }

    @Override
    public void close() {
        line.stop();
        underlay.close();
    }
}
