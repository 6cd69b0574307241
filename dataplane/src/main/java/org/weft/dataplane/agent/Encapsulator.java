package org.weft.dataplane.agent;

import org.agrona.LangUtil;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.Outer;
import org.weft.dataplane.io.TapDevice;
import org.weft.dataplane.io.UnderlaySender;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.table.FdbLookup;
import org.weft.dataplane.table.TagTable;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepConfig.Encapsulation;
import org.weft.encap.EcnTunnel;
import org.weft.encap.EthernetHeader;
import org.weft.encap.FlowHash;
import org.weft.encap.FlowKey;
import org.weft.encap.FrameLayout;
import org.weft.encap.InternetChecksum;
import org.weft.encap.VirtioNetHeader;

/**
 * Second stage of egress: decides where a frame goes, writes the VXLAN header in front of it, and sends it
 * (kernel: vxlan_xmit, vxlan_xmit_one). A frame that something throws on is lost and counted; the others are sent, all slots
 * come back, and then the first exception is thrown on.
 */
public final class Encapsulator implements Agent, AutoCloseable {
    private final Vtep vtep;
    private final FrameSlab slab;
    private final FrameRing ring;
    private final OutboundBatch batch;
    private final NeighbourResponder neighbours;
    private CircularRoute route;
    private final Counters counters;
    private final Capture capture;
    private final TurnClock clock;
    private final FrameLayout layout = new FrameLayout();
    private final FdbLookup found = new FdbLookup();
    private final Frame frame = new Frame();
    private final long[] descriptors = new long[TapReader.BATCH];
    private final Outer outer = new Outer();
    private final FlowKey key = new FlowKey();
    private VtepConfig config;
    private Enforcement enforcement;

    public Encapsulator(
            Vtep vtep, TapDevice tap, FrameSlab slab, FrameRing ring, UnderlaySender sender, AgentContext context) {
        this.vtep = vtep;
        this.slab = slab;
        this.ring = ring;
        this.batch = new OutboundBatch(vtep, slab, sender, context);
        this.neighbours = new NeighbourResponder(vtep, tap);
        this.route = new CircularRoute(vtep, new OwnDatagrams());
        this.counters = context.counters();
        this.capture = context.capture();
        this.clock = new TurnClock(context);
    }

    /** Drops what a route leads back into the device; call it before the first {@link #doWork}. */
    public Encapsulator refuseOwn(OwnDatagrams own) {
        route = new CircularRoute(vtep, own);
        return this;
    }

    @Override
    public String roleName() {
        return "encapsulator-" + vtep.name();
    }

    @Override
    public int doWork() {
        int frames = ring.take(descriptors);
        if (frames == 0) {
            return 0;
        }
        config = vtep.config();
        enforcement = vtep.enforcement();
        clock.begin();
        batch.begin(config, clock);
        route.begin();
        Throwable failure = null;
        for (int i = 0; i < frames; i++) {
            try {
                Counter verdict = encapsulate(frame.wrap(slab, descriptors[i]));
                if (verdict != null) {
                    end(verdict, frame);
                }
            } catch (Throwable t) {
                failure = failure == null ? t : failure;
                count(Counter.TX_AGENT_FAILED, frame.wrap(slab, descriptors[i]));
            }
        }
        try {
            batch.flush();
        } finally {
            for (int i = 0; i < frames; i++) {
                ring.giveBack(Frame.slot(descriptors[i]));
            }
        }
        if (failure != null) {
            LangUtil.rethrowUnchecked(failure);
        }
        return frames;
    }

