package org.weft.dataplane.agent;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.weft.testing.Frames.DESTINATION_HOST;
import static org.weft.testing.Frames.DESTINATION_MAC;
import static org.weft.testing.Frames.SOURCE_HOST;
import static org.weft.testing.Frames.SOURCE_MAC;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.agrona.collections.Int2ObjectHashMap;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.weft.config.VtepAttributes;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.policy.FlowTable;
import org.weft.dataplane.policy.FlowTable.Timeouts;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.policy.PolicyTable;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.EthernetHeader;
import org.weft.encap.FlowKey;
import org.weft.encap.FrameLayout;
import org.weft.encap.IpAddress;
import org.weft.encap.Ipv4Header;
import org.weft.encap.TcpHeader;
import org.weft.encap.VxlanHeader;
import org.weft.testing.Allocations;
import org.weft.testing.Frames;
import org.weft.testing.IpPackets;
import org.weft.testing.MemorySender;
import org.weft.testing.MemoryTap;
import org.weft.testing.MemoryUnderlay;
import org.weft.testing.Variation;

/** Judging leaves no garbage, with thousands of policies and a hundred thousand flows, whatever comes of a packet. */
class PolicyAllocationTest {
    private static final String NEAR = "10.255.132.2";
    private static final String FAR = "10.255.99.3";
    private static final int TAG = 7;
    private static final int OPEN = 7777;
    private static final int FORBIDDEN = 7776;

    private static final int POLICIES = 10_000;
    private static final int FLOWS = 100_000;

    /** So large that hardly a bucket of the table has no place for one of those. */
    private static final int ROOM = 1 << 20;

    /** Of the smallest table. */
    private static final int WAYS = 8;

    /** Frames in one measurement. */
    private static final int CYCLES = 50_000;

    private static final int SOURCE_PORT_OFFSET = EthernetHeader.LENGTH + Ipv4Header.LENGTH;
    private static final int SOURCE_OFFSET = EthernetHeader.LENGTH + 12;
    private static final int DESTINATION_OFFSET = EthernetHeader.LENGTH + 16;

    private final MemoryTap tap = new MemoryTap();
    private final MemoryUnderlay underlay = new MemoryUnderlay();
    private final Vtep vtep = new Vtep(Frames.silkVtep(DESTINATION_MAC, DESTINATION_HOST));
    private final Counters counters = vtep.counters();
    private final Capture capture = new Capture();
    private final FlowTable flows = new FlowTable(ROOM, Timeouts.DEFAULT);
    private final IpPackets arriving = new IpPackets(DESTINATION_MAC, SOURCE_MAC);
    private final IpPackets leaving = new IpPackets(SOURCE_MAC, DESTINATION_MAC);
    private final Agent[] ingress = ingress();
    private final Agent[] egress = egress();

    PolicyAllocationTest() {
        vtep.config(VtepAttributes.change(vtep.config(), Map.of("known-peers", "true"), (local, dev) -> 0, text -> {}));
        vtep.fdb().add(SOURCE_MAC, new Remote(SOURCE_HOST), true, 0);
        vtep.neighbours().replace(IpAddress.parse("10.255.99.0"), SOURCE_MAC);
        enforce(Refusal.DROP, flows);
    }

    private Agent[] ingress() {
        FrameSlab slab = new FrameSlab(64);
        FrameRing ring = new FrameRing(64, 130);
        RefusalSender refusals = new RefusalSender(vtep, new MemorySender(true), new AgentContext(counters, capture));
        Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
        routes.put(1, new Ingress(vtep, ring, counters, refusals));
        Decapsulator decapsulator =
                new Decapsulator("memory", underlay, slab, new AgentContext(new Counters(), capture));
        decapsulator.routes(routes);
        return new Agent[] {decapsulator, new TapWriter(vtep, tap, slab, ring, new AgentContext(counters, capture))};
    }

    private Agent[] egress() {
        FrameSlab slab = new FrameSlab(64);
        FrameRing ring = new FrameRing(64, 1);
        MemorySender sender = new MemorySender(true);
        return new Agent[] {
            new TapReader(tap, slab, ring, counters),
            new Encapsulator(vtep, tap, slab, ring, sender, new AgentContext(counters, capture))
        };
    }

    /** One policy lets these packets in, if they are for its port. */
    private void enforce(Refusal refusal, FlowTable table) {
        List<Policy> policies = IntStream.range(0, POLICIES)
                .mapToObj(i -> new Policy(
                        TAG + i % 100,
                        IpAddress.ofIpv4((int) IpAddress.parse(NEAR).low() + i / 100),
                        Protocol.TCP,
                        OPEN,
                        OPEN))
                .toList();
        vtep.enforcement(new Enforcement(
                Mode.ENFORCE, refusal, Spoofing.DROP, 24, new PolicyTable(policies), table, VerdictSink.NONE));
    }

    /** From now on these packets arrive, each from another port and address of the sender's host. */
    private void arrive(int flags, int port, int flows) {
        byte[] frame = arriving.tcp(FAR, 1, NEAR, port, flags);
        byte[] datagram = new byte[VxlanHeader.LENGTH + frame.length];
        VxlanHeader.put(new UnsafeBuffer(datagram), 0, 1, TAG);
        System.arraycopy(frame, 0, datagram, VxlanHeader.LENGTH, frame.length);
        underlay.endless(datagram, SOURCE_HOST, others(SOURCE_PORT_OFFSET, SOURCE_OFFSET, flows));
        tap.endless(new byte[0]);
    }

