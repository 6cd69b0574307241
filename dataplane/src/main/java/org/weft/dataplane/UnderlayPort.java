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
import org.weft.dataplane.agent.RefusalSender;
import org.weft.dataplane.agent.TapWriter;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.TapDevice;
import org.weft.dataplane.io.linux.LinuxUnderlay;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.IpAddress;

/**
 * The receiving sockets, one for each worker, that VTEPs with the same local address, interface and port share, and the
 * ingress lines behind them.
 */
final class UnderlayPort implements AutoCloseable {
    /** Datagrams or merged datagrams under way from a socket to the TAPs; one takes only the pages that it fills. */
    private static final int SLOTS = 64;

    /** UDP_MAX_SEGMENTS of Linux 6.2 and later, and the release of the slot. */
    private static final int FRAMES_PER_SLOT = 128 + 1;

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

    /** One worker's socket and what is behind it. */
    private final class Queue {
        private final int worker;
        private final LinuxUnderlay underlay;
        private final FrameSlab slab = new FrameSlab(SLOTS);
        private final Decapsulator decapsulator;
        private final Map<Vtep, Ingress> ingresses = new LinkedHashMap<>();
        private final Map<Vtep, TapWriter> writers = new LinkedHashMap<>();
        private Stages.Line line;

        Queue(int worker, LinuxUnderlay underlay) {
            this.worker = worker;
            this.underlay = underlay;
            this.decapsulator = new Decapsulator(key.toString(), underlay, slab, counters.lane(worker), capture);
            start();
        }

        void attach(Vtep vtep, TapDevice tap, RefusalSender refusals) {
            FrameRing ring = new FrameRing(SLOTS, FRAMES_PER_SLOT);
            Counters lane = vtep.counters().lane(worker);
            Ingress ingress = new Ingress(vtep, ring, lane, refusals);
            TapWriter writer = new TapWriter(vtep, tap, slab, ring, lane, capture);
            stop();
            try {
                ingresses.put(vtep, ingress);
                writers.put(vtep, writer);
            } finally {
                start();
            }
        }

        void detach(Vtep vtep) {
            stop();
            try {
                ingresses.remove(vtep);
                writers.remove(vtep);
            } finally {
                start();
            }
        }

        private void stop() {
            Stages.Line running = line;
            line = null;
            if (running != null) {
                running.stop();
            }
        }

        private void start() {
            Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
            ingresses.forEach((vtep, ingress) -> routes.put(vtep.config().vni(), ingress));
            decapsulator.routes(routes);
            List<Agent> agents = new ArrayList<>();
            agents.add(decapsulator);
            agents.addAll(writers.values());
            line = stages.start(worker, underlay.fd(), agents);
        }

        void close() {
            stop();
            underlay.close();
        }
    }

    private final Key key;
    private final Stages stages;
    private final Counters counters = new Counters();
    private final Capture capture;
    private final List<Queue> queues = new ArrayList<>();
    private final List<Vtep> vteps = new ArrayList<>();

    UnderlayPort(Key key, Stages stages, Capture capture) {
        this.key = key;
        this.stages = stages;
        this.capture = capture;
        List<LinuxUnderlay> sockets =
                LinuxUnderlay.bind(stages.workers(), key.local(), key.dev(), key.port(), key.ipv6ZeroChecksum());
        for (int worker = 0; worker < sockets.size(); worker++) {
            queues.add(new Queue(worker, sockets.get(worker)));
        }
    }

    Key key() {
        return key;
    }

    Counters counters() {
        return counters;
    }

    /** Datagrams that the kernel dropped at the sockets since they were opened. */
    long overflows() {
        return queues.stream().mapToLong(queue -> queue.underlay.overflows()).sum();
    }

    boolean unused() {
        return vteps.isEmpty();
    }

    /** Delivers the frames of a VTEP's VNI to its queues from now on. The sockets buffer what comes meanwhile. */
    void attach(Vtep vtep, List<? extends TapDevice> taps, List<RefusalSender> refusals) {
        vteps.add(vtep);
        for (int worker = 0; worker < queues.size(); worker++) {
            queues.get(worker).attach(vtep, taps.get(worker), refusals.get(worker));
        }
        switchOffloads();
    }

    void detach(Vtep vtep) {
        vteps.remove(vtep);
        queues.forEach(queue -> queue.detach(vtep));
        switchOffloads();
    }

    /**
     * The kernel merges datagrams from the time that a VTEP first wants it; the others take them apart. It is not told to
     * stop while the daemon runs: what waits in the sockets then would come without the lengths of its parts.
     */
    void switchOffloads() {
        boolean wanted =
                vteps.stream().anyMatch(vtep -> vtep.config().switches().gro());
        for (Queue queue : queues) {
            if (wanted && !queue.underlay.gro()) {
                queue.underlay.gro(true);
            }
        }
    }

    /** Why datagrams do not come merged although that is wanted; null if they do. */
    String groTrouble() {
        return queues.get(0).underlay.groTrouble();
    }

    /** The interface came back as another one: binds the sockets to it. */
    void bindToDevice() {
        queues.forEach(queue -> queue.underlay.bindToDevice());
    }

    @Override
    public void close() {
        queues.forEach(Queue::close);
    }
}
