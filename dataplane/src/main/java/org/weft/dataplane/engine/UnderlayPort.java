package org.weft.dataplane.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.agrona.collections.Int2ObjectHashMap;
import org.agrona.concurrent.Agent;
import org.weft.dataplane.agent.AgentContext;
import org.weft.dataplane.agent.Decapsulator;
import org.weft.dataplane.agent.FrameRing;
import org.weft.dataplane.agent.Ingress;
import org.weft.dataplane.agent.RefusalSender;
import org.weft.dataplane.agent.TapWriter;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.Closing;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.TapDevice;
import org.weft.dataplane.io.linux.LinuxUnderlay;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepConfig.Underlay;
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

    private static final long BETWEEN_SENTENCES_NANOS = TimeUnit.MINUTES.toNanos(1);

    /** What VTEPs must have in common to share a socket. */
    record Key(IpAddress local, String dev, int port, boolean ipv6ZeroChecksum) {
        static Key of(VtepConfig config) {
            Underlay u = config.underlay();
            return new Key(u.local(), u.dev(), u.port(), u.checksums().ipv6ZeroAccepted());
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
        private final Map<Vtep, FrameRing> rings = new HashMap<>();
        private Stages.Line line;

        Queue(int worker, LinuxUnderlay underlay) {
            this.worker = worker;
            this.underlay = underlay;
            this.decapsulator =
                    new Decapsulator(key.toString(), underlay, slab, new AgentContext(counters.lane(worker), capture));
        }

        void attach(Vtep vtep, TapDevice tap, RefusalSender refusals) {
            FrameRing ring = new FrameRing(SLOTS, FRAMES_PER_SLOT);
            Counters lane = vtep.counters().lane(worker);
            Ingress ingress = new Ingress(vtep, ring, lane, refusals);
            TapWriter writer = new TapWriter(vtep, tap, slab, ring, new AgentContext(lane, capture));
            stop();
            try {
                ingresses.put(vtep, ingress);
                writers.put(vtep, writer);
                rings.put(vtep, ring);
                route();
            } finally {
                start();
            }
        }

        /** A line that does not stop keeps its ring, because it may still write into it. */
        void detach(Vtep vtep) {
            ingresses.remove(vtep);
            writers.remove(vtep);
            FrameRing ring = rings.remove(vtep);
            Closing.all(
                    () -> {
                        stop();
                        route();
                        if (ring != null) {
                            ring.close();
                        }
                    },
                    this::start);
        }

        private void stop() {
            Stages.Line running = line;
            line = null;
            if (running != null) {
                running.stop();
            }
        }

        /** Tells the stopped line which VTEPs there are. It takes the slots back from the rings of the others. */
        private void route() {
            Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
            ingresses.forEach((vtep, ingress) -> routes.put(vtep.config().vni(), ingress));
            decapsulator.routes(routes);
        }

        /** Without a VTEP, or before it is time, what comes waits in the socket. */
        private void start() {
            if (held || ingresses.isEmpty()) {
                return;
            }
            List<Agent> agents = new ArrayList<>();
            agents.add(decapsulator);
            agents.addAll(writers.values());
            line = stages.start(worker, underlay.fd(), agents);
        }

        private boolean deaf() {
            return !held && !ingresses.isEmpty() && (line == null || !line.running());
        }

        /** A line that does not stop keeps its memory. */
        void close() {
            Closing.all(
                    () -> {
                        stop();
                        Closing.each(rings.values(), FrameRing::close);
                        slab.close();
                    },
                    underlay::close);
        }
    }

    private final Key key;
    private final Stages stages;
    private final Counters counters = new Counters();
    private final Capture capture;
    private final List<Queue> queues = new ArrayList<>();
    private final List<Vtep> vteps = new ArrayList<>();
    private boolean held;

    /** Read errors that {@link #mend} knows of, whether it listened to a socket again, and whether that is of no use. */
    private long seenErrors;

    private long toldNanos = System.nanoTime() - BETWEEN_SENTENCES_NANOS;
    private boolean mended;
    private boolean lost;

    /** @param held whether nothing is to be received before {@link #release}: further VTEPs are about to be attached */
    UnderlayPort(Key key, Stages stages, Capture capture, boolean held) {
        this.held = held;
        this.key = key;
        this.stages = stages;
        this.capture = capture;
        List<LinuxUnderlay> sockets =
                LinuxUnderlay.bind(stages.workers(), key.local(), key.dev(), key.port(), key.ipv6ZeroChecksum());
        try {
            for (int worker = 0; worker < sockets.size(); worker++) {
                queues.add(new Queue(worker, sockets.get(worker)));
            }
        } catch (Throwable t) {
            Steps.attempt(() -> Closing.each(sockets, LinuxUnderlay::close), t);
            Steps.attempt(this::close, t);
            throw t;
        }
    }

    /** All VTEPs that are known are attached: receives from now on. */
    void release() {
        if (held) {
            held = false;
            queues.forEach(Queue::start);
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

    /** Ends that. The port keeps nothing of the VTEP, even if this throws. */
    void detach(Vtep vtep) {
        vteps.remove(vtep);
        Closing.all(() -> Closing.each(queues, queue -> queue.detach(vtep)), this::switchOffloads);
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

    /**
     * Listens again to sockets that are not listened to any more; {@link #lost} says whether only new ones help.
     *
     * @return what was wrong since the last call, in one sentence, at most once a minute; null if nothing was
     */
    String mend() {
        long errors = counters.get(Counter.RX_READ_ERRORS);
        boolean failed = errors != seenErrors;
        seenErrors = errors;
        boolean deaf = false;
        lost = false;
        for (Queue queue : queues) {
            lost |= failed && Errno.isFinal(queue.decapsulator.lastErrno()) || queue.deaf() && mended;
            if (queue.deaf()) {
                deaf = true;
                queue.stop();
                queue.start();
            }
        }
        mended = deaf;
        if (!deaf && !failed || !lost && System.nanoTime() - toldNanos < BETWEEN_SENTENCES_NANOS) {
            return null;
        }
        toldNanos = System.nanoTime();
        return "receiving on " + key + " failed" + lastErrno() + "; "
                + (lost ? "opening the sockets again" : deaf ? "listening again" : "continuing")
                + "; if this happens again, look at weft_rx_read_errors_total, and find out what closes sockets (ss -K)";
    }

    private String lastErrno() {
        for (Queue queue : queues) {
            int errno = queue.decapsulator.lastErrno();
            if (errno != 0) {
                return ", last with " + Errno.name(errno);
            }
        }
        return "";
    }

    /** Whether {@link #mend} found sockets that cannot be used again. */
    boolean lost() {
        return lost;
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
        Closing.each(queues, Queue::close);
    }
}
