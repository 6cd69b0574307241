package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.weft.it.Bytes.concat;
import static org.weft.it.Bytes.hex;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.counters.Counter;
import org.weft.it.Packets.Ip;
import org.weft.testing.RequiresRoot;

/**
 * The overlay cannot make itself the host's router, and the host says nothing into the overlay by itself. The host has
 * IPv6 on new devices, as distributions have.
 */
@RequiresRoot
class QuietHostIT {
    private static final String DEVICE = "vx";
    private static final String OWN_MAC = "ee:ee:0a:ff:7e:00";
    private static final long HEADER = 0x08000000_00000100L;
    private static final int ICMPV6 = 58;

    /** The kernel asks for routers 1, 5 and 9 seconds after it has an address. */
    private static final Duration IDLE = Duration.ofSeconds(11);

    private HostLab lab;
    private WeftDaemon daemon;

    @BeforeEach
    void open() {
        lab = HostLab.open(Subject.KERNEL);
        lab.host.sysctl("net.ipv6.conf.default.disable_ipv6", "0");
    }

    @AfterEach
    void close() {
        if (daemon != null) {
            daemon.close();
        }
        lab.close();
    }

    @Test
    void aHostWithoutTrafficDropsNothing() {
        start("address: 10.255.126.0/16");
        assertFalse(Await.holds(IDLE, () -> frames() > 0), () -> "sent by itself: " + daemon.drops(DEVICE));
        assertEquals(Map.of(), daemon.drops(DEVICE));
    }

    @Test
    void aDeviceThatIpAddressGivesAddressesToIsQuietUntilThen() {
        start("mtu: 1400");
        assertFalse(Await.holds(IDLE, () -> frames() > 0), () -> "sent by itself: " + daemon.drops(DEVICE));
        lab.host.ip("address add fd00:99::1/64 dev vx nodad");
        advertise();
        assertUntouched();
    }

    @Test
    void aRouterAdvertisementChangesNoRoute() {
        start("address: 10.255.126.0/16");
        advertise();
        assertUntouched();
        assertEquals("1", ipv6("disable_ipv6"));
    }

    @Test
    void aVtepThatInstallsIpv4NeighboursAsACellsDoesHasNoIpv6() {
        start(
                """
                address: 10.255.126.0/16
                    install-neighbours: true
                    neighbours: [{ip: 10.255.99.0, mac: "ee:ee:0a:ff:63:00"}]""");
        assertEquals("1", ipv6("disable_ipv6"));
        daemon.control()
                .post(
                        """
                        {"object":"neigh","action":"add","dev":"vx","dst":"fd00:99::3","lladdr":"ee:ee:0a:ff:63:00"}""");
        assertTrue(lab.host.ipJson("-6 neigh show dev vx nud permanent").contains("fd00:99::3"));
    }

    @Test
    void aRouterAdvertisementChangesNoRouteOfAVtepWithIpv6() {
        start("address: [10.255.126.0/16, \"fd00:99::1/64\"]");
        advertise();
        assertUntouched();
        assertEquals("0", ipv6("disable_ipv6"));
    }

    @Test
    void whatLetsRoutersInAgainIsUndone() {
        start("address: \"fd00:99::1/64\"");
        lab.host.sysctl("net.ipv6.conf.vx.accept_ra", "2");
        lab.host.sysctl("net.ipv4.conf.vx.accept_redirects", "1");
        Await.until(
                "routers are refused again",
                Duration.ofSeconds(20),
                () -> "0".equals(ipv6("accept_ra")) && "0".equals(sysctl("ipv4", "accept_redirects")));
    }

    @Test
    void anIpv6AddressComesAndGoesWithIpv6Itself() {
        start("address: 10.255.126.0/16");
        set("[\"10.255.126.0/16\", \"fd00:99::1/64\"]");
        assertTrue(addresses().contains("fd00:99::1"), this::addresses);
        advertise();
        assertUntouched();
        set("[\"10.255.126.0/16\"]");
        assertEquals("1", ipv6("disable_ipv6"));
        assertFalse(addresses().contains("fd00:99::1"), this::addresses);
    }

