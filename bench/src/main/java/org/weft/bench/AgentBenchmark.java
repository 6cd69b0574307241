package org.weft.bench;

import java.util.ArrayList;
import java.util.List;
import org.agrona.collections.Int2ObjectHashMap;
import org.agrona.concurrent.UnsafeBuffer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.weft.dataplane.agent.AgentContext;
import org.weft.dataplane.agent.Decapsulator;
import org.weft.dataplane.agent.Encapsulator;
import org.weft.dataplane.agent.FrameRing;
import org.weft.dataplane.agent.Ingress;
import org.weft.dataplane.agent.TapReader;
import org.weft.dataplane.agent.TapWriter;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.policy.FlowTable;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.policy.PolicyTable;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.FrameLayout;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.VirtioNetHeader;
import org.weft.encap.VxlanHeader;
import org.weft.encap.offload.Segmenter;
import org.weft.testing.Frames;
import org.weft.testing.MemorySender;
import org.weft.testing.MemoryTap;
import org.weft.testing.MemoryUnderlay;

/**
 * What does a packet cost in Java, from the read to the write, both stages of a direction on one thread? Devices are in
 * memory: no system call, but the copy of the frame into its slot is in the time.
 */
@State(Scope.Thread)
public class AgentBenchmark {
    /** Frames that one duty cycle of the agents moves. */
    private static final int ENCAP_BATCH = 32;

    private static final int DECAP_BATCH = 16;
    private static final int SEGMENTS = 45;
    private static final int HEADER_LENGTH = 54;
    private static final int FRAMES_PER_SLOT = 130;

    private static final int SLOTS = 4 * ENCAP_BATCH;
    private static final int ENTRIES = 1000;
    private static final int POLICIES = 10_000;
    private static final int FLOWS = 262_144;
    private static final IpAddress REMOTE = IpAddress.parse("10.0.32.14");
    private static final IpAddress LOCAL = IpAddress.parse("10.0.16.16");

    /** Length of the inner frame in bytes. */
    @Param({"64", "1424"})
    int frame;

    /** Whether policies are enforced: {@link #POLICIES} of them, of which one lets the packets in. */
    @Param({"OFF", "ENFORCE"})
    Mode policy;

    private Vtep sender;
    private Vtep receiver;
    private TapReader reader;
    private Encapsulator encapsulator;
    private Decapsulator decapsulator;
    private TapWriter writer;
    private Decapsulator flowDecapsulator;
    private TapWriter flowWriter;

    @Setup
    public void egress() {
        UnsafeBuffer packet = new UnsafeBuffer(new byte[frame]);
        Packets.putIpv4(packet, 0, frame);
        sender = new Vtep(Frames.silkVtep(Packets.SOURCE_MAC, LOCAL));
        for (int i = 0; i < ENTRIES; i++) {
            sender.fdb().add(Packets.DESTINATION_MAC + i, new Remote(REMOTE), true, 0);
            sender.tags().add(new IpPrefix(IpAddress.ofIpv4(Packets.SOURCE + i), 32), 1 + i);
        }
        sender.enforcement(enforcement());
        MemoryTap tap = new MemoryTap();
        tap.endless(packet.byteArray());
        FrameSlab slab = new FrameSlab(SLOTS);
        FrameRing ring = new FrameRing(SLOTS, 1);
        Counters counters = sender.counters();
        reader = new TapReader(tap, slab, ring, counters);
        encapsulator = new Encapsulator(
                sender, tap, slab, ring, new MemorySender(true), new AgentContext(counters, new Capture()));
    }

    @Setup
    public void ingress() {
        UnsafeBuffer datagram = new UnsafeBuffer(new byte[VxlanHeader.LENGTH + frame]);
        VxlanHeader.put(datagram, 0, 1, 1);
        Packets.putIpv4(datagram, VxlanHeader.LENGTH, frame);
        receiver = new Vtep(Frames.silkVtep(Packets.DESTINATION_MAC, REMOTE));
        receiver.enforcement(enforcement());
        MemoryUnderlay underlay = new MemoryUnderlay();
        underlay.endless(datagram.byteArray(), LOCAL);
        FrameSlab slab = new FrameSlab(SLOTS);
        FrameRing ring = new FrameRing(SLOTS, FRAMES_PER_SLOT);
        decapsulator = decapsulator(underlay, slab, ring);
        writer = writer(slab, ring);
    }

