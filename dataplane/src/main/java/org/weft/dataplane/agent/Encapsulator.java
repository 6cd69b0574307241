package org.weft.dataplane.agent;

import org.agrona.concurrent.Agent;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.TapDevice;
import org.weft.dataplane.io.UnderlaySender;
import org.weft.dataplane.table.FdbLookup;
import org.weft.dataplane.table.FdbTable;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.table.TagTable;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.EcnTunnel;
import org.weft.encap.EthernetHeader;
import org.weft.encap.FlowHash;
import org.weft.encap.FrameLayout;
import org.weft.encap.InternetChecksum;
import org.weft.encap.VirtioNetHeader;
import org.weft.encap.VxlanHeader;

/**
 * Second stage of egress: decides where a frame goes, writes the VXLAN header in front of it, and sends it
 * (kernel: vxlan_xmit, vxlan_xmit_one).
 */
public final class Encapsulator implements Agent {
    /** More datagrams of one duty cycle than this are sent in parts. */
    private static final int MAX_DATAGRAMS = 256;

    private final Vtep vtep;
    private final FrameSlab slab;
    private final FrameRing ring;
    private final UnderlaySender sender;
    private final NeighbourResponder neighbours;
    private final Counters counters;
    private final Capture capture;
    private final UnderlaySender.FailureHandler onFailure = this::onSendFailure;
    private final FrameLayout layout = new FrameLayout();
    private final FdbLookup found = new FdbLookup();
    private final Frame frame = new Frame();
    private final int[] slots = new int[TapReader.BATCH];

    /** The datagrams added since the last flush; the index is the sender's tag. */
    private final Outbound[] datagrams = new Outbound[MAX_DATAGRAMS];

    private final int capacity;
    private int datagramCount;
    private VtepConfig config;

    /** One datagram on its way to the underlay. */
    private static final class Outbound {
        int offset;
        int length;
        /** Whether it is the first copy of its frame. */
        boolean first;

        long remoteHigh;
        long remoteLow;
        int port;
        int flowHash;
        int tos;
        Counter verdict;
    }

    public Encapsulator(
            Vtep vtep, TapDevice tap, FrameSlab slab, FrameRing ring, UnderlaySender sender, Capture capture) {
        this.vtep = vtep;
        this.slab = slab;
        this.ring = ring;
        this.sender = sender;
        this.neighbours = new NeighbourResponder(vtep, tap);
        this.counters = vtep.counters();
        this.capture = capture;
        this.capacity = Math.min(MAX_DATAGRAMS, sender.capacity());
        for (int i = 0; i < datagrams.length; i++) {
            datagrams[i] = new Outbound();
        }
    }

    @Override
    public String roleName() {
        return "encapsulator-" + vtep.name();
    }

    @Override
    public int doWork() {
        int frames = ring.take(slots);
        if (frames == 0) {
            return 0;
        }
        config = vtep.config();
        for (int i = 0; i < frames; i++) {
            encapsulate(frame.wrap(slab, slots[i]));
        }
        flush();
        for (int i = 0; i < frames; i++) {
            ring.giveBack(slots[i]);
        }
        return frames;
    }

    private void encapsulate(Frame frame) {
        UnsafeBuffer buffer = frame.buffer();
        int offset = frame.offset();
        int length = frame.length();
        if (length < EthernetHeader.LENGTH || !completeChecksum(frame, buffer, offset, length)) {
            drop(Counter.TX_HDR_TRUNC, frame);
            return;
        }
        layout.parse(buffer, offset, length);
        if (!layout.networkComplete()) {
            // Kernel: skb_vlan_inet_prepare.
            drop(Counter.TX_HDR_TRUNC, frame);
            return;
        }
        if (config.proxy()) {
            Counter verdict = neighbours.respond(frame);
            if (verdict != null) {
                consume(verdict, frame);
                return;
            }
        }
        long destination = EthernetHeader.destination(buffer, offset);
        if (!vtep.fdb().lookup(destination, found) && !vtep.fdb().lookup(FdbTable.DEFAULT_MAC, found)) {
            drop(Counter.VXLAN_NO_REMOTE, frame);
            return;
        }
        forward(buffer, offset, length);
    }