    @Test
    void aDeviceThatIsMadeAgainIsQuietAgain() {
        start("address: 10.255.126.0/16");
        String before = index();
        lab.host.ip("link del vx");
        Await.until(
                "the device is made again and quiet",
                Duration.ofSeconds(20),
                () -> lab.host.hasDevice(DEVICE) && !index().equals(before) && "1".equals(ipv6("disable_ipv6")));
        assertEquals("0", ipv6("accept_ra"));
    }

    @Test
    void aDeviceThatStayedKeepsTheIpv6AddressThatAnOperatorGaveIt() {
        start("address: 10.255.126.0/16\n    persist: true");
        lab.host.sysctl("net.ipv6.conf.vx.disable_ipv6", "0");
        lab.host.ip("address add fd00:99::1/64 dev vx nodad");
        lab.host.sysctl("net.ipv6.conf.vx.accept_ra", "2");
        daemon.kill();
        daemon.start();
        assertTrue(addresses().contains("fd00:99::1"), this::addresses);
        advertise();
        assertUntouched();
    }

    private void start(String attributes) {
        daemon = new WeftDaemon(
                lab.host,
                """
                underlay: {local: %s}
                vteps:
                  - name: vx
                    vni: 1
                    mac: "%s"
                    %s
                """
                        .formatted(HostLab.HOST_IP, OWN_MAC, attributes));
        daemon.start();
        Await.until(
                "the device is up",
                () -> lab.host.hasDevice(DEVICE)
                        && lab.host.ipJson("link show vx").contains("\"UP\""));
    }

    /** Sends a router advertisement through the overlay, with a prefix and a lifetime, and waits until it is delivered. */
    private void advertise() {
        byte[] prefix = concat(hex("0304 40c0 00015180 00003840 00000000"), Packets.address("2001:db8:bad::"));
        byte[] options = concat(hex("0101 020000000bad"), prefix);
        byte[] message = concat(hex("86000000 40000708 00000000 00000000"), options);
        Ip ip = Ip.of("fe80::bad", "ff02::1").ttl(255);
        int checksum = Packets.transportChecksum(ip, ICMPV6, message);
        System.arraycopy(Packets.u16(checksum), 0, message, 2, 2);
        byte[] frame = Packets.ethernet(
                "33:33:00:00:00:01", "02:00:00:00:0b:ad", Packets.IPV6, Packets.ip(ip, ICMPV6, message));
        long before = delivered();
        lab.wire.send(Datagram.vxlan(4789, HEADER, frame).frame());
        Await.until("the advertisement is delivered", () -> delivered() > before);
    }

    /** The kernel takes an advertisement in before {@code write} to the TAP returns or soon after. */
    private void assertUntouched() {
        assertFalse(
                Await.holds(
                        Duration.ofSeconds(1),
                        () -> !routers().equals("[]") || addresses().contains("2001:db8:bad")),
                () -> routers() + addresses());
    }

    private String routers() {
        return lab.host.ipJson("-6 route show default").replaceAll("\\s", "");
    }

    private String addresses() {
        return lab.host.ipJson("-6 address show dev vx");
    }

    private String index() {
        return lab.host.attempt("cat", "/sys/class/net/vx/ifindex").output();
    }

    private String ipv6(String key) {
        return sysctl("ipv6", key);
    }

    private String sysctl(String family, String key) {
        return lab.host
                .attempt("cat", "/proc/sys/net/" + family + "/conf/vx/" + key)
                .output()
                .strip();
    }

    private long frames() {
        return daemon.counters(DEVICE).getOrDefault(Counter.TX_FRAMES.name(), 0L);
    }

    private long delivered() {
        return daemon.counters(DEVICE).getOrDefault(Counter.RX_DELIVERED.name(), 0L);
    }

    private void set(String addresses) {
        String body = "{\"object\":\"link\",\"action\":\"set\",\"dev\":\"vx\",\"attributes\":{\"address\":" + addresses
                + "}}";
        ControlClient.Answer answer = daemon.control().attempt("POST", "/v1", body);
        assertEquals(200, answer.status(), answer::toString);
    }
}
