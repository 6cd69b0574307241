package org.weft.dataplane.engine;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.agent.AgentContext;
import org.weft.dataplane.agent.Encapsulator;
import org.weft.dataplane.agent.FrameRing;
import org.weft.dataplane.agent.OwnDatagrams;
import org.weft.dataplane.agent.RefusalSender;
import org.weft.dataplane.agent.TapReader;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.Closing;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.Offloads;
import org.weft.dataplane.io.linux.Link;
import org.weft.dataplane.io.linux.LinuxTap;
import org.weft.dataplane.io.linux.LinuxUnderlaySender;
import org.weft.dataplane.io.linux.OffloadCheck;
import org.weft.dataplane.io.linux.SenderOptions;
import org.weft.dataplane.io.linux.SocketPools;
import org.weft.dataplane.io.linux.TunnelDevice;
import org.weft.dataplane.vtep.LinkState;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepConfig.Df;
import org.weft.dataplane.vtep.VtepConfig.Switches;
import org.weft.dataplane.vtep.VtepConfig.Underlay;

/**
 * The devices of one VTEP and its egress lines: for each worker a queue of the TAP, sending sockets, and the agents
 * between them.
 */
final class VtepDevices implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(VtepDevices.class);

    /** Frames under way from a queue to the sockets; two batches, so that a dedicated reader need not wait. */
    private static final int SLOTS = 64;

    /** Source ports, and so the most paths that the underlay can spread flows over. */
    private static final int SENDERS = 256;

    /**
     * File descriptors for each worker of a VTEP: its TAP, the receiving socket, and those for
     * super-frames.
     */
    private static final int DESCRIPTORS = 8;

    private static final String SWITCHED_OFF = "switched off";

    /**
     * What the VTEPs of a process have in common.
     *
     * @param tunnel gives the device for uncut super-frames, and makes it when it is first wanted
     */
    record Shared(
            OffloadCheck check,
            Supplier<TunnelDevice> tunnel,
            Capture capture,
            OwnDatagrams ownDatagrams,
            SocketPools pools) {}

    private final Vtep vtep;
    private final UnderlayPort port;
    private final OwnDatagrams ownDatagrams;
    private final OffloadCheck check;
    private final Supplier<TunnelDevice> tunnel;
    private final VtepTap tap;
    private final List<LinuxUnderlaySender> senders = new ArrayList<>();
    private final List<LinuxUnderlaySender> refusalSenders = new ArrayList<>();
    private final List<RefusalSender> refusals = new ArrayList<>();
    private final List<Stages.Line> egress = new ArrayList<>();
    private final List<TapReader> readers = new ArrayList<>();

    /** Gives back what the egress lines worked with, when they have stopped. */
    private final List<Runnable> memory = new ArrayList<>();

    /** Read errors that {@link #readTrouble} knows of; those of devices before are among them. */
    private long seenErrors;

    private boolean lost;

    /** Of the underlay interface that the sockets are bound to; 0 if to none. */
    private int underlayIndex;

    VtepDevices(Vtep vtep, UnderlayPort port, Stages stages, Shared shared) {
        this.vtep = vtep;
        this.seenErrors = vtep.counters().get(Counter.TX_READ_ERRORS);
        this.port = port;
        this.check = shared.check();
        this.tunnel = shared.tunnel();
        this.ownDatagrams = shared.ownDatagrams();
        Capture capture = shared.capture();
        VtepConfig config = vtep.config();
        int workers = stages.workers().size();
        tap = new VtepTap(vtep, workers);
        try {
            // Before the sockets are open: one that comes back while they are is followed.
            String dev = config.underlay().dev();
            underlayIndex = dev == null ? 0 : Link.of(dev).index();
            openSenders(config, workers, shared);
            prepare(config);
            ownDatagrams.add(vtep, senders.get(0).sourcePorts());
            switchOffloads();
            port.attach(vtep, tap.queues(), refusals);
            for (int worker = 0; worker < workers; worker++) {
                start(stages, worker, capture);
            }
        } catch (Throwable t) {
            Steps.attempt(this::close, t);
            throw t;
        }
    }

    private void openSenders(VtepConfig config, int workers, Shared shared) {
        SenderOptions options = senderOptions(config);
        for (int worker = 0; worker < workers; worker++) {
            senders.add(LinuxUnderlaySender.open(shared.pools(), options));
            LinuxUnderlaySender refusalSender = LinuxUnderlaySender.openSmall(shared.pools(), options);
            refusalSenders.add(refusalSender);
            // Its counters are written by the receiving side, so they are no part of the sending worker's.
            Counters lane = vtep.counters().lane(workers + worker);
            refusals.add(new RefusalSender(vtep, refusalSender, new AgentContext(lane, shared.capture())));
        }
    }

    /**
     * Opens the sockets that a configuration needs to send. Call it before that configuration is in
     * force.
     *
     * @throws org.weft.dataplane.io.linux.LinuxException if the host cannot; all stays as it was
     *     then
     */
    void prepare(VtepConfig config) {
        if (config.encapsulation().df() != Df.UNSET) {
            senders.get(0).prepareDontFragment();
        }
    }

    /**
     * The number of file descriptors that a VTEP would add to those that are open, with some to
     * spare.
     */
    static int descriptors(VtepConfig config, int workers, SocketPools pools) {
        return workers * DESCRIPTORS
                + pools.missing(senderOptions(config)) * (config.encapsulation().df() == Df.UNSET ? 1 : 2);
    }

    private void start(Stages stages, int worker, Capture capture) {
        LinuxTap queue = tap.queues().get(worker);
        FrameSlab slab = new FrameSlab(SLOTS);
        memory.add(slab::close);
        FrameRing ring = new FrameRing(SLOTS, 1);
        memory.add(ring::close);
        Counters lane = vtep.counters().lane(worker);
        TapReader reader = new TapReader(queue, slab, ring, lane);
        readers.add(reader);
        Encapsulator encapsulator = new Encapsulator(
                        vtep, queue, slab, ring, senders.get(worker), new AgentContext(lane, capture))
                .refuseOwn(ownDatagrams);
        memory.add(encapsulator::close);
        egress.add(stages.start(worker, queue.fd(), List.of(reader, encapsulator)));
    }

    private static SenderOptions senderOptions(VtepConfig config) {
        Underlay underlay = config.underlay();
        return new SenderOptions(
                underlay.local(),
                underlay.dev(),
                underlay.checksums().ipv4(),
                underlay.checksums().ipv6ZeroSent(),
                underlay.sourcePorts().min(),
                underlay.sourcePorts().max(),
                SENDERS);
    }

    VtepTap tap() {
        return tap;
    }

    /** The state that an operator sees; null if the device was deleted. */
    LinkState state(String trouble) {
        if (!tap.place().here()) {
            return new LinkState(true, true, 0, vtep.mac(), vtep.mtu(), offloads(), gsoRefused(), trouble, tap.note());
        }
        Link link = tap.link();
        return link == null
                ? null
                : new LinkState(
                        link.up(),
                        link.running(),
                        link.index(),
                        link.mac(),
                        link.mtu(),
                        offloads(),
                        gsoRefused(),
                        trouble,
                        tap.note());
    }

    UnderlayPort port() {
        return port;
    }

    /** Puts the configuration's switches in force, as far as the kernel has the offloads. */
    void switchOffloads() {
        Switches switches = vtep.config().switches();
        tap.queues().get(0).offloads(switches.tso(), switches.uso());
        boolean wanted = switches.gso() && check.gso() && hasOuterChecksum();
        TunnelDevice uncut = switches.tunnelGso() && tunnelTrouble() == null ? tunnel.get() : null;
        for (LinuxUnderlaySender sender : senders) {
            if (sender.gso() != wanted) {
                sender.gso(wanted);
            }
            sender.tunnelGso(uncut);
        }
        port.switchOffloads();
    }

    /** SO_NO_CHECK and UDP_SEGMENT exclude each other (net/ipv4/udp.c). */
    private boolean hasOuterChecksum() {
        Underlay underlay = vtep.config().underlay();
        return underlay.local().isIpv4()
                ? underlay.checksums().ipv4()
                : !underlay.checksums().ipv6ZeroSent();
    }

    /** Each offload, and why it is off; null for one that is on. */
    Map<String, String> offloads() {
        Switches switches = vtep.config().switches();
        Offloads granted = tap.queues().get(0).offloads();
        Map<String, String> states = new LinkedHashMap<>();
        String refused = "the kernel's TAP device does not have it";
        states.put("checksum", granted.checksum() ? null : refused);
        states.put("tso", !switches.tso() ? SWITCHED_OFF : granted.tso4() || granted.tso6() ? null : refused);
        states.put("uso", !switches.uso() ? SWITCHED_OFF : granted.uso() ? null : refused + " (Linux 6.2)");
        states.put("gso", gsoOff(switches));
        states.put("tunnel-gso", tunnelGsoOff(switches));
        states.put("gro", groOff(switches));
        return states;
    }

    /** Messages that the kernel did not cut, whose datagrams were sent singly. */
    long gsoRefused() {
        return senders.stream().mapToLong(LinuxUnderlaySender::gsoRefused).sum();
    }

    private String gsoOff(Switches switches) {
        if (!switches.gso()) {
            return SWITCHED_OFF;
        }
        if (!hasOuterChecksum()) {
            return vtep.config().underlay().local().isIpv4() ? "udpcsum is off" : "udp6zerocsumtx is on";
        }
        if (!check.gso()) {
            return check.trouble();
        }
        for (LinuxUnderlaySender sender : senders) {
            if (!sender.gso()) {
                return sender.gsoTrouble();
            }
        }
        return null;
    }

    private String tunnelGsoOff(Switches switches) {
        if (!switches.tunnelGso()) {
            return SWITCHED_OFF;
        }
        if (tunnelTrouble() != null) {
            return tunnelTrouble();
        }
        for (LinuxUnderlaySender sender : senders) {
            if (sender.tunnelGsoTrouble() != null) {
                return sender.tunnelGsoTrouble();
            }
        }
        return null;
    }

    /** Outer headers that are written here need to know where they come from. */
    private String tunnelTrouble() {
        return vtep.config().underlay().local().isAny()
                ? "it needs a local address"
                : tunnel.get().trouble();
    }

    private String groOff(Switches switches) {
        if (!switches.gro()) {
            return SWITCHED_OFF;
        }
        return check.gro() ? port.groTrouble() : check.trouble();
    }

    /** What is wrong with the queues of the TAP since the last call, in one sentence; null if nothing is. */
    String readTrouble() {
        long errors = vtep.counters().get(Counter.TX_READ_ERRORS);
        boolean failed = errors != seenErrors;
        seenErrors = errors;
        boolean deaf = egress.stream().anyMatch(line -> !line.running());
        lost = deaf;
        String errno = "";
        for (TapReader reader : readers) {
            int last = reader.lastErrno();
            errno = last == 0 ? errno : ", last with " + Errno.name(last);
            lost |= failed && Errno.isFinal(last);
        }
        if (!failed && !deaf) {
            return null;
        }
        return "reading the TAP device failed" + errno
                + (lost ? "; opening it again" : ", see weft_tx_read_errors_total");
    }

    /** Whether {@link #readTrouble} found a queue that cannot be used again. */
    boolean lost() {
        return lost;
    }

    /** Tells the senders what the underlay carries; longer packets they leave to the kernel to fragment. */
    void underlayMtu(int mtu) {
        senders.forEach(sender -> sender.underlayMtu(mtu));
    }

    /**
     * Binds the sockets to the underlay interface if it came back as another one.
     *
     * @param index that it has now
     */
    void followUnderlay(int index) {
        senders.get(0).followDevice(index);
        if (index != underlayIndex) {
            port.bindToDevice();
            underlayIndex = index;
        }
    }

    /** Closes each part, whatever the others throw. */
    @Override
    public void close() {
        Closing.all(
                this::stopEgress,
                () -> port.detach(vtep),
                () -> ownDatagrams.remove(vtep),
                () -> Closing.each(senders, LinuxUnderlaySender::close),
                () -> Closing.each(refusals, RefusalSender::close),
                () -> Closing.each(refusalSenders, LinuxUnderlaySender::close),
                tap::close);
    }

    /** Keeps the memory of lines that do not stop, because their agents may still write into it. */
    private void stopEgress() {
        Closing.each(egress, Stages.Line::stop);
        Closing.each(memory, Runnable::run);
    }
}
