package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.engine.Engine;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.policy.PolicyTable;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.it.OverlayHost.Underlay;
import org.weft.it.Packets.Ip;
import org.weft.operator.OperatorException;
import org.weft.testing.RequiresRoot;

/**
 * Mode netfilter: the same iptables and nftables rules on a host with the kernel's device and on one with Weft's, both
 * with a kernel's host as their peer, see and do the same.
 */
@RequiresRoot
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MarkBridgeIT {
    private static final SplittableRandom RANDOM = new SplittableRandom(5);
    private static final String DEVICE = OverlayHost.DEVICE;
    private static final int FIRST_PORT = 20_000;
    private static final int OPEN_PORT = 30_000;
    private static final long TCP_BYTES = 64L << 20;

    /** Marks of packets: tags, each with D, A or both, and bits that no header carries. */
    private static final int[] MARKS = IntStream.concat(
                    IntStream.of(0, 1, 7, 0x100, 0x7fff, 0x8000, 0xffff),
                    IntStream.generate(() -> 1 + RANDOM.nextInt(0xffff)).limit(5))
            .flatMap(tag -> IntStream.of(tag, tag | 0x400000, tag | 0x080000, tag | 0x480000, tag | 0xff37_0000))
            .distinct()
            .toArray();

    private OverlayLab kernel;
    private OverlayLab engine;

    @BeforeAll
    void open() {
        kernel = lab(new OverlayHost(2, Subject.KERNEL, Underlay.IPV4));
        engine = lab(new OverlayHost(2, Subject.WEFT, Underlay.IPV4).inThisProcess());
        use(Mode.NETFILTER);
    }

    private static OverlayLab lab(OverlayHost subject) {
        OverlayLab lab =
                OverlayLab.open(new OverlayHost(1, Subject.KERNEL, Underlay.IPV4), subject, OverlayLab::plumbUnderlay);
        subject.host.sysctl("net.ipv4.icmp_ratemask", "0");
        // What nobody listens to is not refused once more.
        subject.app.exec("iptables", "-A", "INPUT", "-p", "udp", "-j", "DROP");
        offloads(lab.second, "off");
        return lab;
    }

    /** Without them no checksum is left to be filled in, and datagrams of one length do not leave as one. */
    private static void offloads(OverlayHost host, String state) {
        for (Netns netns : List.of(host.host, host.app)) {
            netns.exec("ethtool", "-K", "eth0", "tx", state);
        }
    }

    @AfterAll
    void close() {
        for (OverlayLab lab : new OverlayLab[] {kernel, engine}) {
            if (lab != null) {
                lab.close();
            }
        }
    }

    @AfterEach
    void forgetRules() {
        for (OverlayLab lab : List.of(kernel, engine)) {
            lab.hosts().forEach(host -> iptables(host, "*filter\n"));
            iptables(lab.second, "*mangle\n");
        }
    }

    @Test
    void markedPacketsLeaveAsFromTheKernel() {
        StringBuilder rules = new StringBuilder("*mangle\n");
        for (int i = 0; i < MARKS.length; i++) {
            rules.append("-A FORWARD -s 10.255.2.2 -p udp --dport %d -j MARK --set-xmark 0x%x\n"
                    .formatted(FIRST_PORT + i, MARKS[i]));
        }
        List<String> expected = leaving(kernel, rules.toString());
        assertEquals(expected, leaving(engine, rules.toString()));
        assertTrue(expected.stream().anyMatch(packet -> packet.startsWith("8800000000000100")), "marks of other bits");
    }

    /** VXLAN header and inner frame of a packet per mark, without what is another one each time. */
    private static List<String> leaving(OverlayLab lab, String rules) {
        iptables(lab.second, rules);
        try (PacketSocket wire = PacketSocket.open(lab.first.host, "eth0");
                DatagramSocket socket = lab.second.app.call(() -> new DatagramSocket(40_000))) {
            for (int i = 0; i < MARKS.length; i++) {
                socket.send(
                        new DatagramPacket(new byte[100], 100, InetAddress.getByName("10.255.1.2"), FIRST_PORT + i));
            }
            Await.until("packets on the wire", () -> datagrams(wire).size(), size -> size == MARKS.length);
            return datagrams(wire);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static List<String> datagrams(PacketSocket wire) {
        List<String> packets = new ArrayList<>();
        for (byte[] frame : wire.received(WirePacket::isUdpOrFragment)) {
            WirePacket packet = new WirePacket(frame);
            if (packet.destinationPort() == 4789) {
                ByteBuffer inner = ByteBuffer.wrap(packet.inner());
                inner.putShort(18, (short) 0).putShort(24, (short) 0);
                packets.add("%016x %s"
                        .formatted(packet.vxlanHeader(), HexFormat.of().formatHex(inner.array())));
            }
        }
        return packets.stream().sorted().toList();
    }

    @Test
    void arrivingPacketsMeetTheRulesOfTheKernel() {
        String rules = policyRules();
        String expected = arriving(kernel, rules);
        assertEquals(expected, arriving(engine, rules));
    }

    /** As vxlan-policy-agent writes them, and for each mark one for the packets that bear it. */
    private static String policyRules() {
        StringBuilder rules = new StringBuilder("*mangle\n");
        for (int mark : MARKS) {
            rules.append("-A FORWARD -d 10.255.2.2 -m mark --mark 0x%x\n".formatted(mark));
        }
        rules.append("COMMIT\n*filter\n");
        for (int i = 0; i < MARKS.length; i++) {
            rules.append("-A FORWARD -d 10.255.2.2 -p udp --dport %d -m mark --mark 0x%x -j ACCEPT\n"
                    .formatted(FIRST_PORT + i, MARKS[i]));
        }
        return rules.append("-A FORWARD -d 10.255.2.2 -p udp --dport " + OPEN_PORT + " -j ACCEPT\n")
                .append("-A FORWARD -d 10.255.2.2 -j REJECT --reject-with icmp-port-unreachable\n")
                .toString();
    }

    /** What the container gets, what its sender hears, and packets by rule. */
    private static String arriving(OverlayLab lab, String rules) {
        iptables(lab.second, rules);
        StringBuilder seen = new StringBuilder();
        try (PacketSocket wire = PacketSocket.open(lab.first.host, "eth0");
                PacketSocket app = PacketSocket.open(lab.second.app, "eth0")) {
            for (long header : headers()) {
                for (int i = 0; i <= MARKS.length; i++) {
                    wire.send(arrivingPacket(lab, header, i == MARKS.length ? OPEN_PORT : FIRST_PORT + i));
                }
                Await.until(
                        "verdicts",
                        () -> app.received().size() + datagrams(wire).size(),
                        verdicts -> verdicts == MARKS.length + 1);
                seen.append(text(app.take())).append("\nrefused\n").append(String.join("\n", datagrams(wire)));
                wire.clear();
            }
        }
        return seen.append(counts(lab.second)).toString();
    }

    /** Every flag with every tag, and headers that no device sends. */
    private static long[] headers() {
        IntStream marked = Arrays.stream(MARKS).map(mark -> 0x8800_0000 | mark & 0x48_ffff);
        IntStream odd = IntStream.of(0x0800_0000, 0x0800_0007, 0x0848_0007, 0x8800_0000, 0x88b7_0007, 0x88ff_ffff);
        return IntStream.concat(marked, odd)
                .distinct()
                .mapToLong(flags -> (long) flags << 32 | 0x100)
                .toArray();
    }

    private static byte[] arrivingPacket(OverlayLab lab, long header, int port) {
        byte[] payload = HexFormat.of().parseHex(id(header, port));
        byte[] inner = Packets.udpFrame(
                lab.second.vtepMac(), lab.first.vtepMac(), Ip.of("10.255.1.2", "10.255.2.2"), 40_000, port, payload);
        byte[] outer = Bytes.concat(ByteBuffer.allocate(8).putLong(header).array(), inner);
        return Packets.udpFrame(
                lab.second.underlayMac(),
                lab.first.underlayMac(),
                Ip.of(lab.first.underlayIp(), lab.second.underlayIp()),
                50_000,
                4789,
                outer);
    }

    private static String id(long header, int port) {
        return "%016x%08x".formatted(header, port);
    }

    private static String text(List<byte[]> frames) {
        return frames.stream().map(HexFormat.of()::formatHex).collect(Collectors.joining("\n"));
    }

    /** Packets by rule. */
    private static String counts(OverlayHost host) {
        return host.host.exec("iptables", "-t", "mangle", "-nvxL", "FORWARD")
                + host.host.exec("iptables", "-nvxL", "FORWARD");
    }

    @Test
    void superFramesKeepTheirMarks() {
        String mark = "*mangle\n-A FORWARD -s 10.255.%1$d.2 -j MARK --set-xmark 0x48abcd\n";
        String demand = "COMMIT\n*filter\n-A FORWARD -d 10.255.%1$d.2 -m mark ! --mark 0x48abcd -j DROP\n";
        iptables(engine.first, (mark + demand).formatted(1));
        iptables(engine.second, (mark + demand).formatted(2));
        offloads(engine.second, "on");
        Counters counters = engine.second.inProcess().vtep(DEVICE).counters();
        long cut = counters.get(Counter.TX_SEGMENTED) + counters.get(Counter.TX_UNCUT);
        Traffic.tcp(engine.second.app, engine.first.app, "10.255.1.2", TCP_BYTES);
        cut = counters.get(Counter.TX_SEGMENTED) + counters.get(Counter.TX_UNCUT) - cut;
        assertTrue(cut > 500, cut + " cut");
        // Otherwise super-frames arrive uncut.
        engine.first.host.exec("ethtool", "-K", "eth0", "tx", "off");
        long coalesced = counters.get(Counter.RX_COALESCED);
        Traffic.tcp(engine.first.app, engine.second.app, "10.255.2.2", TCP_BYTES);
        coalesced = counters.get(Counter.RX_COALESCED) - coalesced;
        assertTrue(coalesced > TCP_BYTES / 1400 / 2, coalesced + " coalesced");
        offloads(engine.second, "off");
        engine.hosts().forEach(host -> assertTrue(counts(host).matches("(?s).*\n +0 +0 DROP.*"), counts(host)));
    }

    @Test
    void nftablesSeesWhatItSeesWithTheKernel() {
        for (OverlayLab lab : List.of(kernel, engine)) {
            lab.second.host.exec(
                    "nft",
                    "add table inet seen; add chain inet seen in { type filter hook prerouting priority raw; }; "
                            + "add rule inet seen in iifname silk-vtep meta mark 0x400007 counter");
            iptables(lab.first, "*mangle\n-A FORWARD -j MARK --set-xmark 0x400007\n");
            Traffic.ping(lab.first.app, "10.255.2.2", 56);
            String seen = lab.second.host.exec("nft", "list", "table", "inet", "seen");
            lab.second.host.exec("nft", "delete", "table", "inet", "seen");
            assertTrue(seen.contains("packets 1 "), lab.second.subject + ": " + seen);
        }
    }

    @Test
    void marksFollowTheDevice() {
        assertEquals("8800000700000100", tagged());
        Netns host = engine.second.host;
        host.ip("link set " + DEVICE + " address ee:ee:0a:ff:99:99 mtu 1300");
        Await.until("tags from another MAC address", () -> tagged().equals("8800000700000100"));
        host.ip("link set " + DEVICE + " address " + engine.second.vtepMac() + " mtu 1410");
        Await.until("tags from the first MAC address", () -> tagged().equals("8800000700000100"));
    }

    @Test
    void marksFollowADeviceThatIsMadeAgain() {
        OverlayLab lab = engine;
        lab.second.host.ip("link del " + DEVICE);
        Await.until("the device, which is set up behind its rules", () -> lab.second
                .host
                .attempt("ip", "link", "show", "dev", DEVICE)
                .output()
                .contains("LOWER_UP"));
        lab.second.plumbVteps();
        Await.until("tags", () -> tagged().equals("8800000700000100"));
    }

    /** The kernel may drop the rules at a device when it gets another name (Linux 6.16). */
    @Test
    void marksSurviveThatADeviceIsRenamed() {
        Netns host = engine.second.host;
        host.ip("link set " + DEVICE + " name eth9");
        Await.until("the name that the policies know", () -> host.hasDevice(DEVICE));
        Await.until("tags", () -> tagged().equals("8800000700000100"));
        assertEquals(1, tables().lines().filter(line -> line.contains("weft-")).count(), tables());
    }

    /** The VXLAN header of a packet that the host marks with 7, or nothing if none leaves. */
    private String tagged() {
        iptables(engine.second, "*mangle\n-A FORWARD -s 10.255.2.2 -j MARK --set-xmark 7\n");
        try (PacketSocket wire = PacketSocket.open(engine.first.host, "eth0");
                DatagramSocket socket = engine.second.app.call(() -> new DatagramSocket())) {
            socket.send(new DatagramPacket(new byte[1], 1, InetAddress.getByName("10.255.1.2"), FIRST_PORT));
            Await.holds(Await.PATIENCE, () -> !datagrams(wire).isEmpty());
            return datagrams(wire).stream()
                    .map(packet -> packet.substring(0, 16))
                    .findFirst()
                    .orElse("");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void nothingStaysWhenTheModeChanges() {
        assertEquals("table netdev weft-silk-vtep", tables());
        use(Mode.OFF);
        assertEquals("", tables());
        assertEquals("0800000000000100", tagged());
        use(Mode.NETFILTER);
        assertEquals("8800000700000100", tagged());
    }

    @Test
    void nothingStaysOfAWeftThatEnds() {
        try (Netns host = Netns.create("lone")) {
            host.exec("nft", "add table netdev weft-silk-vtep");
            String config = "vteps: [{name: silk-vtep, vni: 1, local: 127.0.0.1, gbp: true, mtu: 1400}]";
            Engine lone = OverlayHost.openWeft(host, config);
            assertEquals("", host.exec("nft", "list", "tables"));
            host.call(() -> use(lone, Mode.NETFILTER));
            assertEquals(
                    "table netdev weft-silk-vtep",
                    host.exec("nft", "list", "tables").strip());
            OverlayHost.close(host, lone);
            assertEquals("", host.exec("nft", "list", "tables"));
        }
    }

    @Test
    void theModeStaysWhereItsRulesCannotBe() {
        try (Netns host = Netns.create("lone")) {
            String config =
                    """
                    vteps:
                      - {name: plain, vni: 1, local: 127.0.0.1, gbp: false, mtu: 1400}
                      - {name: ours, vni: 2, local: 127.0.0.1, gbp: true, mtu: 1400, mac: "06:57:46:00:00:01"}
                      - {name: "a*", vni: 3, local: 127.0.0.1, gbp: true, mtu: 1400}
                    """;
            try (Engine lone = OverlayHost.openWeft(host, config)) {
                assertRefused(host, lone, "plain", "make it with gbp");
                assertRefused(host, lone, "ours", "06:57:46:00:00:01");
                assertRefused(host, lone, "a*", "another name");
                assertEquals("", host.exec("nft", "list", "tables"));
            }
        }
    }

    private static void assertRefused(Netns host, Engine engine, String vtep, String word) {
        host.call(() -> {
            var e = assertThrows(
                    OperatorException.class, () -> engine.guard(vtep, enforcement(Mode.NETFILTER), List.of()));
            assertTrue(
                    e.getMessage().startsWith(vtep + ": marks ")
                            && e.getMessage().contains(word),
                    e.getMessage());
            assertEquals(Mode.OFF, engine.vtep(vtep).enforcement().mode());
            return null;
        });
    }

    private void use(Mode mode) {
        engine.second.host.call(() -> use(engine.second.inProcess(), mode));
    }

    private static Void use(Engine engine, Mode mode) {
        engine.guard(DEVICE, enforcement(mode), List.of());
        return null;
    }

    private static Enforcement enforcement(Mode mode) {
        return new Enforcement(mode, Refusal.REJECT, Spoofing.OFF, 24, PolicyTable.EMPTY, null, VerdictSink.NONE);
    }

    private String tables() {
        return engine.second.host.exec("nft", "list", "tables", "netdev").strip();
    }

    private static void iptables(OverlayHost host, String rules) {
        host.host.exec("sh", "-c", "iptables-restore <<'END'\n" + rules + "COMMIT\nEND");
    }
}