    /** The TAP hands over frames whose checksum the device is to fill in; this device is us. */
    private static boolean completeChecksum(Frame frame, UnsafeBuffer buffer, int offset, int length) {
        return (frame.vnetFlags() & VirtioNetHeader.FLAG_NEEDS_CHECKSUM) == 0
                || InternetChecksum.complete(buffer, offset, length, frame.checksumStart(), frame.checksumOffset());
    }

    private void forward(UnsafeBuffer buffer, int offset, int length) {
        int tag = config.gbp() ? vtep.tags().lookup(layout.sourceHigh(), layout.sourceLow()) : TagTable.UNTAGGED;
        int innerTos = layout.tos();
        int tos = EcnTunnel.encapsulate(config.tos() == VtepConfig.TOS_INHERIT ? innerTos : config.tos(), innerTos);
        int ttl = config.ttl() == VtepConfig.TTL_INHERIT ? layout.ttl() : config.ttl();
        boolean dontFragment =
                switch (config.df()) {
                    case UNSET -> false;
                    case SET -> true;
                    case INHERIT -> layout.isIpv6() || layout.dontFragment();
                };
        int flowHash = FlowHash.of(buffer, layout);
        int header = offset - VxlanHeader.LENGTH;
        int headerVni = Remote.SAME_VNI - 1;
        for (int i = 0; i < found.count(); i++) {
            if (datagramCount == capacity) {
                flush();
            }
            if (found.vni(i) != headerVni) {
                // The datagrams of one frame share its header; one with another VNI must leave before it is rewritten.
                if (i > 0) {
                    flush();
                }
                headerVni = found.vni(i);
                int vni = headerVni == Remote.SAME_VNI ? config.vni() : headerVni;
                VxlanHeader.put(buffer, header, vni, tag);
            }
            Outbound datagram = datagrams[datagramCount];
            datagram.offset = header;
            datagram.length = length + VxlanHeader.LENGTH;
            datagram.first = i == 0;
            datagram.remoteHigh = found.high(i);
            datagram.remoteLow = found.low(i);
            datagram.port = found.port(i) == 0 ? config.port() : found.port(i);
            datagram.flowHash = flowHash;
            datagram.tos = tos;
            datagram.verdict = Counter.TX_SENT;
            sender.add(
                    buffer.addressOffset() + header,
                    datagram.length,
                    datagram.remoteHigh,
                    datagram.remoteLow,
                    datagram.port,
                    flowHash,
                    tos,
                    ttl,
                    dontFragment,
                    datagramCount++);
        }
        if (found.count() > 1) {
            counters.add(Counter.TX_REPLICATED, found.count() - 1);
        }
    }

    private void flush() {
        if (datagramCount == 0) {
            return;
        }
        int sent = sender.flush(onFailure);
        counters.add(Counter.TX_SENT, sent);
        if (capture.active()) {
            captureDatagrams();
        }
        datagramCount = 0;
    }

    private void onSendFailure(int tag, int errno) {
        Outbound datagram = datagrams[tag];
        datagram.verdict = SendFailure.reason(errno);
        counters.drop(datagram.verdict, slab.buffer(), datagram.offset, datagram.length);
    }

    private void captureDatagrams() {
        UnsafeBuffer buffer = slab.buffer();
        for (int i = 0; i < datagramCount; i++) {
            Outbound datagram = datagrams[i];
            if (datagram.first) {
                capture.frame(
                        vtep.name(),
                        true,
                        datagram.verdict,
                        buffer,
                        datagram.offset + VxlanHeader.LENGTH,
                        datagram.length - VxlanHeader.LENGTH);
            }
            capture.datagram(
                    vtep.name(),
                    true,
                    datagram.verdict,
                    config.local().high(),
                    config.local().low(),
                    sender.sourcePort(datagram.flowHash),
                    datagram.remoteHigh,
                    datagram.remoteLow,
                    datagram.port,
                    datagram.tos,
                    buffer,
                    datagram.offset,
                    datagram.length);
        }
    }

    private void consume(Counter verdict, Frame frame) {
        if (verdict.isDrop()) {
            drop(verdict, frame);
        } else {
            counters.increment(verdict);
            captureFrame(verdict, frame);
        }
    }

    private void drop(Counter reason, Frame frame) {
        counters.drop(reason, frame.buffer(), frame.offset(), frame.length());
        captureFrame(reason, frame);
    }

    private void captureFrame(Counter verdict, Frame frame) {
        if (capture.active()) {
            capture.frame(vtep.name(), true, verdict, frame.buffer(), frame.offset(), frame.length());
        }
    }
}
