package org.weft.dataplane.agent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.weft.encap.TcpHeader.ACK;
import static org.weft.encap.TcpHeader.FIN;
import static org.weft.encap.TcpHeader.RST;
import static org.weft.encap.TcpHeader.SYN;
import static org.weft.testing.Frames.DESTINATION_HOST;
import static org.weft.testing.Frames.DESTINATION_MAC;
import static org.weft.testing.Frames.SOURCE_HOST;
import static org.weft.testing.Frames.SOURCE_MAC;

import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.agrona.collections.Int2ObjectHashMap;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counter.Kind;
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
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.encap.EthernetHeader;
import org.weft.encap.FlowKey;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.VxlanHeader;
import org.weft.testing.Frames;
import org.weft.testing.IpPackets;
import org.weft.testing.MemorySender;
import org.weft.testing.MemoryTap;
import org.weft.testing.MemoryUnderlay;

/** A cell with both directions; its containers are 10.255.132.*, those of the other cell 10.255.99.*. */
class PolicyGateTest {
    private static final String NEAR = "10.255.132.2";
    private static final String FAR = "10.255.99.3";
    private static final int TAG = 7;

    private final MemoryTap tap = new MemoryTap();
    private final MemoryUnderlay underlay = new MemoryUnderlay();
    private final MemorySender sender = new MemorySender();
    private final MemorySender refusalSender = new MemorySender();
    private final FrameSlab ingressSlab = new FrameSlab(64);
    private final FrameRing ingressRing = new FrameRing(64, 130);
    private final FrameSlab egressSlab = new FrameSlab(64);
    private final FrameRing egressRing = new FrameRing(64, 1);
    private final Counters port = new Counters();
    private final Capture capture = new Capture();
    private final FlowTable flows = new FlowTable(1024, FlowTable.Timeouts.DEFAULT);
    private final List<String> verdicts = new ArrayList<>();
    private final IpPackets arriving = new IpPackets(DESTINATION_MAC, SOURCE_MAC);
    private final IpPackets leaving = new IpPackets(SOURCE_MAC, DESTINATION_MAC);
    private final Vtep vtep = new Vtep(config());
    private final Counters counters = vtep.counters();
    private final Decapsulator decapsulator =
            new Decapsulator("10.0.32.14:4789", underlay, ingressSlab, new AgentContext(port, capture));
    private final TapWriter writer =
            new TapWriter(vtep, tap, ingressSlab, ingressRing, new AgentContext(counters, capture));
    private final TapReader reader = new TapReader(tap, egressSlab, egressRing, counters);
    private final Encapsulator encapsulator =
            new Encapsulator(vtep, tap, egressSlab, egressRing, sender, new AgentContext(counters, capture));

    PolicyGateTest() {
        vtep.fdb().add(SOURCE_MAC, new Remote(SOURCE_HOST), true, 0);
        vtep.neighbours().replace(IpAddress.parse("10.255.99.0"), SOURCE_MAC);
        RefusalSender refusals = new RefusalSender(vtep, refusalSender, new AgentContext(counters, capture));
        Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
        routes.put(1, new Ingress(vtep, ingressRing, counters, refusals));
        decapsulator.routes(routes);
        enforce(policy(Protocol.TCP, 7777, 7779), policy(Protocol.UDP, 53, 53));
    }

    private static VtepConfig config() {
        return config(List.of(IpPrefix.parse("10.255.132.0/16")));
    }

    private static VtepConfig config(List<IpPrefix> addresses) {
        VtepConfig c = Frames.silkVtep(DESTINATION_MAC, DESTINATION_HOST);
        return c.withDevice(c.device().withAddresses(addresses));
    }

    private static Policy policy(Protocol protocol, int first, int last) {
        return new Policy(TAG, IpAddress.parse(NEAR), protocol, first, last);
    }

    private void enforce(Policy... policies) {
        use(Mode.ENFORCE, Refusal.REJECT, Spoofing.OFF, policies);
    }

    private void use(Mode mode, Refusal refusal, Spoofing spoofing, Policy... policies) {
        vtep.enforcement(new Enforcement(
                mode, refusal, spoofing, 24, new PolicyTable(Arrays.asList(policies)), flows, this::note));
    }

