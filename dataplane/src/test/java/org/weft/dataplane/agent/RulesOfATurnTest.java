package org.weft.dataplane.agent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.weft.encap.TcpHeader.SYN;
import static org.weft.testing.Frames.DESTINATION_HOST;
import static org.weft.testing.Frames.DESTINATION_MAC;
import static org.weft.testing.Frames.SOURCE_HOST;
import static org.weft.testing.Frames.SOURCE_MAC;

import java.util.List;
import org.agrona.collections.Int2ObjectHashMap;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.Offloads;
import org.weft.dataplane.io.TapDevice;
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
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.ArpPacket;
import org.weft.encap.EthernetHeader;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.VxlanHeader;
import org.weft.testing.Frames;
import org.weft.testing.IpPackets;
import org.weft.testing.MemorySender;
import org.weft.testing.MemoryTap;
import org.weft.testing.MemoryTap.Delivered;
import org.weft.testing.MemoryUnderlay;

/**
 * A change of the rules in the middle of a turn is in force from the next turn on, whole, in both
 * directions.
 */
class RulesOfATurnTest {
    private static final String NEAR = "10.255.132.2";
    private static final String FAR = "10.255.99.3";
    private static final int TAG = 7;

    private final MemoryTap tap = new MemoryTap();
    private final MemoryUnderlay underlay = new MemoryUnderlay();
    private final MemorySender sender = new MemorySender();
    private final Capture capture = new Capture();
    private final FlowTable flows = new FlowTable(64, FlowTable.Timeouts.DEFAULT);
    private final IpPackets arriving = new IpPackets(DESTINATION_MAC, SOURCE_MAC);
    private final Vtep vtep = new Vtep(config(false));
    private final Counters counters = vtep.counters();
    private final FrameSlab ingressSlab = new FrameSlab(64);
    private final FrameRing ingressRing = new FrameRing(64, 130);
    private final FrameSlab egressSlab = new FrameSlab(64);
    private final FrameRing egressRing = new FrameRing(64, 1);
    private final Decapsulator decapsulator =
            new Decapsulator("10.0.32.14:4789", underlay, ingressSlab, new AgentContext(new Counters(), capture));
    private final TapWriter writer =
            new TapWriter(vtep, tap, ingressSlab, ingressRing, new AgentContext(counters, capture));

    /** The change that happens in the middle of a turn. */
    private Runnable change = () -> {};

    RulesOfATurnTest() {
        Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
        routes.put(1, new Ingress(vtep, ingressRing, counters, null));
        decapsulator.routes(routes);
    }

    private static VtepConfig config(boolean knownPeers) {
        VtepConfig c = Frames.silkVtep(DESTINATION_MAC, DESTINATION_HOST);
        return c.withForwarding(c.forwarding().withKnownPeers(knownPeers));
    }

    /** Lets in TCP to one port; the change happens when the first packet was judged. */
    private Enforcement enforcement(Mode mode, int port) {
        VerdictSink sink = (key, tag, allowed) -> change.run();
        Policy policy = new Policy(TAG, IpAddress.parse(NEAR), Protocol.TCP, port, port);
        return new Enforcement(mode, Refusal.DROP, Spoofing.OFF, 24, new PolicyTable(List.of(policy)), flows, sink);
    }

    private void send(byte[] frame) {
        byte[] datagram = new byte[VxlanHeader.LENGTH + frame.length];
        VxlanHeader.put(new UnsafeBuffer(datagram), 0, 1, TAG);
        System.arraycopy(frame, 0, datagram, VxlanHeader.LENGTH, frame.length);
        underlay.peerSends(datagram, SOURCE_HOST, 0);
    }

    private List<Delivered> receiveInOneTurn(byte[]... frames) throws Exception {
        for (byte[] frame : frames) {
            send(frame);
        }
        assertEquals(frames.length, decapsulator.doWork());
        writer.doWork();
        return tap.delivered();
    }

    private byte[] syn(int sourcePort, int port) {
        return arriving.tcp(FAR, sourcePort, NEAR, port, SYN);
    }