    /** What the frame ends in; null if it was added to the batch, which counts its datagrams. */
    private Counter encapsulate(Frame frame) {
        UnsafeBuffer buffer = frame.buffer();
        int offset = frame.offset();
        int length = frame.length();
        int gsoType = frame.gsoType();
        if (length < EthernetHeader.LENGTH || gsoType == VirtioNetHeader.GSO_NONE && !completeChecksum(frame)) {
            return Counter.TX_HDR_TRUNC;
        }
        layout.parse(buffer, offset, length);
        if (!layout.networkComplete()) {
            // Kernel: skb_vlan_inet_prepare.
            return Counter.TX_HDR_TRUNC;
        }
        if (route.leadsBack(buffer, layout, offset + length)) {
            return Counter.CIRCULAR_ROUTE;
        }
        if (config.forwarding().proxy()) {
            Counter verdict = neighbours.respond(frame);
            if (verdict != null) {
                return verdict;
            }
        }
        long destination = EthernetHeader.destination(buffer, offset);
        if (!vtep.fdb().lookupOrDefault(destination, found)) {
            return Counter.VXLAN_NO_REMOTE;
        }
        if (enforcement.mode().judges()) {
            followFlow(buffer);
        }
        chooseOuterHeaders(buffer);
        if (gsoType == VirtioNetHeader.GSO_NONE) {
            batch.add(frame, found);
        } else if (!batch.addSuperFrame(frame, layout, gsoType, frame.gsoSize(), found)) {
            return Counter.SKB_GSO_SEG;
        }
        return null;
    }

    /** The TAP hands over frames whose checksum the device is to fill in; this device is us. */
    private static boolean completeChecksum(Frame frame) {
        return (frame.vnetFlags() & VirtioNetHeader.FLAG_NEEDS_CHECKSUM) == 0
                || InternetChecksum.complete(
                        frame.buffer(), frame.offset(), frame.length(), frame.checksumStart(), frame.checksumOffset());
    }

    /** So that answers are known as such. */
    private void followFlow(UnsafeBuffer buffer) {
        if (key.read(buffer, layout) == FlowKey.Kind.PACKET
                && !enforcement.flows().depart(key, (int) clock.seconds())) {
            counters.increment(Counter.TX_UNTRACKED);
        }
    }

    private int mark(UnsafeBuffer buffer) {
        if (!config.encapsulation().gbp()) {
            return TagTable.UNTAGGED;
        }
        int mark = vtep.marksInMac() ? MarkBridge.fromHost(buffer, layout.offset(), vtep.mac()) : 0;
        return enforcement.mode() == Mode.NETFILTER
                ? mark
                : vtep.tags().lookup(layout.sourceHigh(), layout.sourceLow());
    }

    private void chooseOuterHeaders(UnsafeBuffer buffer) {
        int innerTos = layout.tos();
        Encapsulation rules = config.encapsulation();
        int tos = EcnTunnel.encapsulate(rules.tos() == VtepConfig.TOS_INHERIT ? innerTos : rules.tos(), innerTos);
        int ttl = rules.ttl() == VtepConfig.TTL_INHERIT ? layout.ttl() : rules.ttl();
        boolean dontFragment =
                switch (rules.df()) {
                    case UNSET -> false;
                    case SET -> true;
                    case INHERIT -> layout.isIpv6() || layout.dontFragment();
                };
        int mark = mark(buffer);
        outer.flowHash(FlowHash.of(buffer, layout)).tos(tos).ttl(ttl).dontFragment(dontFragment);
        batch.outer(outer, mark);
    }

    /** The one exit of a frame that is not sent: it is captured and counted. */
    private void end(Counter verdict, Frame frame) {
        if (capture.active()) {
            capture.frame(vtep.name(), true, verdict, frame.buffer(), frame.offset(), frame.length());
        }
        count(verdict, frame);
    }

    private void count(Counter verdict, Frame frame) {
        if (verdict.isDrop()) {
            counters.drop(verdict, frame.buffer(), frame.offset(), frame.length(), clock.epochMillis());
        } else {
            counters.increment(verdict);
        }
    }

    /** Gives its memory back, once it runs no more. Slab, ring and sender are not closed. */
    @Override
    public void close() {
        batch.close();
    }
}
