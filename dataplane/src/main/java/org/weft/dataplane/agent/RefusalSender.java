package org.weft.dataplane.agent;

import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.Closing;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.Outer;
import org.weft.dataplane.io.UnderlaySender;
import org.weft.dataplane.table.FdbLookup;
import org.weft.dataplane.table.TagTable;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepConfig.Encapsulation;
import org.weft.encap.EcnTunnel;
import org.weft.encap.EthernetHeader;
import org.weft.encap.FlowHash;
import org.weft.encap.FrameLayout;
import org.weft.encap.IcmpUnreachable;
import org.weft.encap.IpPrefix;

/**
 * Tells senders that their packets were refused: an ICMP message from the host's overlay address, untagged, as netfilter's
 * REJECT sends it. At most so many in a second as the kernel's icmp_msgs_per_sec lets through. One thread calls it.
 */
public final class RefusalSender implements AutoCloseable {
    private static final long NANOS_PER_MESSAGE = TimeUnit.SECONDS.toNanos(1) / 1000;
    private static final long BURST_NANOS = 50 * NANOS_PER_MESSAGE;

    private final Vtep vtep;
    private final UnderlaySender sender;
    private final Counters counters;
    private final FrameSlab slab = new FrameSlab(1);
    private final Frame answer = new Frame().wrap(slab, slab.claim());
    private final OutboundBatch batch;
    private final IcmpUnreachable message = new IcmpUnreachable();
    private final FrameLayout layout = new FrameLayout();
    private final Outer outer = new Outer();
    private final FdbLookup remote = new FdbLookup();

    /** What was sent counts against time up to here; set by the first message. */
    private long spentNanos;

    private boolean begun;

    /**
     * A sender of its own, for it works on the receiving side.
     *
     * @param sender owned from now on
     */
    public RefusalSender(Vtep vtep, UnderlaySender sender, AgentContext context) {
        this.vtep = vtep;
        this.sender = sender;
        this.counters = context.counters();
        this.batch = new OutboundBatch(vtep, slab, sender, context);
    }

    /**
     * Answers a refused frame, if it may.
     *
     * @param config in force for the frame
     * @param refused the refused datagram from its VXLAN header on
     * @param refusedLayout of the inner frame: a whole IP packet or its first fragment
     * @param clock of the turn that refuses it
     */
    void send(VtepConfig config, Frame refused, FrameLayout refusedLayout, TurnClock clock) {
        long now = clock.nanos();
        if (!begun) {
            begun = true;
            spentNanos = now - BURST_NANOS;
        }
        if (now - spentNanos < NANOS_PER_MESSAGE
                || !isAnswerable(refusedLayout)
                || !vtep.fdb().lookup(EthernetHeader.source(refused.buffer(), refusedLayout.offset()), remote)) {
            return;
        }
        IpPrefix source = source(config, refusedLayout.isIpv4());
        spentNanos = Math.max(spentNanos, now - BURST_NANOS) + NANOS_PER_MESSAGE;
        UnsafeBuffer buffer = answer.buffer();
        int length = message.put(
                refused.buffer(),
                refusedLayout,
                refused.offset() + refused.length(),
                buffer,
                answer.start(),
                vtep.mac(),
                source == null
                        ? refusedLayout.destinationHigh()
                        : source.address().high(),
                source == null
                        ? refusedLayout.destinationLow()
                        : source.address().low());
        answer.move(answer.start(), length);
        layout.parse(buffer, answer.offset(), length);
        int tos = layout.tos();
        counters.increment(Counter.TX_REFUSALS);
        boolean added = false;
        try {
            add(config, tos, clock);
            added = true;
        } finally {
            if (!added) {
                counters.increment(Counter.TX_AGENT_FAILED);
            }
            batch.flush();
        }
    }

    private void add(VtepConfig config, int tos, TurnClock clock) {
        Encapsulation rules = config.encapsulation();
        batch.begin(config, clock);
        outer.flowHash(FlowHash.of(answer.buffer(), layout))
                .tos(EcnTunnel.encapsulate(rules.tos() == VtepConfig.TOS_INHERIT ? tos : rules.tos(), tos))
                .ttl(rules.ttl() == VtepConfig.TTL_INHERIT ? layout.ttl() : rules.ttl())
                .dontFragment(rules.df() == VtepConfig.Df.SET);
        batch.outer(outer, TagTable.UNTAGGED);
        batch.add(answer, remote);
    }

    /** Not to what is no host's address (RFC 1122 section 3.2.2). */
    private static boolean isAnswerable(FrameLayout layout) {
        if (layout.isIpv4()) {
            int source = (int) layout.sourceLow();
            return source != 0 && source >>> 28 < 0xe && source >>> 24 != 127;
        }
        return layout.sourceHigh() >>> 56 != 0xff && (layout.sourceHigh() | layout.sourceLow()) != 0;
    }

    /** The host's own, as its routes to other hosts have it; null if it has none of this family. */
    private static IpPrefix source(VtepConfig config, boolean ipv4) {
        for (int i = 0; i < config.device().addresses().size(); i++) {
            IpPrefix own = config.device().addresses().get(i);
            if (own.address().isIpv4() == ipv4) {
                return own;
            }
        }
        return null;
    }

    @Override
    public void close() {
        Closing.all(sender::close, batch::close, slab::close);
    }
}