    @Test
    void aFrameThatWeftJudgedHasNoMarkForNetfilter() throws Exception {
        vtep.enforcement(enforcement(Mode.ENFORCE, 80));
        change = () -> vtep.enforcement(enforcement(Mode.NETFILTER, 80));
        byte[] first = syn(1000, 80);
        byte[] second = syn(1001, 80);
        List<Delivered> frames = receiveInOneTurn(first, second);
        assertArrayEquals(first, frames.get(0).bytes());
        assertArrayEquals(second, frames.get(1).bytes());

        List<Delivered> marked = receiveInOneTurn(first);
        long source = EthernetHeader.source(new UnsafeBuffer(marked.get(0).bytes()), 0);
        assertEquals(MarkBridge.TOWARDS_HOST, source >>> 32);
    }

    @Test
    void oneTurnJudgesByOneSetOfPolicies() throws Exception {
        vtep.enforcement(enforcement(Mode.ENFORCE, 80));
        change = () -> vtep.enforcement(enforcement(Mode.ENFORCE, 81));
        assertEquals(2, receiveInOneTurn(syn(1000, 80), syn(1001, 80)).size());
        assertEquals(0, receiveInOneTurn(syn(1002, 80)).size());
        assertEquals(1, counters.get(Counter.POLICY_DENIED));
        assertEquals(1, receiveInOneTurn(syn(1003, 81)).size());
    }

    @Test
    void oneTurnReceivesByOneConfiguration() throws Exception {
        vtep.enforcement(enforcement(Mode.ENFORCE, 80));
        change = () -> vtep.config(config(true));
        assertEquals(2, receiveInOneTurn(syn(1000, 80), syn(1001, 80)).size());
        assertEquals(0, receiveInOneTurn(syn(1002, 80)).size());
        assertEquals(1, counters.get(Counter.UNDERLAY_UNKNOWN));
    }

    /** A device that changes the rules as it takes the answer to a request. */
    private final class ChangingTap implements TapDevice {
        @Override
        public String name() {
            return tap.name();
        }

        @Override
        public Offloads offloads() {
            return tap.offloads();
        }

        @Override
        public int read(Frame frame) {
            return tap.read(frame);
        }

        @Override
        public int write(Frame frame) {
            change.run();
            return tap.write(frame);
        }

        @Override
        public void close() {}
    }

    @Test
    void oneTurnSendsByOneSetOfRules() throws Exception {
        vtep.fdb().add(SOURCE_MAC, new Remote(SOURCE_HOST), true, 0);
        vtep.neighbours().replace(IpAddress.parse(FAR), SOURCE_MAC);
        vtep.tags().replace(IpPrefix.parse(NEAR), TAG);
        vtep.enforcement(enforcement(Mode.OFF, 80));
        change = () -> {
            vtep.enforcement(enforcement(Mode.NETFILTER, 80));
            vtep.config(config(true));
        };
        TapDevice changing = new ChangingTap();
        TapReader reader = new TapReader(changing, egressSlab, egressRing, counters);
        Encapsulator encapsulator =
                new Encapsulator(vtep, changing, egressSlab, egressRing, sender, new AgentContext(counters, capture));
        byte[] leaving = new IpPackets(SOURCE_MAC, DESTINATION_MAC).udp(NEAR, 50000, FAR, 53);
        tap.hostSends(request());
        tap.hostSends(leaving);
        reader.doWork();
        assertEquals(2, encapsulator.doWork());
        assertEquals(1, counters.get(Counter.NEIGHBOUR_ANSWERED));
        assertEquals(TAG, sentTag(), "by the tags, as the turn began");

        tap.hostSends(leaving);
        reader.doWork();
        encapsulator.doWork();
        assertEquals(0, sentTag(), "by netfilter, which has given no mark");
    }

    private int sentTag() {
        List<MemorySender.Sent> sent = sender.sent();
        assertEquals(1, sent.size());
        long word = VxlanHeader.word(new UnsafeBuffer(sent.get(0).payload()), 0);
        return VxlanHeader.hasGroupPolicy(word) ? VxlanHeader.groupPolicyId(word) : 0;
    }

    private static byte[] request() {
        UnsafeBuffer frame = new UnsafeBuffer(new byte[EthernetHeader.LENGTH + ArpPacket.LENGTH]);
        EthernetHeader.put(frame, 0, 0xffff_ffff_ffffL, DESTINATION_MAC, EthernetHeader.ETHERTYPE_ARP);
        frame.putBytes(
                EthernetHeader.LENGTH,
                Frames.bytes("0001" + "0800" + "06" + "04" + "0001" + "eeee0aff8400" + "0aff8402" + "000000000000"
                        + "0aff6303"));
        return frame.byteArray();
    }
}
