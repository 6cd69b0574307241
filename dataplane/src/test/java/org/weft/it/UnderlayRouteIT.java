package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.it.OverlayHost.Underlay;
import org.weft.testing.RequiresRoot;

/** What the underlay's route to a remote decides: whether that is this host itself, and how long a packet may be. */
@RequiresRoot
@ParameterizedClass
@MethodSource("org.weft.it.Subject#all")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class UnderlayRouteIT {
    private static final String DEVICE = "silk-vtep";
    private static final String OTHER_DEVICE = "other-vtep";
    private static final String OWN_MAC = "ee:ee:0a:ff:84:00";
    private static final String OTHER_MAC = "ee:ee:0a:ff:85:00";
    private static final String PEER_MAC = "ee:ee:0a:ff:63:00";

    /** Of the route; the interface takes 1500. */
    private static final int ROUTE_MTU = 1300;

    private static final byte[] LONG = Packets.ethernet(PEER_MAC, OWN_MAC, Packets.EXPERIMENT, new byte[1400]);
    private static final byte[] SHORT = Packets.ethernet(PEER_MAC, OWN_MAC, Packets.EXPERIMENT, new byte[46]);

    @Parameter
    private Subject subject;

    private HostLab lab;

    @BeforeParameterizedClassInvocation
    void open() {
        lab = HostLab.open(subject);
        lab.host.ip("route add " + HostLab.REMOTE_IP + "/32 dev eth0 mtu " + ROUTE_MTU + "\nroute add "
                + HostLab.REMOTE_IP6 + "/128 dev eth0 mtu " + ROUTE_MTU);
    }

    @AfterParameterizedClassInvocation
    void close() {
        if (lab != null) {
            lab.close();
        }
    }

    /** What the kernel's device hands over by {@code localbypass}, and Weft by way of loopback. */
    @ParameterizedTest
    @ValueSource(strings = {"local 10.0.16.14 dev eth0", "local 10.0.16.14", "local fd00:16::e dev eth0"})
    void whatIsForThisHostComesOutOfItsOtherVtep(String underlay) {
        String local = underlay.split(" ")[1];
        lab.endpoint.add(new Device(DEVICE, OWN_MAC, 1410, "id 1 dstport 4789 nolearning " + underlay));
        lab.endpoint.add(new Device(OTHER_DEVICE, OTHER_MAC, 1410, "id 2 dstport 4789 nolearning " + underlay));
        try (PacketSocket device = lab.socket(DEVICE);
                PacketSocket other = lab.socket(OTHER_DEVICE)) {
            lab.wire.clear();
            lab.endpoint.fdb("append", PEER_MAC, DEVICE, "dst " + local + " vni 2");
            device.send(SHORT);
            other.await("frame for this host", frame -> Arrays.equals(frame, SHORT));
            assertEquals(List.of(), lab.wire.received(WirePacket::isUdpOrFragment));
        } finally {
            lab.endpoint.remove(DEVICE);
            lab.endpoint.remove(OTHER_DEVICE);
        }
    }

    @Test
    void fragmentsWhatTheRouteDoesNotTake() {
        List<byte[]> fragments = fragments("local 10.0.16.14 dev eth0", HostLab.REMOTE_IP);
        assertArrayEquals(LONG, new WirePacket(Fragments.join(fragments)).inner());
    }

    /** The kernel's device drops it, and relies on the inner route's MTU, which it lowers. */
    @Test
    void fragmentsWhatTheRouteDoesNotTakeOverIpv6() {
        if (subject == Subject.WEFT) {
            fragments("local fd00:16::e dev eth0", HostLab.REMOTE_IP6);
        }
    }

    private List<byte[]> fragments(String underlay, String remote) {
        return with(underlay, remote, side -> {
            List<byte[]> fragments =
                    side.send(LONG, 2).stream().map(WirePacket::bytes).toList();
            assertTrue(
                    fragments.stream().allMatch(fragment -> fragment.length <= 14 + ROUTE_MTU),
                    () -> PacketSocket.dump(fragments));
            return fragments;
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"df set", "df inherit"})
    void dropsWhatTheRouteDoesNotTakeAndMayNotBeCut(String df) {
        boolean inherit = df.equals("df inherit");
        byte[] frame = inherit ? ipv4WithDf() : LONG;
        with("local 10.0.16.14 dev eth0 " + df, HostLab.REMOTE_IP, side -> {
            Map<String, Long> before = side.drops();
            assertEquals(List.of(), side.sendBeforeMarker(List.of(frame), SHORT));
            if (subject == Subject.WEFT) {
                Map<String, Long> reasons = Map.of("PKT_TOO_BIG", 1L);
                Await.until("drop", () -> TransmitSide.since(before, side.drops()), reasons::equals);
            }
            return null;
        });
    }

    private static byte[] ipv4WithDf() {
        Packets.Ip ip = Packets.Ip.of("10.255.132.2", "10.255.99.3").df(true);
        return Packets.udpFrame(PEER_MAC, OWN_MAC, ip, 5555, 7777, new byte[1372]);
    }

    private <T> T with(String underlay, String remote, Function<TransmitSide, T> check) {
        TransmitSide side = new TransmitSide(lab);
        side.addDevice(new Device(DEVICE, OWN_MAC, 1410, "id 1 dstport 4789 nolearning " + underlay));
        try {
            side.fdb("append", PEER_MAC, "dst " + remote + " self permanent");
            return check.apply(side);
        } finally {
            side.removeDevice();
        }
    }

    /** Super-frames and single packets of containers alike; the kernel's device does not fragment over IPv6. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everythingArrivesOverARouteThatTakesLessThanTheInterface(boolean ipv6) {
        if (ipv6 && subject == Subject.KERNEL) {
            return;
        }
        try (OverlayLab overlay = OverlayLab.open(subject, subject, new Underlay(ipv6, 1500, "shared"))) {
            for (OverlayHost host : overlay.hosts()) {
                String peer = overlay.peerOf(host).underlayIp();
                host.host.ip("route add " + peer + (ipv6 ? "/128" : "/32") + " dev eth0 mtu " + ROUTE_MTU);
            }
            OverlayHost to = overlay.second;
            Traffic.ping(overlay.first.app, to.appIp(), 1382);
            Traffic.tcp(overlay.first.app, to.app, to.appIp(), 4 << 20);
            Traffic.udpEcho(overlay.first.app, to.app, to.appIp(), IntStream.of(0, 1200, 1300, 1382, 9000, 60_000));
        }
    }
}