    /** Segments of one TCP connection, as many in one message (UDP_GRO) as it takes. */
    @Setup
    public void ingressOfAFlow() {
        int payload = frame - HEADER_LENGTH;
        UnsafeBuffer superFrame = new UnsafeBuffer(new byte[HEADER_LENGTH + SEGMENTS * payload]);
        Packets.putIpv4(superFrame, 0, superFrame.capacity());
        FrameLayout layout = new FrameLayout();
        layout.parse(superFrame, 0, superFrame.capacity());
        Segmenter segmenter = new Segmenter();
        segmenter.begin(superFrame, 0, superFrame.capacity(), layout, VirtioNetHeader.GSO_TCPV4, payload);
        UnsafeBuffer message = new UnsafeBuffer(new byte[SEGMENTS * (VxlanHeader.LENGTH + frame)]);
        for (int i = 0; i < SEGMENTS; i++) {
            int at = i * (VxlanHeader.LENGTH + frame);
            VxlanHeader.put(message, at, 1, 1);
            segmenter.writeHeaders(i, 1, 0, message, at + VxlanHeader.LENGTH, 0);
            message.putBytes(at + VxlanHeader.LENGTH + HEADER_LENGTH, superFrame, segmenter.payloadOffset(i), payload);
        }
        MemoryUnderlay underlay = new MemoryUnderlay();
        underlay.endlessMerged(message.byteArray(), VxlanHeader.LENGTH + frame, LOCAL);
        FrameSlab slab = new FrameSlab(SLOTS);
        FrameRing ring = new FrameRing(SLOTS, FRAMES_PER_SLOT);
        flowDecapsulator = decapsulator(underlay, slab, ring);
        flowWriter = writer(slab, ring);
    }

    private Enforcement enforcement() {
        List<Policy> policies = new ArrayList<>();
        for (int i = 0; i < POLICIES; i++) {
            IpAddress to = IpAddress.ofIpv4(Packets.DESTINATION + i % 250);
            policies.add(new Policy(1 + i / 250, to, Protocol.TCP, Packets.DESTINATION_PORT, Packets.DESTINATION_PORT));
        }
        return new Enforcement(
                policy,
                Refusal.REJECT,
                Spoofing.OFF,
                24,
                new PolicyTable(policies),
                new FlowTable(FLOWS, FlowTable.Timeouts.DEFAULT),
                VerdictSink.NONE);
    }

    private Decapsulator decapsulator(MemoryUnderlay underlay, FrameSlab slab, FrameRing ring) {
        Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
        routes.put(1, new Ingress(receiver, ring, receiver.counters(), null));
        Decapsulator made =
                new Decapsulator("10.0.32.14:4789", underlay, slab, new AgentContext(new Counters(), new Capture()));
        made.routes(routes);
        return made;
    }

    private TapWriter writer(FrameSlab slab, FrameRing ring) {
        MemoryTap tap = new MemoryTap();
        tap.endless(new byte[0]);
        return new TapWriter(receiver, tap, slab, ring, new AgentContext(receiver.counters(), new Capture()));
    }

    /** No packet may have ended as a drop: that would be another question. */
    @TearDown
    public void nothingWasDropped() {
        for (Counter reason : Counter.drops()) {
            if (sender.counters().get(reason) + receiver.counters().get(reason) != 0) {
                throw new IllegalStateException("packets ended in " + reason);
            }
        }
    }

    @Benchmark
    @OperationsPerInvocation(ENCAP_BATCH)
    public int encap() {
        return whole(ENCAP_BATCH, reader.doWork() & encapsulator.doWork());
    }

    @Benchmark
    @OperationsPerInvocation(DECAP_BATCH)
    public int decap() {
        int frames = whole(DECAP_BATCH, decapsulator.doWork());
        return frames + writer.doWork();
    }

    /** Every message becomes one super-frame. */
    @Benchmark
    @OperationsPerInvocation(DECAP_BATCH * SEGMENTS)
    public int decapFlow() {
        whole(DECAP_BATCH, flowDecapsulator.doWork());
        return whole(DECAP_BATCH, flowWriter.doWork());
    }

    /** The time of an operation is that of a frame only if a cycle moves a whole batch. */
    private static int whole(int batch, int frames) {
        if (frames != batch) {
            throw new IllegalStateException("a duty cycle moved " + frames + " frames, not " + batch);
        }
        return frames;
    }
}
