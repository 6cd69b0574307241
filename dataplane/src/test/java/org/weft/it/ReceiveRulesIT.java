package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.weft.it.Packets.EXPERIMENT;
import static org.weft.it.Packets.IPV4;
import static org.weft.it.Packets.IPV6;
import static org.weft.it.Packets.UDP;
import static org.weft.it.Packets.VLAN;
import static org.weft.it.Packets.ethernet;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.counters.Counter;
import org.weft.it.Packets.Ip;
import org.weft.testing.RequiresRoot;

/** The kernel's receive rules (vxlan_rcv and what it calls), in the order in which it applies them. */
@RequiresRoot
@ParameterizedClass
@MethodSource("org.weft.it.Subject#all")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ReceiveRulesIT {
    private static final String OWN_MAC = "ee:ee:0a:ff:84:00";
    private static final String PEER_MAC = "ee:ee:0a:ff:63:00";

    private static final int GBP_PORT = 4789;
    private static final int PLAIN_PORT = 4790;
    private static final int LEARNING_PORT = 4791;
    private static final int IPV6_PORT = 4792;
    private static final int IPV6_ZERO_PORT = 4793;

    private static final long PLAIN = 0x08000000_00000000L;
    private static final long GBP_VNI = 0x100;
    private static final long PLAIN_VNI = 0x200;
    private static final long LEARNING_VNI = 0x300;
    private static final long IPV6_VNI = 0x400;
    private static final long IPV6_ZERO_VNI = 0x500;

    @Parameter
    private Subject subject;

    private HostLab lab;
    private PacketSocket gbp;
    private PacketSocket plain;
    private PacketSocket learning;
    private PacketSocket ipv6;
    private PacketSocket ipv6Zero;
    private int serial;

    @BeforeParameterizedClassInvocation
    void makeDevices() {
        lab = HostLab.open(subject);
        gbp = add("silk-vtep", "id 1 local 10.0.16.14 dev eth0 dstport 4789 nolearning gbp");
        plain = add("plain-vtep", "id 2 local 10.0.16.14 dev eth0 dstport 4790 nolearning");
        learning = add("learning-vtep", "id 3 local 10.0.16.14 dev eth0 dstport 4791 learning");
        ipv6 = add("six-vtep", "id 4 local fd00:16::e dev eth0 dstport 4792 nolearning");
        ipv6Zero = add("six-zero-vtep", "id 5 local fd00:16::e dev eth0 dstport 4793 nolearning udp6zerocsumrx");
    }

    private PacketSocket add(String name, String attributes) {
        lab.endpoint.add(new Device(name, OWN_MAC, 1410, attributes));
        return lab.socket(name);
    }

    @AfterParameterizedClassInvocation
    void close() {
        if (lab != null) {
            lab.close();
        }
    }

    @Test
    void dropsDatagramWithWrongUdpChecksum() {
        expectNothing(vxlanToGbp(frame()).checksum(0x0bad));
    }

    @Test
    void acceptsZeroUdpChecksumOverIpv4() {
        byte[] frame = frame();
        expectDelivered(gbp, vxlanToGbp(frame).checksum(0), frame);
    }

    @Test
    void acceptsUdpChecksumOverIpv6() {
        byte[] frame = frame();
        expectDelivered(ipv6, Datagram.vxlan(IPV6_PORT, PLAIN | IPV6_VNI, frame).overIpv6(), frame);
    }

    @Test
    void dropsZeroUdpChecksumOverIpv6() {
        expectNothing(
                Datagram.vxlan(IPV6_PORT, PLAIN | IPV6_VNI, frame()).overIpv6().checksum(0));
    }

    @Test
    void acceptsZeroUdpChecksumOverIpv6WhenToldTo() {
        byte[] frame = frame();
        Datagram datagram =
                Datagram.vxlan(IPV6_ZERO_PORT, PLAIN | IPV6_ZERO_VNI, frame).overIpv6();
        expectDelivered(ipv6Zero, datagram.checksum(0), frame);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4, 7})
    void dropsPayloadShorterThanVxlanHeader(int length) {
        expectDropped(Datagram.of(GBP_PORT, new byte[length]), Counter.PKT_TOO_SMALL);
    }

    @Test
    void dropsHeaderWithoutVniFlag() {
        expectDropped(Datagram.vxlan(GBP_PORT, 0x80000001_00000100L, frame()), Counter.VXLAN_INVALID_HDR);
    }

    @Test
    void dropsUnknownVni() {
        expectDropped(Datagram.vxlan(GBP_PORT, PLAIN | 0x700, frame()), Counter.VXLAN_VNI_NOT_FOUND);
    }

    @Test
    void dropsVniOfAnotherPort() {
        expectDropped(Datagram.vxlan(GBP_PORT, PLAIN | PLAIN_VNI, frame()), Counter.VXLAN_VNI_NOT_FOUND);
    }

    @Test
    void judgesEachHeaderBitOnGbpDevice() {
        judgeEachHeaderBit(gbp, GBP_PORT, PLAIN | GBP_VNI, 0x80ffffff_00000000L);
    }

    @Test
    void judgesEachHeaderBitOfGroupPolicyHeader() {
        judgeEachHeaderBit(gbp, GBP_PORT, 0x88000001_00000000L | GBP_VNI, 0x80ffffff_00000000L);
    }

    @Test
    void judgesEachHeaderBitOnPlainDevice() {
        judgeEachHeaderBit(plain, PLAIN_PORT, PLAIN | PLAIN_VNI, 0);
    }

    /** Flips the 64 bits one by one. */
    private void judgeEachHeaderBit(PacketSocket device, int port, long header, long tolerated) {
        for (int bit = 0; bit < Long.SIZE; bit++) {
            long flip = 1L << bit;
            byte[] frame = frame();
            Datagram datagram = Datagram.vxlan(port, header ^ flip, frame);
            if ((flip & tolerated) != 0) {
                expectDelivered(device, datagram, frame);
            } else if ((flip & 0xffff_ff00L) != 0) {
                expectDropped(datagram, Counter.VXLAN_VNI_NOT_FOUND);
            } else {
                expectDropped(datagram, Counter.VXLAN_INVALID_HDR);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0x88000001L, 0x88400001L, 0x88080001L, 0x8848ffffL})
    void passesDontLearnAndAppliedBits(long firstWord) {
        byte[] frame = frame();
        expectDelivered(gbp, Datagram.vxlan(GBP_PORT, firstWord << 32 | GBP_VNI, frame), frame);
    }

    @Test
    void dropsGroupPolicyOnPlainDevice() {
        expectDropped(Datagram.vxlan(PLAIN_PORT, 0x88000001_00000000L | PLAIN_VNI, frame()), Counter.VXLAN_INVALID_HDR);
    }

    @Test
    void acceptsPlainHeaderOnGbpDevice() {
        byte[] frame = frame();
        expectDelivered(gbp, vxlanToGbp(frame), frame);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 6, 12, 13})
    void dropsShortInnerEthernetHeader(int length) {
        expectDropped(vxlanToGbp(Arrays.copyOf(frame(), length)), Counter.PKT_TOO_SMALL);
    }

    @Test
    void deliversInnerEthernetHeaderWithNothingBehind() {
        byte[] frame = ethernet(OWN_MAC, PEER_MAC, EXPERIMENT, new byte[0]);
        expectDelivered(gbp, vxlanToGbp(frame), frame);
    }

    @Test
    void dropsOwnSourceMac() {
        expectDropped(vxlanToGbp(ethernet(PEER_MAC, OWN_MAC, EXPERIMENT, unique())), Counter.LOCAL_MAC);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "02:00:00:00:00:99"})
    void deliversFrameForAnyDestination(String destination) {
        byte[] frame = ethernet(destination, PEER_MAC, EXPERIMENT, unique());
        expectDelivered(gbp, vxlanToGbp(frame), frame);
    }

    @Test
    void deliversMulticastSourceWithoutLearning() {
        byte[] frame = ethernet(OWN_MAC, "01:00:5e:00:00:01", EXPERIMENT, unique());
        expectDelivered(gbp, vxlanToGbp(frame), frame);
    }

    @ParameterizedTest
    @ValueSource(strings = {"01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"})
    void dropsInvalidSourceWhenLearning(String source) {
        byte[] frame = ethernet(OWN_MAC, source, EXPERIMENT, unique());
        expectDropped(toLearning(frame), Counter.MAC_INVALID_SOURCE);
    }

    @Test
    void learnsSourceAndItsMove() {
        String mac = "02:00:00:00:01:01";
        byte[] frame = ethernet(OWN_MAC, mac, EXPERIMENT, unique());
        expectDelivered(learning, toLearning(frame), frame);
        awaitRemotes(List.of(HostLab.REMOTE_IP), mac, "learning-vtep");

        byte[] moved = ethernet(OWN_MAC, mac, EXPERIMENT, unique());
        expectDelivered(learning, toLearning(moved).from(HostLab.OTHER_REMOTE_IP), moved);
        awaitRemotes(List.of(HostLab.OTHER_REMOTE_IP), mac, "learning-vtep");
    }

    @Test
    void learnsNothingWhenNotToldTo() {
        byte[] frame = ethernet(OWN_MAC, "02:00:00:00:01:02", EXPERIMENT, unique());
        expectDelivered(gbp, vxlanToGbp(frame), frame);
        assertEquals(List.of(), lab.endpoint.remotes("02:00:00:00:01:02", "silk-vtep"));
    }

    @Test
    void learnsFromFrameWithDontLearnBit() {
        String mac = "02:00:00:00:01:04";
        lab.endpoint.add(
                new Device("dont-vtep", OWN_MAC, 1410, "id 8 local 10.0.16.14 dev eth0 dstport 4795 learning gbp"));
        try (PacketSocket device = lab.socket("dont-vtep")) {
            byte[] frame = ethernet(OWN_MAC, mac, EXPERIMENT, unique());
            expectDelivered(device, Datagram.vxlan(4795, 0x88400001_00000800L, frame), frame);
            awaitRemotes(List.of(HostLab.REMOTE_IP), mac, "dont-vtep");
        }
        lab.endpoint.remove("dont-vtep");
    }

    @Test
    void dropsSourceThatHasPermanentEntryElsewhere() {
        String mac = "02:00:00:00:01:03";
        lab.endpoint.fdb("append", mac, "learning-vtep", "dst " + HostLab.REMOTE_IP + " self permanent");
        byte[] frame = ethernet(OWN_MAC, mac, EXPERIMENT, unique());
        expectDelivered(learning, toLearning(frame), frame);
        expectDropped(toLearning(frame).from(HostLab.OTHER_REMOTE_IP), Counter.VXLAN_ENTRY_EXISTS);
        assertEquals(List.of(HostLab.REMOTE_IP), lab.endpoint.remotes(mac, "learning-vtep"));
    }

    @ParameterizedTest
    @CsvSource({"0x0800, 0", "0x0800, 1", "0x0800, 19", "0x86dd, 0", "0x86dd, 39"})
    void dropsIncompleteInnerIpHeader(String type, int length) {
        byte[] frame = ipFrame(Integer.decode(type), 0);
        expectDropped(vxlanToGbp(Arrays.copyOf(frame, 14 + length)), Counter.IP_HDR_TRUNC);
    }

    @ParameterizedTest
    @CsvSource({"0x0800, 20", "0x86dd, 40"})
    void deliversInnerIpHeaderWithItsPayloadMissing(String type, int length) {
        byte[] frame = Arrays.copyOf(ipFrame(Integer.decode(type), 0), 14 + length);
        expectDelivered(gbp, vxlanToGbp(frame), frame);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void decapsulatesEcn(int outer) {
        for (int type : new int[] {IPV4, IPV6}) {
            for (int inner = 0; inner < 4; inner++) {
                Datagram datagram = vxlanToGbp(ipFrame(type, inner)).tos(outer);
                decapsulatesEcn(gbp, datagram, type, inner, outer);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void decapsulatesEcnFromIpv6(int outer) {
        for (int type : new int[] {IPV4, IPV6}) {
            for (int inner = 0; inner < 4; inner++) {
                Datagram datagram = Datagram.vxlan(IPV6_PORT, PLAIN | IPV6_VNI, ipFrame(type, inner))
                        .tos(outer)
                        .overIpv6();
                decapsulatesEcn(ipv6, datagram, type, inner, outer);
            }
        }
    }

    /** RFC 6040, figure 4. */
    private void decapsulatesEcn(PacketSocket device, Datagram datagram, int type, int inner, int outer) {
        if (inner == 0 && outer == 3) {
            expectDropped(datagram, Counter.IP_TUNNEL_ECN);
            return;
        }
        boolean outerCounts = inner != 0 && (outer == 3 || inner == 2 && outer == 1);
        expectDelivered(device, datagram, ipFrame(type, outerCounts ? outer : inner));
    }

    @Test
    void carriesNothingOfOuterDscpInside() {
        byte[] frame = ipFrame(IPV4, 0xb8 | 2);
        expectDelivered(gbp, vxlanToGbp(frame).tos(0x28 | 2), frame);
    }

    @Test
    void deliversNonIpFrameUnderCongestion() {
        byte[] frame = frame();
        expectDelivered(gbp, vxlanToGbp(frame).tos(3), frame);
    }

    @Test
    void deliversVlanFrameAsItIs() {
        byte[] inner = ipFrame(IPV4, 0);
        byte[] tagged = Bytes.concat(
                Arrays.copyOf(inner, 12), Packets.u16(VLAN), Packets.u16(42), Arrays.copyOfRange(inner, 12, 34));
        expectDelivered(gbp, vxlanToGbp(tagged), tagged);
    }

    @Test
    void deliversIpv6Frame() {
        byte[] frame = ipFrame(IPV6, 0);
        expectDelivered(gbp, vxlanToGbp(frame), frame);
    }

    @Test
    void deliversLargeFrameThatCameInFragments() {
        byte[] frame = ethernet(OWN_MAC, PEER_MAC, EXPERIMENT, new byte[3000]);
        byte[] whole = vxlanToGbp(frame).checksum(0).frame();
        for (byte[] fragment : Fragments.of(whole, 1480)) {
            lab.wire.send(fragment);
        }
        gbp.await("reassembled frame", seen -> Arrays.equals(seen, frame));
        gbp.clear();
    }

    @Test
    void countsDeliveredFramesInTheStatisticsOfTheDevice() {
        long before = lab.packets("silk-vtep", "rx");
        for (int i = 0; i < 5; i++) {
            byte[] frame = frame();
            expectDelivered(gbp, vxlanToGbp(frame), frame);
        }
        assertEquals(before + 5, lab.packets("silk-vtep", "rx"));
    }

    @Test
    void dropsWhenDeviceIsDown() {
        byte[] frame = frame();
        lab.host.ip("link set silk-vtep down");
        try {
            expectDropped(vxlanToGbp(frame), Counter.DEV_READY);
        } finally {
            lab.host.ip("link set silk-vtep up");
        }
        byte[] next = frame();
        expectDelivered(gbp, vxlanToGbp(next), next);
    }

    private Datagram vxlanToGbp(byte[] frame) {
        return Datagram.vxlan(GBP_PORT, PLAIN | GBP_VNI, frame);
    }

    private Datagram toLearning(byte[] frame) {
        return Datagram.vxlan(LEARNING_PORT, PLAIN | LEARNING_VNI, frame);
    }

    /** A frame unlike all others of this class. */
    private byte[] frame() {
        return ethernet(OWN_MAC, PEER_MAC, EXPERIMENT, unique());
    }

    private byte[] unique() {
        return Arrays.copyOf(Packets.u16(++serial), 50);
    }

    private static byte[] ipFrame(int type, int tos) {
        Ip ip = type == IPV4 ? Ip.of("10.255.99.3", "10.255.132.2") : Ip.of("fd00:99::3", "fd00:132::2");
        byte[] udp = Packets.udp(ip, 5555, 7777, new byte[20]);
        return ethernet(OWN_MAC, PEER_MAC, type, Packets.ip(ip.tos(tos), UDP, udp));
    }

    private void awaitRemotes(List<String> remotes, String mac, String device) {
        Await.until("remotes of " + mac, () -> lab.endpoint.remotes(mac, device), remotes::equals);
    }

    private void expectDelivered(PacketSocket device, Datagram datagram, byte[] frame) {
        Map<String, Long> before = lab.endpoint.drops("rx");
        clear();
        lab.wire.send(datagram.frame());
        byte[] first = device.await("frame of " + datagram, seen -> true);
        assertArrayEquals(frame, first, () -> PacketSocket.dump(List.of(frame, first)));
        assertEquals(before, lab.endpoint.drops("rx"), datagram::toString);
    }

    private void expectDropped(Datagram datagram, Counter reason) {
        expectNotDelivered(datagram, Map.of(reason.name(), 1L));
    }

    /** Dropped before the VTEP has it. */
    private void expectNothing(Datagram datagram) {
        expectNotDelivered(datagram, Map.of());
    }

    private void expectNotDelivered(Datagram datagram, Map<String, Long> reasons) {
        Map<String, Long> before = lab.endpoint.drops("rx");
        clear();
        lab.wire.send(datagram.frame());
        byte[] marker = frame();
        lab.wire.send(Datagram.vxlan(PLAIN_PORT, PLAIN | PLAIN_VNI, marker).frame());
        plain.await("marker after " + datagram, seen -> Arrays.equals(seen, marker));
        if (subject == Subject.WEFT) {
            Await.until("counters after " + datagram, () -> since(before), reasons::equals);
        }
        for (PacketSocket device : List.of(gbp, learning, ipv6, ipv6Zero)) {
            assertEquals("", PacketSocket.dump(device.received()), datagram::toString);
        }
        assertTrue(plain.received().size() == 1, datagram::toString);
    }

    private Map<String, Long> since(Map<String, Long> before) {
        Map<String, Long> moved = new TreeMap<>(lab.endpoint.drops("rx"));
        before.forEach((reason, count) -> moved.merge(reason, -count, Long::sum));
        moved.values().removeIf(count -> count == 0);
        return moved;
    }

    private void clear() {
        List.of(gbp, plain, learning, ipv6, ipv6Zero).forEach(PacketSocket::clear);
    }
}