    /** From now on these packets leave, each for another port and address of the other host. */
    private void leave(int flags, int port, int flows) {
        tap.endless(
                leaving.tcp(NEAR, port, FAR, 1, flags),
                others(SOURCE_PORT_OFFSET + Short.BYTES, DESTINATION_OFFSET, flows));
    }

    private static Variation others(int port, int address, int flows) {
        return (buffer, frame, number) -> {
            int flow = number % flows;
            buffer.putShort(frame + port, (short) (1 + flow), BIG_ENDIAN);
            buffer.putByte(frame + address + 3, (byte) (flow >>> 16));
        };
    }

    private static void run(Agent[] line, int frames) {
        try {
            for (int moved = 0; moved < frames; ) {
                moved += line[0].doWork();
                line[1].doWork();
            }
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /** So many are let in, answered, and go on. */
    private void establish(int count) {
        arrive(TcpHeader.SYN, OPEN, count);
        run(ingress, count);
        leave(TcpHeader.SYN | TcpHeader.ACK, OPEN, count);
        run(egress, count);
        arrive(TcpHeader.ACK, OPEN, count);
        run(ingress, count);
    }

    @BeforeEach
    void thereAreManyFlows() {
        establish(FLOWS);
        assertTrue(FLOWS - known() < FLOWS / 1000, known() + " flows");
    }

    private int known() {
        return flows.size((int) Vtep.clockSeconds());
    }

    private void assertNoGarbage(Agent[] line, Counter counted) {
        long before = counters.get(counted);
        run(line, CYCLES);
        assertEquals(0, Allocations.during(1, () -> run(line, CYCLES)));
        assertTrue(counters.get(counted) - before >= 2 * CYCLES, counted + " has to be what was measured");
    }

    @Test
    void packetsOfEstablishedFlowsArrive() {
        arrive(TcpHeader.ACK, OPEN, FLOWS);
        assertNoGarbage(ingress, Counter.RX_DELIVERED);
        assertTrue(known() <= FLOWS);
    }

    @Test
    void packetsOfEstablishedFlowsLeave() {
        leave(TcpHeader.ACK, OPEN, FLOWS);
        assertNoGarbage(egress, Counter.TX_SENT);
        assertTrue(known() <= FLOWS);
    }

    @Test
    void newFlowsAreLetIn() {
        arrive(TcpHeader.SYN, OPEN, Integer.MAX_VALUE);
        assertNoGarbage(ingress, Counter.RX_DELIVERED);
        assertTrue(known() > FLOWS + CYCLES);
    }

    @Test
    void newFlowsLeave() {
        leave(TcpHeader.SYN, FORBIDDEN, Integer.MAX_VALUE);
        assertNoGarbage(egress, Counter.TX_SENT);
        assertTrue(known() > FLOWS + CYCLES);
    }

    @Test
    void flowsWithoutRoomAreLetInAndLeave() {
        FlowTable full = new FlowTable(WAYS, Timeouts.DEFAULT);
        for (int container = 10; container < 10 + WAYS; container++) {
            hold(full, "10.255.132." + container);
        }
        enforce(Refusal.DROP, full);
        arrive(TcpHeader.SYN, OPEN, Integer.MAX_VALUE);
        assertNoGarbage(ingress, Counter.RX_UNTRACKED);
        leave(TcpHeader.SYN, FORBIDDEN, Integer.MAX_VALUE);
        assertNoGarbage(egress, Counter.TX_UNTRACKED);
    }

    /** A flow that goes both ways and on, of an address that has no other. */
    private void hold(FlowTable table, String near) {
        int now = (int) Vtep.clockSeconds();
        table.admit(key(arriving.tcp(FAR, 1, near, OPEN, TcpHeader.SYN)), now);
        table.depart(key(leaving.tcp(near, OPEN, FAR, 1, TcpHeader.SYN | TcpHeader.ACK)), now);
        table.arrive(key(arriving.tcp(FAR, 1, near, OPEN, TcpHeader.ACK)), now);
    }

    private static FlowKey key(byte[] frame) {
        UnsafeBuffer buffer = new UnsafeBuffer(frame);
        FrameLayout layout = new FrameLayout();
        layout.parse(buffer, 0, frame.length);
        FlowKey key = new FlowKey();
        key.read(buffer, layout);
        return key;
    }

    @Test
    void flowsTakeThePlaceOfOthersOfAnAddressWithTooMany() {
        enforce(Refusal.DROP, new FlowTable(WAYS, Timeouts.DEFAULT));
        establish(WAYS);
        arrive(TcpHeader.SYN, OPEN, Integer.MAX_VALUE);
        assertNoGarbage(ingress, Counter.RX_DELIVERED);
        leave(TcpHeader.SYN, FORBIDDEN, Integer.MAX_VALUE);
        assertNoGarbage(egress, Counter.TX_SENT);
        assertEquals(0, counters.get(Counter.RX_UNTRACKED) + counters.get(Counter.TX_UNTRACKED));
    }

    @Test
    void datagramsOfUnknownPeersAreDropped() {
        arrive(TcpHeader.ACK, OPEN, FLOWS);
        vtep.fdb().flush(false);
        assertNoGarbage(ingress, Counter.UNDERLAY_UNKNOWN);
    }

    @ParameterizedTest
    @EnumSource(Refusal.class)
    void packetsAreRefused(Refusal refusal) {
        enforce(refusal, flows);
        arrive(TcpHeader.SYN, FORBIDDEN, Integer.MAX_VALUE);
        assertNoGarbage(ingress, Counter.POLICY_DENIED);
        assertEquals(refusal == Refusal.REJECT, counters.get(Counter.TX_REFUSALS) > 0);
    }
}
