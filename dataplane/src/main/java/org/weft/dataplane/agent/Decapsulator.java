package org.weft.dataplane.agent;

import org.agrona.LangUtil;
import org.agrona.collections.Int2ObjectHashMap;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.capture.Sighting;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.Underlay;
import org.weft.dataplane.table.FdbTable;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.EcnTunnel;
import org.weft.encap.EthernetHeader;
import org.weft.encap.FrameLayout;
import org.weft.encap.MacAddress;
import org.weft.encap.VxlanHeader;

/**
 * First stage of ingress: receives datagrams of all VNIs of one port, checks them in the kernel's order (vxlan_rcv),
 * and passes the inner frames on to their VTEP. Owns the ingress slab.
 *
 * <p>A datagram that something throws on is lost and counted; the others are delivered, all slots come back, and then the
 * first exception is thrown on.
 */
public final class Decapsulator implements Agent {
    /** Messages received per duty cycle, of one or many datagrams each. */
    private static final int BATCH = 16;

    /** Slots kept for frames that have to move out of their slot. */
    private static final int RESERVE = 4;

    private final String name;
    private final Underlay underlay;
    private final FrameSlab slab;
    private final Counters counters;
    private final Capture capture;
    private final TurnClock clock;
    private final FrameLayout layout = new FrameLayout();
    private final Frame frame = new Frame();
    private final Sighting sighting = new Sighting();
    private final int[] slots = new int[BATCH];
    private final Delivery delivery;
    private final FollowedSegments followed;

    private Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();

    private volatile int lastErrno;

    /** The number of turns that received something, this one included. */
    private long turn;

    /** What the outer ECN field means for the frame that {@link #layout} describes. */
    private int ecnAction;

    /** The VTEP that knows the outer source of this message as a peer; null if none was asked, or its answer was no. */
    private Ingress knowing;

    /** Where the datagram at hand is still to be counted as something; null once that is seen to. */
    private Counters owing;

    /** What was thrown first in this duty cycle; null if nothing was. */
    private Throwable failure;

    /** @param name of the underlay socket, {@code address:port} */
    public Decapsulator(String name, Underlay underlay, FrameSlab slab, AgentContext context) {
        this.name = name;
        this.underlay = underlay;
        this.slab = slab;
        this.counters = context.counters();
        this.capture = context.capture();
        this.clock = new TurnClock(context);
        this.delivery = new Delivery(slab, clock);
        this.followed = new FollowedSegments(delivery);
    }

    /**
     * Puts another set of VTEPs in force, by VNI. Only while neither this agent nor a TAP writer runs, and every frame
     * handed on was written.
     */
    public void routes(Int2ObjectHashMap<Ingress> changed) {
        reclaim();
        routes = changed;
    }

    private void reclaim() {
        for (Ingress ingress : routes.values()) {
            ingress.ring().reclaim(slab);
        }
    }

    /** Why receiving failed last ({@link Counter#RX_READ_ERRORS}), 0 if it never did; from any thread. */
    public int lastErrno() {
        return lastErrno;
    }

    @Override
    public String roleName() {
        return "decapsulator-" + name;
    }

    @Override
    public int doWork() {
        reclaim();
        int received = fillSlots(claim());
        if (received > 0) {
            clock.begin();
            turn++;
            followed.forget();
            knowing = null;
            for (int i = 0; i < received; i++) {
                receiveSlot(frame.wrap(slab, slots[i]));
            }
            flush();
        }
        if (failure != null) {
            Throwable thrown = failure;
            failure = null;
            LangUtil.rethrowUnchecked(thrown);
        }
        return received;
    }

    /** Slots that nothing was received into are free again, also when something throws. */
    private int fillSlots(int claimed) {
        int received = 0;
        try {
            int result = underlay.receive(slab, slots, claimed);
            if (result < 0) {
                counters.increment(Counter.RX_READ_ERRORS);
                lastErrno = -result;
            } else {
                received = result;
            }
        } finally {
            for (int i = claimed - 1; i >= received; i--) {
                slab.release(slots[i]);
            }
        }
        return received;
    }

    private void flush() {
        try {
            delivery.flush();
        } catch (Throwable t) {
            noteFailure(t);
        }
    }

    private int claim() {
        int claimed = 0;
        while (claimed < BATCH && slab.freeSlots() > RESERVE) {
            slots[claimed++] = slab.claim();
        }
        return claimed;
    }

    /** The kernel may have merged datagrams of equal length, the last one shorter, into one (UDP_GRO). */
    private void receiveSlot(Frame frame) {
        int start = frame.offset();
        int end = start + frame.length();
        int segmentLength = Math.max(1, frame.segmentLength());
        UnsafeBuffer buffer = frame.buffer();
        delivery.begin(frame.slot());
        if (!followed.hasSameOuter(frame)) {
            knowing = null;
        }
        int datagrams = 0;
        int offset = start;
        do {
            int length = Math.min(segmentLength, end - offset);
            owing = counters;
            try {
                if (!followed.follow(buffer, offset, length)) {
                    followed.count();
                    receive(frame.move(offset, length));
                }
            } catch (Throwable t) {
                fail(t, frame.move(offset, length));
            }
            offset += segmentLength;
            datagrams++;
        } while (offset < end);
        followed.count();
        counters.add(Counter.RX_DATAGRAMS, datagrams);
        delivery.end();
    }

    /** Only this datagram is lost. */
    private void fail(Throwable t, Frame frame) {
        noteFailure(t);
        followed.count();
        followed.forget();
        if (owing != null) {
            owing.drop(Counter.RX_AGENT_FAILED, frame.buffer(), frame.offset(), frame.length(), clock.epochMillis());
        }
    }

    private void noteFailure(Throwable t) {
        failure = failure == null ? t : failure;
    }