    private void note(FlowKey key, int tag, boolean allowed) {
        verdicts.add((allowed ? "allow " : "deny ") + tag + " " + key.destinationPort());
    }

    private boolean arrives(byte[] frame) throws Exception {
        return arrives(TAG, frame);
    }

    /** Whether a frame reaches the TAP device. */
    private boolean arrives(int tag, byte[] frame) throws Exception {
        long before = counters.get(Counter.RX_DELIVERED);
        byte[] datagram = new byte[VxlanHeader.LENGTH + frame.length];
        VxlanHeader.put(new UnsafeBuffer(datagram), 0, 1, tag);
        System.arraycopy(frame, 0, datagram, VxlanHeader.LENGTH, frame.length);
        underlay.peerSends(datagram, SOURCE_HOST, 0);
        while (decapsulator.doWork() + writer.doWork() > 0) {
            Thread.onSpinWait();
        }
        return counters.get(Counter.RX_DELIVERED) > before;
    }

    private void leaves(byte[] frame) {
        tap.hostSends(frame);
        while (reader.doWork() + encapsulator.doWork() > 0) {
            Thread.onSpinWait();
        }
    }

    @AfterEach
    void everyPacketEndedInOneCounter() {
        assertEquals(
                counters.get(Counter.RX_FRAMES),
                counters.get(Counter.RX_DELIVERED) + counters.get(Counter.RX_COALESCED) + counters.sum(Kind.RX_DROP));
        assertEquals(
                counters.get(Counter.TX_FRAMES) + counters.get(Counter.TX_REFUSALS),
                counters.get(Counter.TX_SENT) + counters.sum(Kind.TX_DROP));
    }

    private byte[] syn(int port) {
        return arriving.tcp(FAR, 40000, NEAR, port, SYN);
    }

