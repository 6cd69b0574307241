package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.weft.it.Packets.EXPERIMENT;
import static org.weft.it.Packets.IPV4;
import static org.weft.it.Packets.IPV6;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.it.Packets.Ip;
import org.weft.testing.RequiresRoot;

/**
 * The kernel's transmit rules (vxlan_xmit and what it calls). Each frame goes through a kernel device and through the
 * subject's; the datagrams must agree in every byte but the IP id, the checksums and the source port.
 */
@RequiresRoot
@ParameterizedClass
@MethodSource("org.weft.it.Subject#all")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TransmitRulesIT {
    private static final String DEVICE = "silk-vtep";
    private static final String OWN_MAC = "ee:ee:0a:ff:84:00";
    private static final String PEER_MAC = "ee:ee:0a:ff:63:00";
    private static final String ANY_MAC = "00:00:00:00:00:00";
    private static final String BROADCAST = "ff:ff:ff:ff:ff:ff";
    private static final String OVER_IPV4 = "id 1 local 10.0.16.14 dev eth0 dstport 4789 nolearning gbp";
    private static final String OVER_IPV6 = "id 1 local fd00:16::e dev eth0 dstport 4789 nolearning gbp";

    /** Names no underlay interface, as the kernel then lets the MTU be larger than the underlay's. */
    private static final String UNBOUND = "id 1 local 10.0.16.14 dstport 4789 nolearning gbp";

    @Parameter
    private Subject subject;

    private TransmitSide kernel;
    private TransmitSide other;
    private int serial;

    @BeforeParameterizedClassInvocation
    void open() {
        kernel = new TransmitSide(HostLab.open(Subject.KERNEL));
        other = new TransmitSide(HostLab.open(subject));
    }

    @AfterParameterizedClassInvocation
    void close() {
        both().forEach(TransmitSide::close);
    }

    @AfterEach
    void removeDevice() {
        both().forEach(TransmitSide::removeDevice);
    }

    @Test
    void sendsToTheRemoteOfTheEntry() {
        add(OVER_IPV4);
        WirePacket sent = expectSame(frame());
        assertEquals(0x08000000_00000100L, sent.vxlanHeader());
        assertArrayEquals(Packets.address(HostLab.REMOTE_IP), sent.destination());
    }

    @Test
    void sendsOverIpv6() {
        add(OVER_IPV6);
        WirePacket sent = expectSame(frame());
        assertArrayEquals(Packets.address(HostLab.REMOTE_IP6), sent.destination());
        assertTrue(sent.hasValidUdpChecksum());
    }

    @Test
    void sendsNothingForUnknownMac() {
        add(OVER_IPV4);
        Map<String, Long> before = other.drops();
        byte[] unknown = Packets.ethernet("02:00:00:00:00:01", OWN_MAC, EXPERIMENT, unique());
        assertSilent(unknown);
        expectDrops(Map.of("VXLAN_NO_REMOTE", 1L), before);
    }

    @Test
    void sendsUnknownAndBroadcastToTheDefaultEntry() {
        add(OVER_IPV4);
        both().forEach(side -> side.fdb("append", ANY_MAC, "dst " + HostLab.OTHER_REMOTE_IP));
        for (String mac : List.of("02:00:00:00:00:01", BROADCAST, "01:00:5e:00:00:05")) {
            WirePacket sent = expectSame(Packets.ethernet(mac, OWN_MAC, EXPERIMENT, unique()));
            assertArrayEquals(Packets.address(HostLab.OTHER_REMOTE_IP), sent.destination());
        }
    }

    @Test
    void replicatesToAllRemotesOfTheDefaultEntry() {
        add(OVER_IPV4);
        both().forEach(side -> side.fdb("append", ANY_MAC, "dst " + HostLab.REMOTE_IP));
        both().forEach(side -> side.fdb("append", ANY_MAC, "dst " + HostLab.OTHER_REMOTE_IP));
        byte[] broadcast = Packets.ethernet(BROADCAST, OWN_MAC, EXPERIMENT, unique());
        List<WirePacket> expected = sorted(kernel.send(broadcast, 2));
        List<WirePacket> actual = sorted(other.send(broadcast, 2));
        for (int i = 0; i < 2; i++) {
            assertArrayEquals(expected.get(i).comparable(), actual.get(i).comparable());
        }
        assertNotEquals(
                Arrays.toString(actual.get(0).destination()),
                Arrays.toString(actual.get(1).destination()));
    }

    private static List<WirePacket> sorted(List<WirePacket> packets) {
        List<WirePacket> sorted = new ArrayList<>(packets);
        sorted.sort((a, b) -> Arrays.compare(a.destination(), b.destination()));
        return sorted;
    }

    @Test
    void takesPortAndVniOfTheEntry() {
        add(OVER_IPV4);
        String mac = "02:00:00:00:00:07";
        both().forEach(side -> side.fdb("append", mac, "dst " + HostLab.REMOTE_IP + " port 8472 vni 7"));
        WirePacket sent = expectSame(Packets.ethernet(mac, OWN_MAC, EXPERIMENT, unique()));
        assertEquals(8472, sent.destinationPort());
        assertEquals(0x08000000_00000700L, sent.vxlanHeader());
    }

    @Test
    void keepsTheSourcePortOfAFlowInTheGivenRange() {
        add(OVER_IPV4 + " srcport 40000 40100");
        Set<Integer> ports = new HashSet<>();
        for (int flow = 0; flow < 100; flow++) {
            byte[] frame = udpFrame(Ip.of("10.255.132.2", "10.255.99.3"), 10_000 + 7 * flow);
            int port = expectSame(frame).sourcePort();
            assertEquals(port, other.send(frame, 1).get(0).sourcePort(), "port of flow " + flow);
            ports.add(port);
        }
        assertTrue(ports.stream().allMatch(port -> port >= 40_000 && port < 40_100), ports::toString);
        assertTrue(ports.size() > 20, ports::toString);
    }

    @Test
    void spreadsSourcePortsOverTheLocalPortRange() {
        add(OVER_IPV4);
        Set<Integer> ports = new HashSet<>();
        for (int flow = 0; flow < 100; flow++) {
            ports.add(expectSame(udpFrame(Ip.of("10.255.132.2", "10.255.99.3"), 10_000 + flow))
                    .sourcePort());
        }
        assertTrue(ports.stream().allMatch(port -> port >= 32_768 && port <= 60_999), ports::toString);
        assertTrue(ports.size() > 20, ports::toString);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "ttl auto", "ttl 1", "ttl 7", "ttl 255", "ttl inherit"})
    void setsTtl(String ttl) {
        for (String underlay : List.of(OVER_IPV4, OVER_IPV6)) {
            add(underlay + " " + ttl);
            for (Ip ip : List.of(Ip.of("10.255.132.2", "10.255.99.3"), Ip.of("fd00:132::2", "fd00:99::3"))) {
                expectSame(udpFrame(ip.ttl(33), 5555));
                expectSame(udpFrame(ip.ttl(1), 5555));
            }
            expectSame(frame());
            removeDevice();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "tos 0x28", "tos 0xb8", "tos inherit"})
    void setsTosAndCarriesEcn(String tos) {
        for (String underlay : List.of(OVER_IPV4, OVER_IPV6)) {
            add(underlay + " " + tos);
            for (Ip ip : List.of(Ip.of("10.255.132.2", "10.255.99.3"), Ip.of("fd00:132::2", "fd00:99::3"))) {
                for (int inner : new int[] {0, 1, 2, 3, 0x88, 0x89, 0x8a, 0x8b}) {
                    expectSame(udpFrame(ip.tos(inner), 5555));
                }
            }
            expectSame(frame());
            removeDevice();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "df unset", "df set", "df inherit"})
    void setsDf(String df) {
        add(OVER_IPV4 + " " + df);
        expectSame(udpFrame(Ip.of("10.255.132.2", "10.255.99.3").df(false), 5555));
        expectSame(udpFrame(Ip.of("10.255.132.2", "10.255.99.3").df(true), 5555));
        expectSame(udpFrame(Ip.of("fd00:132::2", "fd00:99::3"), 5555));
        expectSame(frame());
    }

    @Test
    void fillsInTheUdpChecksum() {
        add(OVER_IPV4 + " udpcsum");
        WirePacket sent = expectSame(frame());
        assertNotEquals(0, sent.udpChecksum());
        assertTrue(sent.hasValidUdpChecksum());
    }

    @Test
    void leavesTheUdpChecksumZeroWhenToldTo() {
        add(OVER_IPV4 + " noudpcsum");
        assertEquals(0, expectSame(frame()).udpChecksum());
    }

    @Test
    void leavesTheUdpChecksumZeroOverIpv6WhenToldTo() {
        add(OVER_IPV6 + " udp6zerocsumtx");
        assertEquals(0, expectSame(frame()).udpChecksum());
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 15, 60, 1424})
    void sendsFramesOfAnyLength(int length) {
        add(OVER_IPV4);
        expectSame(Packets.ethernet(PEER_MAC, OWN_MAC, EXPERIMENT, new byte[length - 14]));
    }

    @Test
    void countsSentFramesInTheStatisticsOfTheDevice() {
        add(OVER_IPV4);
        for (int i = 0; i < 5; i++) {
            expectSame(frame());
        }
        both().forEach(side -> assertEquals(5, side.packetsSent()));
    }

    /** Kernel: skb_vlan_inet_prepare, called by vxlan_xmit_one; it looks behind VLAN tags. */
    @ParameterizedTest
    @ValueSource(strings = {"0800", "0800 45", "86dd 60", "8100 002a 0800 45", "8100 002a 86dd 60"})
    void dropsFrameWithIncompleteIpHeader(String typeAndPayload) {
        add(OVER_IPV4);
        Map<String, Long> before = other.drops();
        assertSilent(Bytes.concat(Bytes.hex(PEER_MAC), Bytes.hex(OWN_MAC), Bytes.hex(typeAndPayload)));
        expectDrops(Map.of("TX_HDR_TRUNC", 1L), before);
    }

    @Test
    void sendsVlanFrameAsItIs() {
        add(OVER_IPV4 + " ttl inherit tos inherit");
        byte[] inner = udpFrame(Ip.of("10.255.132.2", "10.255.99.3").ttl(9).tos(0x2a), 5555);
        byte[] tagged = Bytes.concat(
                Arrays.copyOf(inner, 12), Bytes.hex("8100 002a"), Arrays.copyOfRange(inner, 12, inner.length));
        expectSame(tagged);
    }

    @Test
    void fragmentsWhatTheUnderlayDoesNotTake() {
        addWithMtu(1500, UNBOUND);
        byte[] frame = Packets.ethernet(PEER_MAC, OWN_MAC, EXPERIMENT, new byte[1500]);
        WirePacket expected = joined(kernel.send(frame, 2));
        WirePacket actual = joined(other.send(frame, 2));
        assertArrayEquals(expected.comparable(), actual.comparable());
        assertArrayEquals(frame, actual.inner());
    }

    private static WirePacket joined(List<WirePacket> fragments) {
        return new WirePacket(
                Fragments.join(fragments.stream().map(WirePacket::bytes).toList()));
    }

    @Test
    void dropsWhatTheUnderlayDoesNotTakeAndMayNotBeCut() {
        addWithMtu(1500, UNBOUND + " df set");
        Map<String, Long> before = other.drops();
        assertSilent(Packets.ethernet(PEER_MAC, OWN_MAC, EXPERIMENT, new byte[1500]));
        expectDrops(Map.of("PKT_TOO_BIG", 1L), before);
    }

    @Test
    void tagsWhatATaggedSourceSends() {
        add(OVER_IPV4);
        both().forEach(side -> side.tag("10.255.126.2", 0xabcd));
        for (TransmitSide side : both()) {
            WirePacket tagged = side.sendUdp("10.255.126.2", 1).get(0);
            assertEquals(0x8800abcd_00000100L, tagged.vxlanHeader());
            assertEquals(
                    List.of("0x8800", "43981", "1"),
                    tagged.dissected("vxlan.flags", "vxlan.gbp", "vxlan.vni"),
                    "as tshark reads it");
            WirePacket untagged = side.sendUdp("10.255.126.1", 1).get(0);
            assertEquals(0x08000000_00000100L, untagged.vxlanHeader());
        }
    }

    @Test
    void completesInnerChecksums() {
        add(OVER_IPV4);
        for (TransmitSide side : both()) {
            for (int length : new int[] {0, 1, 100, 1382}) {
                WirePacket sent = side.sendUdp("10.255.126.1", length).get(0);
                assertTrue(sent.hasValidInnerChecksum(), () -> "UDP of " + length + " bytes: " + sent);
                assertTrue(sent.hasValidUdpChecksum(), () -> "around " + length + " bytes: " + sent);
            }
            WirePacket syn = side.sendSyn("10.255.126.1");
            assertTrue(syn.hasValidInnerChecksum(), () -> "TCP: " + syn);
        }
    }

    @Test
    void answersArpRequestsFromTheNeighbourTable() {
        add(OVER_IPV4 + " proxy");
        addDefaultEntry();
        both().forEach(side -> side.neighbour("10.255.99.0", PEER_MAC));
        byte[] request = arp(1, BROADCAST, "10.255.99.0");
        assertAnswersAlike(request);
        assertSilent(request);
    }

    @Test
    void swallowsArpRequestForUnknownNeighbour() {
        add(OVER_IPV4 + " proxy");
        addDefaultEntry();
        Map<String, Long> before = other.drops();
        assertSilent(arp(1, BROADCAST, "10.255.77.0"));
        expectDrops(Map.of("NEIGH_UNKNOWN", 1L), before);
    }

    @Test
    void forwardsArpWithoutProxy() {
        add(OVER_IPV4 + " noproxy");
        addDefaultEntry();
        expectSame(arp(1, BROADCAST, "10.255.99.0"));
        expectSame(arp(2, PEER_MAC, "10.255.99.0"));
    }

    @Test
    void answersNeighbourSolicitationsFromTheNeighbourTable() {
        add(OVER_IPV4 + " proxy");
        both().forEach(TransmitSide::enableIpv6);
        both().forEach(side -> side.neighbour("fd00:99::3", PEER_MAC));
        assertAnswersAlike(solicitation("fd00:99::3"));
    }

    private void assertAnswersAlike(byte[] request) {
        byte[] expected = kernel.answer(request);
        byte[] actual = other.answer(request);
        assertArrayEquals(expected, actual, () -> PacketSocket.dump(List.of(expected, actual)));
    }

    private static byte[] arp(int operation, String destination, String target) {
        byte[] packet = Bytes.concat(
                Bytes.hex("0001 0800 0604"),
                Packets.u16(operation),
                Bytes.hex(OWN_MAC),
                Packets.address("10.255.132.0"),
                Bytes.hex(ANY_MAC),
                Packets.address(target));
        return Packets.ethernet(destination, OWN_MAC, Packets.ARP, packet);
    }

    private static byte[] solicitation(String target) {
        byte[] to = Packets.address("ff02::1:ff00:0");
        System.arraycopy(Packets.address(target), 13, to, 13, 3);
        Ip ip = Ip.of("fd00:132::2", Packets.text(to)).ttl(255);
        byte[] message = Bytes.concat(
                Bytes.hex("8700 0000 00000000"), Packets.address(target), Bytes.hex("0101"), Bytes.hex(OWN_MAC));
        int checksum = Packets.transportChecksum(ip, 58, message);
        System.arraycopy(Packets.u16(checksum), 0, message, 2, 2);
        return Packets.ethernet("33:33:ff:00:00:03", OWN_MAC, IPV6, Packets.ipv6(ip, 58, message));
    }

    private List<TransmitSide> both() {
        return List.of(kernel, other);
    }

    private void add(String attributes) {
        addWithMtu(1410, attributes);
    }

    private void addWithMtu(int mtu, String attributes) {
        String remote = attributes.contains("fd00") ? HostLab.REMOTE_IP6 : HostLab.REMOTE_IP;
        for (TransmitSide side : both()) {
            side.addDevice(new Device(DEVICE, OWN_MAC, mtu, attributes));
            side.fdb("append", PEER_MAC, "dst " + remote + " self permanent");
        }
    }

    private void addDefaultEntry() {
        both().forEach(side -> side.fdb("append", ANY_MAC, "dst " + HostLab.REMOTE_IP));
    }

    /** Sends the frame through both devices, compares, and gives what the subject sent. */
    private WirePacket expectSame(byte[] frame) {
        WirePacket expected = kernel.send(frame, 1).get(0);
        WirePacket actual = other.send(frame, 1).get(0);
        assertArrayEquals(frame, expected.inner());
        assertArrayEquals(
                expected.comparable(), actual.comparable(), () -> "kernel\n" + expected + "\nsubject\n" + actual);
        assertTrue(actual.hasValidIpChecksum(), actual::toString);
        return actual;
    }

    /** Nothing goes out on the wire for this frame, from either. */
    private void assertSilent(byte[] frame) {
        for (TransmitSide side : both()) {
            assertEquals(List.of(), side.sendBeforeMarker(List.of(frame), frame()));
        }
    }

    private void expectDrops(Map<String, Long> reasons, Map<String, Long> before) {
        if (subject == Subject.WEFT) {
            Await.until("transmit drops", () -> TransmitSide.since(before, other.drops()), reasons::equals);
        }
    }

    private byte[] frame() {
        return Packets.ethernet(PEER_MAC, OWN_MAC, EXPERIMENT, unique());
    }

    private byte[] unique() {
        return Arrays.copyOf(Packets.u16(++serial), 50);
    }

    private static byte[] udpFrame(Ip ip, int sourcePort) {
        byte[] udp = Packets.udp(ip, sourcePort, 7777, new byte[20]);
        return Packets.ethernet(PEER_MAC, OWN_MAC, ip.isIpv6() ? IPV6 : IPV4, Packets.ip(ip, Packets.UDP, udp));
    }
}
