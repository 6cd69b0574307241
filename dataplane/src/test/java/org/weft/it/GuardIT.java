package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.it.CellHost.Container;
import org.weft.it.Packets.Ip;
import org.weft.testing.RequiresRoot;

/**
 * What a container tries that policies give nothing: it makes up an encapsulated packet, or takes its sibling's address.
 * Its sibling may open port 7777 of the service, and each time has the last word.
 */
@RequiresRoot
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GuardIT {
    private static final String ATTACKER = "10.255.108.184";
    private static final String SIBLING = "10.255.108.2";
    private static final String SERVICE = "10.255.43.6";
    private static final String HOST = "10.255.43.0";
    private static final int PORT = 7777;
    private static final int VXLAN = 4789;
    private static final String TABLE = "inet weft-silk-vtep-cell";

    /** More than the time between two looks at the rules. */
    private static final Duration REPAIR = Duration.ofSeconds(60);

    private PolicyLab lab;

    @BeforeAll
    void start() {
        // Nothing but the host's own rules is to help.
        lab = PolicyLab.plumb(Subject.WEFT, Subject.WEFT)
                .with(0, "spoofing: off")
                .with(1, "spoofing: off");
        lab.start(List.of(
                PolicyLab.allow(SIBLING, SERVICE, Protocol.UDP, PORT, PORT),
                PolicyLab.allow(SERVICE, SIBLING, Protocol.UDP, PORT, PORT)));
    }

    /** Also sets the rules' counters to 0. */
    @AfterEach
    void putRight() {
        CellHost host = lab.host(0);
        host.netns.exec("nft", "flush", "ruleset");
        host.netns.sysctl("net.ipv4.conf.all.rp_filter", "0");
        attacker().netns().ip("address flush dev lo");
        lab.hosts().forEach(each -> each.netns.exec("nft", "add table ip watch; delete table ip watch"));
        host.weft("converge");
    }

    @AfterAll
    void close() {
        if (lab != null) {
            lab.close();
        }
    }

    private Container attacker() {
        return lab.host(0).container(0);
    }

    private Container sibling() {
        return lab.host(0).container(1);
    }

    private Container service() {
        return lab.host(1).container(0);
    }

    /** Receives in a container what is sent to its port 7777. */
    private static DatagramSocket receiver(Container container) {
        return container.netns().call(() -> {
            DatagramSocket socket = new DatagramSocket(new InetSocketAddress(container.ip(), PORT));
            socket.setSoTimeout((int) Await.PATIENCE.toMillis());
            return socket;
        });
    }

    private static String next(DatagramSocket socket) throws IOException {
        DatagramPacket packet = new DatagramPacket(new byte[2000], 2000);
        socket.receive(packet);
        return new String(packet.getData(), 0, packet.getLength(), StandardCharsets.US_ASCII);
    }

    private static void send(Container from, String source, String to, int port, byte[] payload) {
        from.netns().call(() -> {
            try (DatagramSocket socket = new DatagramSocket(new InetSocketAddress(source, 0))) {
                socket.send(new DatagramPacket(payload, payload.length, InetAddress.getByName(to), port));
            }
            return null;
        });
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** VXLAN with any tag, and any frame in it, as if from the host of the container {@code from}. */
    private static byte[] forged(int tag, String host, String from, String to) {
        byte[] frame = Packets.udpFrame(
                "ee:ee:" + CellHost.hex(host),
                "ee:ee:" + CellHost.hex(from.replaceAll("\\d+$", "0")),
                Ip.of(from, to),
                5555,
                PORT,
                ascii("forged"));
        return encapsulated(tag, frame);
    }

    private static byte[] encapsulated(int tag, byte[] frame) {
        long header = 0x8800_0000_0000_0100L | (long) tag << 32;
        return Bytes.concat(ByteBuffer.allocate(8).putLong(header).array(), frame);
    }

    /** Packets that a rule of the table has refused. */
    private static long refused(CellHost host, String rule) {
        return counted(host.netns.exec("nft", "list", "table", "inet", "weft-silk-vtep-cell"), rule);
    }

    /** A packet may still wait for its next hop's MAC address when a later one has arrived elsewhere. */
    private static void awaitRefused(CellHost host, String rule) {
        Await.until("packets refused", () -> refused(host, rule), packets -> packets == 1);
    }

    private static long counted(String table, String rule) {
        Matcher found = Pattern.compile(rule + " counter packets (\\d+)").matcher(table);
        assertTrue(found.find(), table);
        return Long.parseLong(found.group(1));
    }

    /** Counts what comes through an interface to the VTEP's port, behind all rules that refuse it. */
    private static void watch(CellHost host, String from) {
        host.netns.exec(
                "nft",
                "add table ip watch; add chain ip watch heard { type filter hook input priority 300; };"
                        + " add rule ip watch heard iifname \"" + from + "\" udp dport 4789 counter");
    }

    /** What a socket could have received since {@link #watch}. */
    private static long heard(CellHost host) {
        return counted(host.netns.exec("nft", "list", "table", "ip", "watch"), "dport 4789");
    }

    private static boolean stands(CellHost host) {
        return host.netns.exec("nft", "list", "tables").contains(TABLE);
    }

    private static void masquerade(CellHost host) {
        masquerade(host, "10.255.108.0/24");
    }

    private static void masquerade(CellHost host, String network) {
        host.netns.exec(
                "nft",
                "add table ip world; add chain ip world nat { type nat hook postrouting priority srcnat; };"
                        + " add rule ip world nat ip saddr " + network + " oifname eth0 masquerade");
    }

    // Encapsulated packets of containers

    @ParameterizedTest
    @CsvSource({"false", "true"})
    void aContainerCannotMakeUpAPacketWithATagForAnotherHost(boolean masqueraded) throws IOException {
        if (masqueraded) {
            masquerade(lab.host(0));
        }
        try (DatagramSocket service = receiver(service())) {
            send(attacker(), ATTACKER, "10.0.16.14", VXLAN, forged(2, HOST, SIBLING, SERVICE));
            send(sibling(), SIBLING, SERVICE, PORT, ascii("true"));
            assertEquals("true", next(service));
        }
        awaitRefused(lab.host(0), "iifname \"s-\\*\" udp dport 4789");
    }

    /** The VTEP of this lab receives from eth0 only; one without {@code dev} would hear it. */
    @Test
    void aContainerCannotMakeUpAPacketWithATagForItsOwnHost() throws IOException {
        watch(lab.host(0), "s-*");
        try (DatagramSocket sibling = receiver(sibling())) {
            send(attacker(), ATTACKER, "10.0.32.12", VXLAN, forged(0xff, "10.255.108.0", SERVICE, SIBLING));
            send(service(), SERVICE, SIBLING, PORT, ascii("true"));
            assertEquals("true", next(sibling));
        }
        assertEquals(0, heard(lab.host(0)));
        awaitRefused(lab.host(0), "\"silk-vtep\" } udp dport 4789");
    }

    /** The kernel's device, which others may have, receives on its overlay address as well. */
    @Test
    void aContainerReachesTheVtepsPortOverTheOverlayNoMore() throws IOException {
        watch(lab.host(1), "silk-vtep");
        try (DatagramSocket service = receiver(service())) {
            send(attacker(), ATTACKER, HOST, VXLAN, forged(2, HOST, SIBLING, SERVICE));
            send(sibling(), SIBLING, SERVICE, PORT, ascii("true"));
            assertEquals("true", next(service));
        }
        assertEquals(0, heard(lab.host(1)));
        awaitRefused(lab.host(0), "iifname \"s-\\*\" udp dport 4789");
    }

    /** The port that a packet is sent to is not the one that it arrives at. */
    @Test
    void aHostsDnatLeadsNoContainerToTheVtepsPort() throws IOException {
        masquerade(lab.host(0));
        lab.host(0)
                .netns
                .exec(
                        "nft",
                        "add chain ip world in { type nat hook prerouting priority dstnat; };"
                                + " add rule ip world in udp dport 5000 dnat to 10.0.16.14:4789");
        try (DatagramSocket service = receiver(service())) {
            send(attacker(), ATTACKER, "10.0.32.12", 5000, forged(2, HOST, SIBLING, SERVICE));
            send(sibling(), SIBLING, SERVICE, PORT, ascii("true"));
            assertEquals("true", next(service));
        }
        awaitRefused(lab.host(0), "iifname \"s-\\*\" udp dport 4789");
    }

    @Test
    void fragmentsLeadNoContainerToTheVtepsPort() throws IOException {
        byte[] large = Bytes.concat(forged(2, HOST, SIBLING, SERVICE), new byte[2000]);
        try (DatagramSocket service = receiver(service())) {
            send(attacker(), ATTACKER, "10.0.16.14", VXLAN, large);
            send(sibling(), SIBLING, SERVICE, PORT, ascii("true"));
            assertEquals("true", next(service));
        }
        Await.until("refused", () -> refused(lab.host(0), "iifname \"s-\\*\" udp dport 4789") >= 1);
    }

    /** As Docker's own networks are: Weft knows nothing of what is in them. */
    @Test
    void aSenderBehindMasqueradeReachesNoOtherHostsVtep() throws IOException {
        CellHost host = lab.host(0);
        try (Netns stranger = Netns.create("stranger")) {
            host.netns.ip("link add docker0 type veth peer name eth0 netns " + stranger.name()
                    + "\naddress add 172.17.0.1/24 dev docker0\nlink set docker0 up");
            stranger.ip("address add 172.17.0.2/24 dev eth0\nlink set eth0 up\nroute add default via 172.17.0.1");
            masquerade(host, "172.17.0.0/24");
            Container hidden = new Container(stranger, "172.17.0.2");
            try (DatagramSocket service = receiver(service())) {
                send(hidden, hidden.ip(), "10.0.16.14", VXLAN, forged(2, HOST, SIBLING, SERVICE));
                send(sibling(), SIBLING, SERVICE, PORT, ascii("true"));
                assertEquals("true", next(service));
            }
            awaitRefused(host, "ip saddr 10.0.32.12 udp dport 4789");
            Traffic.ping(stranger, "10.0.16.14", 10);
        }
    }

    // Sources of siblings

    /** With {@code CAP_NET_RAW}, or as here with an address more; Ubuntu's rp_filter is loose. */
    private void takeSiblingsAddress() {
        lab.host(0).netns.sysctl("net.ipv4.conf.all.rp_filter", "2");
        attacker().netns().ip("address add " + SIBLING + "/32 dev lo");
    }

    @Test
    void aContainerHasNoSourceButItsOwnWhateverSysctlsSay() throws IOException {
        takeSiblingsAddress();
        try (DatagramSocket service = receiver(service())) {
            send(attacker(), SIBLING, SERVICE, PORT, ascii("forged"));
            send(sibling(), SIBLING, SERVICE, PORT, ascii("true"));
            assertEquals("true", next(service));
        }
        awaitRefused(lab.host(0), "fib saddr . iif oif missing");
    }

    /** silk-cni tells Weft nothing of what it attaches. */
    @Test
    void aContainerOfSilkCniHasNoSourceButItsOwn() throws IOException {
        try (Netns app = Netns.create("app")) {
            Container foreign = new Container(app, "10.255.108.77");
            new KernelCell(lab.host(0).netns, lab.host(0).lease()).attach(foreign);
            lab.host(0).netns.sysctl("net.ipv4.conf.all.rp_filter", "2");
            app.ip("address add " + SIBLING + "/32 dev lo");
            try (DatagramSocket service = receiver(service())) {
                send(foreign, SIBLING, SERVICE, PORT, ascii("forged"));
                send(foreign, foreign.ip(), "10.0.16.14", VXLAN, forged(2, HOST, SIBLING, SERVICE));
                send(sibling(), SIBLING, SERVICE, PORT, ascii("true"));
                assertEquals("true", next(service));
            }
            Traffic.ping(app, HOST, 10);
        }
    }

    // Packets that are for the host first

    /** Without Weft's sysctl the host would send the packet on to the container. */
    @Test
    void aSourceRouteThroughTheHostIsNoWayRoundPolicies() throws IOException {
        lab.host(1).netns.sysctl("net.ipv4.conf.all.accept_source_route", "1");
        service().netns().sysctl("net.ipv4.conf.all.accept_source_route", "1");
        Container underlay = new Container(lab.host(0).netns, "10.0.32.12");
        try (DatagramSocket service = receiver(service())) {
            send(underlay, underlay.ip(), "10.0.16.14", VXLAN, encapsulated(1, sourceRouted(ATTACKER, HOST, SERVICE)));
            send(sibling(), SIBLING, SERVICE, PORT, ascii("true"));
            assertEquals("true", next(service));
        }
    }

    /** A frame from a container's host to another host, which is to send it on. */
    private static byte[] sourceRouted(String from, String host, String to) {
        Ip ip = Ip.of(from, to);
        byte[] datagram = Packets.udp(ip, 5555, PORT, ascii("forged"));
        ByteBuffer header = ByteBuffer.allocate(28);
        header.put((byte) 0x47).put((byte) 0).putShort((short) (28 + datagram.length));
        header.putInt(0).put((byte) 64).put((byte) Packets.UDP).putShort((short) 0);
        header.put(Packets.address(from)).put(Packets.address(host));
        header.put((byte) 0x83).put((byte) 7).put((byte) 4).put(Packets.address(to));
        header.putShort(10, (short) Bytes.checksum(header.array()));
        return Packets.ethernet(
                "ee:ee:" + CellHost.hex(host),
                "ee:ee:" + CellHost.hex(from.replaceAll("\\d+$", "0")),
                Packets.IPV4,
                Bytes.concat(header.array(), datagram));
    }

    // The table

    @Test
    void whatSomebodyFlushesIsBackAndLogged() {
        CellHost host = lab.host(0);
        int before = repairs(host);
        host.netns.exec("nft", "flush", "ruleset");
        assertEquals("! table " + TABLE + "\n", host.weft("converge --dry-run"));
        assertFalse(stands(host), "it was but a question");
        Await.until("the table is back by itself", REPAIR, () -> stands(host));
        Await.until("it is logged", () -> repairs(host) > before);

        host.netns.exec("nft", "flush", "chain", "inet", "weft-silk-vtep-cell", "forward");
        assertEquals("! table " + TABLE + "\n", host.weft("converge"));
        assertEquals("nothing to change\n", host.weft("converge --dry-run"));
        assertEquals(0, refused(host, "iifname \"s-\\*\" udp dport 4789"));
    }

    private static int repairs(CellHost host) {
        return host.daemon().log().split("repaired table " + TABLE, -1).length;
    }

    /** Such as a firewall that is reloaded as the daemon starts. */
    @Test
    void whatSomebodyTakesAwayWhileItIsLaidIsLaidAgain() {
        CellHost host = lab.host(0);
        Process other = host.netns.start(
                lab.cells().directory().resolve("other.log"),
                "bash",
                "-c",
                "while :; do nft flush chain inet weft-silk-vtep-cell forward; done");
        try {
            for (int i = 0; i < 5; i++) {
                host.daemon().client("converge");
            }
        } finally {
            other.destroyForcibly().onExit().join();
        }
        host.weft("converge");
        assertEquals(0, refused(host, "iifname \"s-\\*\" udp dport 4789"));
    }

    @Test
    void theTableIsThereBeforeAContainerIsAttached() {
        CellHost host = lab.host(0);
        host.netns.exec("nft", "flush", "ruleset");
        host.detach(host.attach("10.255.108.9"));
        assertTrue(stands(host));
    }
}
