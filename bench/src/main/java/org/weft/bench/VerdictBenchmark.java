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
import org.weft.dataplane.agent.AgentContext;
import org.weft.dataplane.agent.Decapsulator;
import org.weft.dataplane.agent.FrameRing;
import org.weft.dataplane.agent.Ingress;
import org.weft.dataplane.agent.TapWriter;
import org.weft.dataplane.capture.Capture;
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
import org.weft.dataplane.table.TagTable;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.EthernetHeader;
import org.weft.encap.FlowKey;
import org.weft.encap.FrameLayout;
import org.weft.encap.IpAddress;
import org.weft.encap.Ipv4Header;
import org.weft.encap.TcpHeader;
import org.weft.encap.VxlanHeader;
import org.weft.testing.Frames;
import org.weft.testing.MemoryTap;
import org.weft.testing.MemoryUnderlay;

/**
 * What does a verdict add to the way in, by the number of policies, when packets are of 100,000 flows in turn? Without
 * enforcement the packets, and what they miss in the caches, are the same.
 */
@State(Scope.Thread)
public class VerdictBenchmark {
    /** What the packets are to the host. */
    public enum Packet {
        /** Not judged. */
        FREE,
        /** Of a connection that goes both ways. */
        ESTABLISHED,
        /** Let in by a policy, and not answered yet. */
        ALLOWED,
        /** Without a tag, so in no policy. */
        REFUSED
    }

    private static final int BATCH = 16;
    private static final int SLOTS = 4 * BATCH;
    private static final int FRAME_LENGTH = 64;
    private static final int FLOWS = 100_000;
    private static final int CAPACITY = 262_144;
    private static final int FIRST_DESTINATION = 0x0aff_0000;
    private static final int FIRST_PORT = 10_000;
    private static final IpAddress REMOTE = IpAddress.parse("10.0.32.14");
    private static final IpAddress LOCAL = IpAddress.parse("10.0.16.16");

    @Param
    Packet packet;

    @Param({"10", "1000", "50000"})
    int policies;

    private final Ipv4Header ipv4 = new Ipv4Header();
    private final TcpHeader tcp = new TcpHeader();
    private Decapsulator decapsulator;
    private TapWriter writer;

    @Setup
    public void ingress() {
        Vtep vtep = new Vtep(Frames.silkVtep(Packets.DESTINATION_MAC, REMOTE));
        FlowTable flows = new FlowTable(CAPACITY, FlowTable.Timeouts.DEFAULT);
        for (int i = 0; i < FLOWS && packet == Packet.ESTABLISHED; i++) {
            establish(flows, i);
        }
        vtep.enforcement(enforcement(flows));
        MemoryUnderlay underlay = new MemoryUnderlay();
        UnsafeBuffer datagram = new UnsafeBuffer(new byte[VxlanHeader.LENGTH + FRAME_LENGTH]);
        Packets.putIpv4(datagram, VxlanHeader.LENGTH, FRAME_LENGTH);
        underlay.endless(datagram.byteArray(), LOCAL, (buffer, frame, number) -> {
            int flow = Math.floorMod(number, FLOWS);
            VxlanHeader.put(
                    buffer, frame - VxlanHeader.LENGTH, 1, packet == Packet.REFUSED ? TagTable.UNTAGGED : tag(flow));
            put(buffer, frame, flow, false);
        });
        FrameSlab slab = new FrameSlab(SLOTS);
        FrameRing ring = new FrameRing(SLOTS, 1);
        decapsulator =
                new Decapsulator("10.0.32.14:4789", underlay, slab, new AgentContext(new Counters(), new Capture()));
        Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
        routes.put(1, new Ingress(vtep, ring, vtep.counters(), null));
        decapsulator.routes(routes);
        MemoryTap tap = new MemoryTap();
        tap.endless(new byte[0]);
        writer = new TapWriter(vtep, tap, slab, ring, new AgentContext(vtep.counters(), new Capture()));
    }

    private int destination(int flow) {
        return FIRST_DESTINATION + flow % policies;
    }

    private int tag(int flow) {
        return 1 + flow % policies % 0xffff;
    }

    /** Makes a frame a segment of a connection between two containers. */
    private void put(UnsafeBuffer buffer, int frame, int flow, boolean answer) {
        int network = frame + EthernetHeader.LENGTH;
        int transport = network + Ipv4Header.LENGTH;
        int port = FIRST_PORT + flow % 50_000;
        int remote = Packets.SOURCE + flow / 50_000;
        ipv4.wrap(buffer, network)
                .sourceAddress(answer ? destination(flow) : remote)
                .destinationAddress(answer ? remote : destination(flow));
        tcp.wrap(buffer, transport)
                .sourcePort(answer ? Packets.DESTINATION_PORT : port)
                .destinationPort(answer ? port : Packets.DESTINATION_PORT);
    }

    private void establish(FlowTable flows, int flow) {
        int now = (int) Vtep.clockSeconds();
        flows.admit(key(flow, false), now);
        flows.depart(key(flow, true), now);
        flows.arrive(key(flow, false), now);
    }

    private FlowKey key(int flow, boolean answer) {
        UnsafeBuffer frame = new UnsafeBuffer(new byte[FRAME_LENGTH]);
        Packets.putIpv4(frame, 0, FRAME_LENGTH);
        put(frame, 0, flow, answer);
        FrameLayout layout = new FrameLayout();
        layout.parse(frame, 0, FRAME_LENGTH);
        FlowKey key = new FlowKey();
        key.read(frame, layout);
        return key;
    }

    private Enforcement enforcement(FlowTable flows) {
        List<Policy> all = new ArrayList<>();
        for (int i = 0; i < policies; i++) {
            IpAddress to = IpAddress.ofIpv4(destination(i));
            all.add(new Policy(tag(i), to, Protocol.TCP, Packets.DESTINATION_PORT, Packets.DESTINATION_PORT + 9));
        }
        return new Enforcement(
                packet == Packet.FREE ? Mode.OFF : Mode.ENFORCE,
                Refusal.DROP,
                Spoofing.OFF,
                24,
                new PolicyTable(all),
                flows,
                VerdictSink.NONE);
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public int verdict() {
        int received = decapsulator.doWork();
        int delivered = writer.doWork();
        if (received != BATCH || (delivered == 0) != (packet == Packet.REFUSED)) {
            throw new IllegalStateException(packet + ": of " + received + " packets " + delivered + " went on");
        }
        return delivered;
    }
}
