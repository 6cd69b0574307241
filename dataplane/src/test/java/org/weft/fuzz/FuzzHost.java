package org.weft.fuzz;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.agrona.collections.Int2ObjectHashMap;
import org.weft.dataplane.agent.AgentContext;
import org.weft.dataplane.agent.Decapsulator;
import org.weft.dataplane.agent.Ingress;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.capture.CaptureFilter;
import org.weft.dataplane.capture.CaptureSession;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.FrameSlab;

/** A host with several VTEPs on one port, set up at random; the one who calls is its only thread. */
final class FuzzHost {
    private static final int LEAST_SLOTS = 6;
    private static final int MOST_SLOTS = 64;

    /** A turn that moved nothing may be a device's fault; so many one after the other are not. */
    private static final int IDLE_TURNS = 300;

    final List<FuzzVtep> vteps = new ArrayList<>();
    final Ledger port;
    final FuzzUnderlay underlay;
    private final Capture capture = new Capture();
    private final FrameSlab slab;
    private final Decapsulator decapsulator;
    private final Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
    private final boolean crashes;
    private CaptureSession session;

    FuzzHost(SplittableRandom random) {
        Faults.Rate faults = Faults.Rate.any(random);
        crashes = faults.crashes();
        slab = new FrameSlab(random.nextInt(LEAST_SLOTS, MOST_SLOTS + 1));
        Counters counters = new Counters();
        port = new Ledger("port", counters);
        underlay = new FuzzUnderlay(new Faults(random.split(), faults));
        decapsulator = new Decapsulator("fuzz", underlay, slab, new AgentContext(counters, capture));
        int count = random.nextInt(1, Bursts.VNIS.length + 1);
        for (int i = 0; i < count; i++) {
            FuzzVtep vtep = new FuzzVtep(Bursts.VNIS[i], slab, capture, random, faults);
            vteps.add(vtep);
            routes.put(vtep.config().vni(), vtep.ingress);
        }
        decapsulator.routes(routes);
    }

    /** Whether devices throw. */
    boolean crashes() {
        return crashes;
    }

    boolean captures() {
        return session != null;
    }

    /** Begins to capture, or ends it. */
    void capture(boolean on) {
        if (on && session == null) {
            session = capture.open(CaptureFilter.ANY);
        } else if (!on && session != null) {
            session.close();
            drainCapture();
            session = null;
        }
    }

    private void drainCapture() {
        try {
            while (session.drain(OutputStream.nullOutputStream(), Integer.MAX_VALUE) > 0) {
                Thread.onSpinWait();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Delivers all that waits at the underlay. */
    void receive() {
        int idle = 0;
        while (idle < IDLE_TURNS && (!underlay.isEmpty() || slab.freeSlots() < slab.slots())) {
            int moved = Faults.survive(decapsulator);
            for (FuzzVtep vtep : vteps) {
                moved += vtep.write();
            }
            idle = moved == 0 ? idle + 1 : 0;
        }
        // What the last turn gave back is taken in again.
        decapsulator.routes(routes);
        if (slab.freeSlots() < slab.slots()) {
            throw new Finding((slab.slots() - slab.freeSlots()) + " slots of received datagrams are lost");
        }
        if (session != null) {
            drainCapture();
        }
    }

    void close() {
        vteps.forEach(FuzzVtep::close);
        slab.close();
    }

    void checkBooks() {
        long frames = 0;
        for (FuzzVtep vtep : vteps) {
            vtep.ledger.checkVtep();
            frames += vtep.vtep.counters().get(Counter.RX_FRAMES);
        }
        port.checkPort(frames);
    }
}
