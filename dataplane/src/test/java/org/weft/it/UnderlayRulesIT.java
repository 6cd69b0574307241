package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.testing.RequiresRoot;

/**
 * Two uplinks between two hosts, and rules or a multipath route that choose between them. All
 * datagrams of a connection leave by one of them, super-frames included.
 */
@RequiresRoot
class UnderlayRulesIT {
    private static final int LENGTH = 4 << 20;

    /** The bytes of acknowledgements, ARP and other small traffic. */
    private static final int LITTLE = 200_000;

    private static final String CONFIG =
            """
            underlay: {local: 10.0.99.%1$d}
            vteps:
              - name: v1
                vni: 1
                address: 10.201.0.%1$d/24
                mtu: 1400
                learning: true
                proxy: false
                tos: 0x10
                fdb: [{mac: "00:00:00:00:00:00", dst: 10.0.99.%2$d}]
            """;

    private Netns first;
    private Netns second;
    private WeftDaemon from;
    private WeftDaemon to;

    @BeforeEach
    void plumb() {
        first = Netns.create("first");
        second = Netns.create("second");
        for (int uplink = 0; uplink < 2; uplink++) {
            first.ip("link add eth" + uplink + " type veth peer name eth" + uplink + " netns " + second.name());
        }
        plumb(first, 1, 2);
        plumb(second, 2, 1);
        from = new WeftDaemon(first, CONFIG.formatted(1, 2)).start();
        to = new WeftDaemon(second, CONFIG.formatted(2, 1)).start();
    }

    private static void plumb(Netns host, int own, int peer) {
        host.sysctl("net.ipv4.conf.all.rp_filter", "0");
        host.sysctl("net.ipv4.conf.default.rp_filter", "0");
        host.ip("address add 10.0.99." + own + "/32 dev lo\nlink set lo up");
        for (int uplink = 0; uplink < 2; uplink++) {
            host.ip("address add 10.0." + (16 + uplink) + "." + own + "/24 dev eth" + uplink + "\nlink set eth" + uplink
                    + " up");
        }
        host.ip("route add 10.0.99." + peer + " via 10.0.16." + peer);
    }

    @AfterEach
    void close() {
        from.close();
        to.close();
        first.close();
        second.close();
    }

    /**
     * The eBPF program's own lookup knows no ports: it would send to the remote itself, not to the
     * gateway.
     */
    @ParameterizedTest
    @CsvSource({
        "ipproto udp dport 4789, dev eth1, true",
        "ipproto udp dport 4789, via 10.0.17.2, false",
        "ipproto udp sport 1-65534, dev eth1, true",
        "tos 0x10, via 10.0.17.2, true"
    })
    void superFramesFollowTheRulesOfOtherPackets(String rule, String route, boolean uncut) {
        first.ip("route add 10.0.99.2 " + route + " table 100\nrule add " + rule + " lookup 100");
        long before = sentBytes("eth0");
        Traffic.tcp(first, second, "10.201.0.2", LENGTH);
        assertTrue(sentBytes("eth0") - before < LITTLE, () -> sentBytes("eth0") + " bytes by the other uplink");
        assertTrue(sentBytes("eth1") > LENGTH, () -> sentBytes("eth1") + " bytes");
        assertEquals(uncut, from.counters("v1").get("TX_UNCUT") > 0, "super-frames left uncut");
    }

    @Test
    void aConnectionStaysOnOneOfTwoInterfaces() {
        first.sysctl("net.ipv4.fib_multipath_hash_policy", "1");
        first.ip("route replace 10.0.99.2 nexthop via 10.0.16.2 dev eth0 nexthop via 10.0.17.2 dev eth1");
        connectionsStayOnOneOfTwoPaths();
    }

    /** The redirect program would send all packets to the first gateway. */
    @Test
    void aConnectionStaysWithOneOfTwoGatewaysOfAnInterface() {
        second.sysctl("net.ipv4.conf.all.arp_ignore", "1");
        second.ip("link add link eth0 name router type macvlan mode bridge\naddress add 10.0.16.3/24 dev router\n"
                + "link set router up");
        first.sysctl("net.ipv4.fib_multipath_hash_policy", "1");
        first.ip("route replace 10.0.99.2 nexthop via 10.0.16.2 dev eth0 nexthop via 10.0.16.3 dev eth0");
        connectionsStayOnOneOfTwoPaths();
    }

    /** Which path a connection takes depends on ports that the host chooses. */
    private void connectionsStayOnOneOfTwoPaths() {
        Map<Integer, Set<String>> paths = new HashMap<>();
        try (PacketSocket eth0 = PacketSocket.open(second, "eth0");
                PacketSocket eth1 = PacketSocket.open(second, "eth1")) {
            for (int connections = 0; connections < 8 || used(paths).size() < 2; connections++) {
                assertTrue(connections < 64, "all on one path");
                Traffic.tcp(first, second, "10.201.0.2", LENGTH / 8);
                note(paths, "eth0 ", eth0.take());
                note(paths, "eth1 ", eth1.take());
            }
        }
        paths.forEach((port, taken) -> assertEquals(1, taken.size(), () -> "source port " + port + ": " + taken));
        assertEquals(2, used(paths).size(), paths::toString);
        assertTrue(from.counters("v1").get("TX_UNCUT") > 0, "super-frames left uncut");
    }

    private static Set<String> used(Map<Integer, Set<String>> paths) {
        Set<String> all = new HashSet<>();
        paths.values().forEach(all::addAll);
        return all;
    }

    /** A path is an interface of the receiver, and the MAC address of the gateway. */
    private static void note(Map<Integer, Set<String>> paths, String device, List<byte[]> frames) {
        for (byte[] frame : frames) {
            if (WirePacket.isUdpOrFragment(frame) && new WirePacket(frame).destinationPort() == 4789) {
                String path = device + HexFormat.of().formatHex(frame, 0, 6);
                paths.computeIfAbsent(new WirePacket(frame).sourcePort(), port -> new HashSet<>())
                        .add(path);
            }
        }
    }

    /** Its address is announced to the underlay; packets leave by the uplinks. */
    @Test
    void theMtuOfALoopbackInterfaceIsNotTheUnderlays() {
        from.control()
                .post("{\"object\":\"link\",\"action\":\"add\",\"dev\":\"v2\","
                        + "\"attributes\":{\"id\":2,\"local\":\"10.0.99.1\"}}");
        assertTrue(first.ipJson("link show v2").contains("\"mtu\":1450,"), () -> first.ipJson("link show v2"));
    }

    private long sentBytes(String device) {
        return JsonParser.parseString(first.ipJson("-s link show " + device))
                .getAsJsonArray()
                .get(0)
                .getAsJsonObject()
                .getAsJsonObject("stats64")
                .getAsJsonObject("tx")
                .get("bytes")
                .getAsLong();
    }
}