    /** What can be said before the VTEP is known: rows 1 to 3 of the receive rules. */
    private void receive(Frame frame) {
        UnsafeBuffer buffer = frame.buffer();
        int header = frame.offset();
        if (frame.length() < VxlanHeader.LENGTH) {
            drop(Counter.PKT_TOO_SMALL, frame, null, counters);
            return;
        }
        long word = VxlanHeader.word(buffer, header);
        if (!VxlanHeader.hasVni(word)) {
            drop(Counter.VXLAN_INVALID_HDR, frame, null, counters);
            return;
        }
        Ingress ingress = routes.get(VxlanHeader.vni(word));
        if (ingress == null) {
            drop(Counter.VXLAN_VNI_NOT_FOUND, frame, null, counters);
            return;
        }
        ingress.begin(turn);
        Vtep vtep = ingress.vtep();
        followed.lead(ingress, word);
        ingress.counters().increment(Counter.RX_FRAMES);
        owing = ingress.counters();
        Counter reason = refusal(ingress, word, frame);
        if (reason != null) {
            drop(reason, frame, vtep, ingress.counters());
            return;
        }
        if (capture.active()) {
            captureDatagram(Counter.RX_DELIVERED, frame, vtep);
            followed.forget();
        } else if (ingress.gate().counted()) {
            followed.forget();
        }
        applyEcn(buffer);
        ingress.counters().add(Counter.RX_BYTES, frame.length() - VxlanHeader.LENGTH);
        owing = null;
        delivery.deliver(
                ingress,
                frame.move(header + VxlanHeader.LENGTH, frame.length() - VxlanHeader.LENGTH),
                layout,
                MarkBridge.towardsHost(ingress.enforcement(), word));
    }

    /** Whether the frame may come from its outer source; asked once for the datagrams of a message. */
    private boolean isFromPeer(Ingress ingress, Frame frame) {
        if (knowing != ingress && ingress.vtep().fdb().knows(frame.sourceHigh(), frame.sourceLow())) {
            knowing = ingress;
        }
        return knowing == ingress;
    }

    /** The peers, rows 4 to 11 of the receive rules, and policies; null if the frame is to be delivered. */
    private Counter refusal(Ingress ingress, long word, Frame frame) {
        Vtep vtep = ingress.vtep();
        VtepConfig config = ingress.config();
        if (config.forwarding().knownPeers() && !isFromPeer(ingress, frame)) {
            return Counter.UNDERLAY_UNKNOWN;
        }
        UnsafeBuffer buffer = frame.buffer();
        long reserved = config.encapsulation().gbp() ? VxlanHeader.RESERVED_GBP : VxlanHeader.RESERVED_PLAIN;
        if (!VxlanHeader.isReservedClear(word, reserved)) {
            return Counter.VXLAN_INVALID_HDR;
        }
        int inner = frame.offset() + VxlanHeader.LENGTH;
        int length = frame.length() - VxlanHeader.LENGTH;
        if (length < EthernetHeader.LENGTH) {
            return Counter.PKT_TOO_SMALL;
        }
        long source = EthernetHeader.source(buffer, inner);
        if (source == vtep.mac()) {
            return Counter.LOCAL_MAC;
        }
        if (config.forwarding().learning()) {
            Counter reason = learn(ingress, source, frame);
            if (reason != null) {
                return reason;
            }
        }
        layout.parse(buffer, inner, length);
        if (!layout.networkComplete()) {
            return Counter.IP_HDR_TRUNC;
        }
        ecnAction = layout.isIpv4() || layout.isIpv6()
                ? EcnTunnel.decapsulate(frame.outerTos(), layout.tos())
                : EcnTunnel.KEEP;
        return ecnAction == EcnTunnel.DROP
                ? Counter.IP_TUNNEL_ECN
                : ingress.gate().judge(frame, layout, word, clock);
    }

    private void applyEcn(UnsafeBuffer buffer) {
        if (layout.isIpv4()) {
            EcnTunnel.applyIpv4(ecnAction, buffer, layout.networkOffset());
        } else if (layout.isIpv6()) {
            EcnTunnel.applyIpv6(ecnAction, buffer, layout.networkOffset());
        }
    }

    private Counter learn(Ingress ingress, long source, Frame frame) {
        if (!MacAddress.isValidSource(source)) {
            return Counter.MAC_INVALID_SOURCE;
        }
        FdbTable.Learned learned =
                ingress.vtep().fdb().learn(source, frame.sourceHigh(), frame.sourceLow(), clock.seconds());
        switch (learned) {
            case LEARNED -> ingress.counters().increment(Counter.LEARNED);
            case FULL -> {
                ingress.counters().increment(Counter.LEARNED_LIMIT);
                followed.forget();
            }
            case KNOWN, STATIC_ELSEWHERE -> {}
        }
        return learned == FdbTable.Learned.STATIC_ELSEWHERE ? Counter.VXLAN_ENTRY_EXISTS : null;
    }

    private void drop(Counter reason, Frame frame, Vtep vtep, Counters counters) {
        followed.forget();
        if (capture.active()) {
            captureDatagram(reason, frame, vtep);
        }
        counters.drop(reason, frame.buffer(), frame.offset(), frame.length(), clock.epochMillis());
    }

    private void captureDatagram(Counter verdict, Frame frame, Vtep vtep) {
        sighting.of(vtep == null ? null : vtep.name(), false)
                .source(frame.sourceHigh(), frame.sourceLow(), frame.sourcePort())
                .destination(underlay.localHigh(), underlay.localLow(), underlay.port())
                .tos(frame.outerTos());
        capture.datagram(sighting, verdict, frame.buffer(), frame.offset(), frame.length());
    }
}