    @ParameterizedTest
    @CsvSource({"7776, false", "7777, true", "7779, true", "7780, false"})
    void letsInWhatAPolicyAllows(int port, boolean allowed) throws Exception {
        assertEquals(allowed, arrives(syn(port)));
        assertEquals(List.of((allowed ? "allow 7 " : "deny 7 ") + port), verdicts);
        assertEquals(allowed ? 0 : 1, counters.get(Counter.POLICY_DENIED));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 6, 8})
    void letsNobodyElseIn(int tag) throws Exception {
        assertTrue(!arrives(tag, syn(7777)));
    }

    @Test
    void protocolAndAddressAreThePolicys() throws Exception {
        assertTrue(!arrives(arriving.udp(FAR, 40000, NEAR, 7777)));
        assertTrue(!arrives(arriving.tcp(FAR, 40000, "10.255.132.3", 7777, SYN)));
        assertTrue(arrives(arriving.udp(FAR, 40000, NEAR, 53)));
    }

    @Test
    void answersPassWithoutAnyPolicy() throws Exception {
        enforce();
        leaves(leaving.tcp(NEAR, 50000, FAR, 80, SYN));
        assertTrue(arrives(0, arriving.tcp(FAR, 80, NEAR, 50000, SYN | ACK)));
        assertTrue(!arrives(0, arriving.tcp(FAR, 80, NEAR, 50001, SYN | ACK)));
        leaves(leaving.udp(NEAR, 50000, FAR, 53));
        assertTrue(arrives(0, arriving.udp(FAR, 53, NEAR, 50000)));
        leaves(leaving.icmp(NEAR, FAR, 8, 77));
        assertTrue(arrives(0, arriving.icmp(FAR, NEAR, 0, 77)));
        assertTrue(!arrives(0, arriving.icmp(FAR, NEAR, 0, 78)));
    }

    @Test
    void anEstablishedConnectionOutlivesItsPolicy() throws Exception {
        assertTrue(arrives(syn(7777)));
        leaves(leaving.tcp(NEAR, 7777, FAR, 40000, SYN | ACK));
        enforce();
        assertTrue(arrives(arriving.tcp(FAR, 40000, NEAR, 7777, ACK)));
        assertTrue(!arrives(arriving.tcp(FAR, 40001, NEAR, 7777, SYN)));
    }

    @Test
    void whatWasNotAnsweredYetNeedsThePolicyStill() throws Exception {
        assertTrue(arrives(arriving.udp(FAR, 40000, NEAR, 53)));
        assertTrue(arrives(arriving.udp(FAR, 40000, NEAR, 53)));
        enforce();
        assertTrue(!arrives(arriving.udp(FAR, 40000, NEAR, 53)));
    }

    @Test
    void aConnectionOfTheSamePortsIsAnotherOneAfterTheFirstHasEnded() throws Exception {
        arrives(syn(7777));
        leaves(leaving.tcp(NEAR, 7777, FAR, 40000, SYN | ACK));
        arrives(arriving.tcp(FAR, 40000, NEAR, 7777, ACK));
        arrives(arriving.tcp(FAR, 40000, NEAR, 7777, FIN | ACK));
        leaves(leaving.tcp(NEAR, 7777, FAR, 40000, FIN | ACK));
        enforce();
        assertTrue(arrives(arriving.tcp(FAR, 40000, NEAR, 7777, ACK)), "the last acknowledgement");
        assertTrue(!arrives(syn(7777)));
    }

    @Test
    void aResetOpensNoWayBack() throws Exception {
        enforce();
        leaves(leaving.tcp(NEAR, 50000, FAR, 80, RST));
        assertTrue(!arrives(arriving.tcp(FAR, 80, NEAR, 50000, SYN)));
    }

    @Test
    void pingNeedsAPolicyToo() throws Exception {
        assertTrue(!arrives(arriving.icmp(FAR, NEAR, 8, 1)));
        enforce(policy(Protocol.ICMP, 0, 0));
        assertTrue(arrives(arriving.icmp(FAR, NEAR, 8, 1)));
    }

    @Test
    void ipv6IsJudgedAlike() throws Exception {
        String near = "fd00::132:2";
        String far = "fd00::99:3";
        assertTrue(!arrives(arriving.tcp(far, 40000, near, 80, SYN)));
        enforce(
                new Policy(TAG, IpAddress.parse(near), Protocol.TCP, 80, 80),
                new Policy(TAG, IpAddress.parse(near), Protocol.ICMP, 0, 0));
        assertTrue(arrives(arriving.tcp(far, 40000, near, 80, SYN)));
        assertTrue(arrives(arriving.icmp(far, near, 128, 5)));
        leaves(leaving.tcp(near, 50000, far, 443, SYN));
        assertTrue(arrives(0, arriving.tcp(far, 443, near, 50000, SYN | ACK)));
    }

    @Test
    void errorsAboutAcceptedFlowsPass() throws Exception {
        byte[] sent = leaving.udp(NEAR, 50000, FAR, 99);
        assertTrue(!arrives(arriving.error(FAR, NEAR, 3, 3, sent)));
        leaves(sent);
        assertTrue(arrives(arriving.error(FAR, NEAR, 3, 3, sent)));
        assertTrue(arrives(arriving.error("10.255.99.0", NEAR, 11, 0, sent)), "of a router on the way");
        assertTrue(!arrives(arriving.error(FAR, "10.255.132.9", 3, 3, sent)), "to another than who sent it");
        enforce(policy(Protocol.ICMP, 0, 0));
        assertTrue(
                arrives(arriving.error(FAR, NEAR, 3, 3, leaving.udp(NEAR, 50001, FAR, 99))), "by policy, as any ICMP");
    }

    /** Of the old one nothing is known but its last segment, which leaves and is taken for one from the middle. */
    @Test
    void aConnectionOfTheSamePortsAsOneThatEndedInModeLogIsJudged() throws Exception {
        use(Mode.LOG, Refusal.REJECT, Spoofing.OFF);
        arrives(syn(80));
        leaves(leaving.tcp(NEAR, 80, FAR, 40000, SYN | ACK));
        arrives(arriving.tcp(FAR, 40000, NEAR, 80, ACK));
        leaves(leaving.tcp(NEAR, 80, FAR, 40000, FIN | ACK));
        arrives(arriving.tcp(FAR, 40000, NEAR, 80, FIN | ACK));
        leaves(leaving.tcp(NEAR, 80, FAR, 40000, ACK));
        enforce();
        assertTrue(!arrives(syn(80)));
    }

    @Test
    void theFirstFragmentDecides() throws Exception {
        byte[][] allowed = IpPackets.fragments(arriving.udp(FAR, 40000, NEAR, 53), 1, 16);
        byte[][] denied = IpPackets.fragments(arriving.udp(FAR, 40000, NEAR, 54), 2, 16);
        byte[][] late = IpPackets.fragments(arriving.udp(FAR, 40000, NEAR, 53), 3, 16);
        assertTrue(!arrives(late[1]));
        assertEquals(1, counters.get(Counter.POLICY_FRAGMENT));
        assertTrue(arrives(allowed[0]));
        assertTrue(!arrives(denied[0]));
        assertTrue(arrives(allowed[1]));
        assertTrue(!arrives(denied[1]));
        assertEquals(2, counters.get(Counter.POLICY_DENIED));
    }

    @Test
    void whatIsForTheHostItselfPasses() throws Exception {
        enforce();
        assertTrue(arrives(0, arriving.tcp(FAR, 1, "10.255.132.0", 22, SYN)));
        assertTrue(arrives(0, arriving.udp(FAR, 1, "224.0.0.251", 5353)));
        byte[] arp = arriving.tcp(FAR, 1, NEAR, 1, SYN);
        new EthernetHeader().wrap(new UnsafeBuffer(arp), 0).etherType(0x0806);
        assertTrue(arrives(0, arp));
    }

    /** The kernel takes any number of tags with VLAN id 0 off a frame before it asks whether it is IP. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 7, 8, 100})
    void tagsHideNoPacket(int tags) throws Exception {
        assertTrue(!arrives(0, IpPackets.tagged(syn(7777), tags)));
        assertEquals(tags <= 7 ? 1 : 0, counters.get(Counter.POLICY_DENIED));
        assertEquals(tags <= 7 ? 0 : 1, counters.get(Counter.POLICY_UNPARSED));
        assertEquals(tags <= 7, arrives(IpPackets.tagged(syn(7777), tags)));
        use(Mode.LOG, Refusal.REJECT, Spoofing.OFF);
        assertTrue(arrives(0, IpPackets.tagged(syn(7776), tags)));
        assertEquals(1, counters.get(Counter.POLICY_WOULD_DENY));
        use(Mode.OFF, Refusal.REJECT, Spoofing.OFF);
        assertTrue(arrives(0, IpPackets.tagged(syn(7775), tags)));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 7, 8, 100})
    void tagsHideNoSource(int tags) throws Exception {
        use(Mode.OFF, Refusal.REJECT, Spoofing.DROP);
        byte[] foreign = arriving.tcp("10.255.98.3", 1, NEAR, 80, SYN);
        assertTrue(!arrives(IpPackets.tagged(foreign, tags)));
        assertEquals(1, counters.get(Counter.SPOOFED_IP));
        assertEquals(tags <= 7, arrives(IpPackets.tagged(syn(80), tags)));
    }

    @Test
    void tagsKeepNoFlowFromBeingKnown() throws Exception {
        enforce();
        leaves(IpPackets.tagged(leaving.udp(NEAR, 50000, FAR, 53), 3));
        assertTrue(arrives(0, IpPackets.tagged(arriving.udp(FAR, 53, NEAR, 50000), 3)));
        assertTrue(!arrives(0, IpPackets.tagged(arriving.udp(FAR, 53, NEAR, 50001), 3)), "of another flow");
    }

    @Test
    void headersThatAreCutOffAreRefused() throws Exception {
        byte[] whole = syn(7777);
        for (int length = 14 + 20; length < 14 + 20 + 20; length++) {
            assertTrue(!arrives(Arrays.copyOf(whole, length)));
        }
        assertEquals(20, counters.get(Counter.POLICY_UNPARSED));
        assertTrue(!arrives(Arrays.copyOf(IpPackets.tagged(whole, 8), 14 + 7 * 4 + 2)), "a tag that is cut off");
        assertEquals(21, counters.get(Counter.POLICY_UNPARSED));
    }

    @Test
    void inModeLogAllPassesAndIsCounted() throws Exception {
        use(Mode.LOG, Refusal.REJECT, Spoofing.OFF);
        assertTrue(arrives(syn(80)));
        assertEquals(1, counters.get(Counter.POLICY_WOULD_DENY));
        assertEquals(List.of("deny 7 80"), verdicts);
        assertEquals(List.of(), refusalSender.sent());
    }

    @Test
    void inModeOffNothingIsJudged() throws Exception {
        use(Mode.OFF, Refusal.REJECT, Spoofing.OFF);
        assertTrue(arrives(0, syn(80)));
        assertEquals(List.of(), verdicts);
        assertEquals(0, flows.size(0));
    }

    @Test
    void tellsTheSenderAsNetfilterDoes() throws Exception {
        byte[] refused = syn(80);
        arrives(refused);
        List<MemorySender.Sent> sent = refusalSender.sent();
        assertEquals(1, sent.size());
        assertEquals(SOURCE_HOST, sent.get(0).remote());
        byte[] datagram = sent.get(0).payload();
        assertEquals("0800000000000100", HexFormat.of().formatHex(datagram, 0, 8), "untagged");
        // From the host's overlay address, TOS 0xc0, TTL 64; type 3, code 3, and the refused packet.
        String expected = "eeee0aff6300" + "eeee0aff8400" + "0800" + "45c00054" + "00000000" + "4001" + "7e3d"
                + "0aff8400" + "0aff6303" + "0303" + "bd8f" + "00000000";
        byte[] icmp = Arrays.copyOfRange(datagram, 8, datagram.length);
        assertEquals(expected.substring(0, 48), HexFormat.of().formatHex(icmp, 0, 24));
        assertEquals(expected.substring(52, 72), HexFormat.of().formatHex(icmp, 26, 36));
        assertArrayEquals(Arrays.copyOfRange(refused, 14, refused.length), Arrays.copyOfRange(icmp, 42, icmp.length));
        assertEquals(1, counters.get(Counter.TX_REFUSALS));
        assertEquals(1, counters.get(Counter.TX_SENT));
    }

    @Test
    void dropsInSilenceIfToldTo() throws Exception {
        use(Mode.ENFORCE, Refusal.DROP, Spoofing.OFF);
        assertTrue(!arrives(syn(80)));
        assertEquals(List.of(), refusalSender.sent());
    }

    @Test
    void doesNotAnswerAFlood() throws Exception {
        for (int i = 0; i < 2000; i++) {
            arrives(arriving.udp(FAR, 1000 + i, NEAR, 80));
        }
        assertEquals(2000, counters.get(Counter.POLICY_DENIED));
        assertTrue(counters.get(Counter.TX_REFUSALS) >= 50);
        assertTrue(counters.get(Counter.TX_REFUSALS) < 2000);
    }

    @Test
    void spoofedFramesAreTold() throws Exception {
        use(Mode.OFF, Refusal.REJECT, Spoofing.DROP);
        assertTrue(arrives(syn(80)));
        assertTrue(!arrives(arriving.tcp("10.255.98.3", 1, NEAR, 80, SYN)));
        assertEquals(1, counters.get(Counter.SPOOFED_IP));
        assertTrue(!arrives(new IpPackets(DESTINATION_MAC, 0x0200_0000_0001L).tcp(FAR, 1, NEAR, 80, SYN)));
        assertEquals(1, counters.get(Counter.SPOOFED_MAC));
        vtep.fdb().replace(SOURCE_MAC, new Remote(IpAddress.parse("10.0.16.17")), true, 0);
        assertTrue(!arrives(syn(80)));
        assertEquals(1, counters.get(Counter.SPOOFED_UNDERLAY));
        use(Mode.OFF, Refusal.REJECT, Spoofing.COUNT);
        assertTrue(arrives(syn(80)));
        assertEquals(1, counters.get(Counter.SPOOFED_UNDERLAY_PASSED));
    }

    @Test
    void partsOfTheOverlayMayBeOfSeveralLengths() throws Exception {
        use(Mode.OFF, Refusal.REJECT, Spoofing.DROP);
        vtep.neighbours().replace(IpAddress.parse("10.255.98.64"), SOURCE_MAC);
        vtep.neighbours().replace(IpAddress.parse("10.255.16.0"), SOURCE_MAC);
        vtep.neighbours().replace(IpAddress.parse("10.255.98.0"), DESTINATION_MAC);
        assertTrue(!arrives(arriving.tcp("10.255.98.70", 1, NEAR, 80, SYN)), "it would be in the /24 of another");
        vtep.neighbours().noteNetworkLength(26);
        vtep.neighbours().noteNetworkLength(22);
        vtep.neighbours().noteNetworkLength(32);
        assertTrue(arrives(arriving.tcp("10.255.98.70", 1, NEAR, 80, SYN)));
        assertTrue(arrives(arriving.tcp("10.255.19.3", 1, NEAR, 80, SYN)));
        assertTrue(!arrives(arriving.tcp("10.255.98.130", 1, NEAR, 80, SYN)));
        assertTrue(!arrives(arriving.tcp("10.255.20.3", 1, NEAR, 80, SYN)));
        assertTrue(arrives(arriving.tcp(FAR, 1, NEAR, 80, SYN)));
    }

    @Test
    void theFirstAddressOfANetworkIsThatOfEveryHostOfOtherNetworks() throws Exception {
        use(Mode.OFF, Refusal.REJECT, Spoofing.DROP);
        assertTrue(!arrives(arriving.tcp("10.255.0.0", 1, NEAR, 80, SYN)), "there is one network only");
        vtep.config(config(List.of(IpPrefix.parse("10.255.132.0/16"), IpPrefix.parse("fd00::1/64"))));
        assertTrue(!arrives(arriving.tcp("10.255.0.0", 1, NEAR, 80, SYN)), "there is one of IPv4 only");
        vtep.config(config(List.of(IpPrefix.parse("10.255.132.0/16"), IpPrefix.parse("10.254.0.0/16"))));
        assertTrue(arrives(arriving.tcp("10.255.0.0", 1, NEAR, 80, SYN)));
        assertTrue(arrives(arriving.tcp("10.254.0.0", 1, NEAR, 80, SYN)));
        assertTrue(!arrives(arriving.tcp("10.255.132.0", 1, NEAR, 80, SYN)), "this host's own");
        assertTrue(!arrives(arriving.tcp("10.253.0.0", 1, NEAR, 80, SYN)));
        vtep.neighbours().replace(IpAddress.parse("10.255.0.0"), DESTINATION_MAC);
        assertTrue(!arrives(arriving.tcp("10.255.0.0", 1, NEAR, 80, SYN)), "a host has it alone");
    }

    @ParameterizedTest
    @CsvSource({"0x1, 0x1", "0xffff, 0xffff", "0x48abcd, 0x48abcd", "0x400000, 0x400000", "0, 0"})
    void netfilterGetsTheMarkOfAKernelDevice(String sent, String mark) throws Exception {
        use(Mode.NETFILTER, Refusal.REJECT, Spoofing.OFF);
        assertTrue(arrives(Integer.decode(sent), syn(80)));
        byte[] frame = tap.delivered().get(0).bytes();
        assertEquals("0657", HexFormat.of().formatHex(frame, 6, 8));
        assertEquals(Integer.decode(mark), new UnsafeBuffer(frame).getInt(8, ByteOrder.nativeOrder()));
    }

    @ParameterizedTest
    @CsvSource({
        "065746000001, 8800000100000100",
        "06574648ffff, 8848ffff00000100",
        "065746000000, 8800000000000100",
        "eeee0aff8400, 0800000000000100"
    })
    void theMarkOfTheHostBecomesTheGroupPolicyId(String sourceMac, String header) {
        vtep.expectMarksInMac();
        use(Mode.NETFILTER, Refusal.REJECT, Spoofing.OFF);
        assertEquals(header + " eeee0aff8400", sentFrom(sourceMac));
    }

    @Test
    void aMarkOnItsWayWhenTheModeChangesLeavesNoTrace() {
        vtep.expectMarksInMac();
        use(Mode.OFF, Refusal.REJECT, Spoofing.OFF);
        assertEquals("0800000000000100 eeee0aff8400", sentFrom("065746000001"));
    }

    @Test
    void withoutMarksEveryMacAddressIsItself() {
        use(Mode.OFF, Refusal.REJECT, Spoofing.OFF);
        assertEquals("0800000000000100 065746000001", sentFrom("065746000001"));
    }

    /** VXLAN header and inner source MAC address of a frame that leaves. */
    private String sentFrom(String sourceMac) {
        leaves(new IpPackets(SOURCE_MAC, Long.parseLong(sourceMac, 16)).tcp(NEAR, 1, FAR, 2, SYN));
        byte[] sent = sender.sent().get(0).payload();
        return HexFormat.of().formatHex(sent, 0, 8) + " " + HexFormat.of().formatHex(sent, 14, 20);
    }
}
