package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.weft.testing.RequiresRoot;

/**
 * An underlay address or interface that comes after the daemon: DHCP, duplicate address detection,
 * a bond made later.
 */
@RequiresRoot
class LateUnderlayIT {
    private static final String LOCAL = "10.0.16.14";
    private static final String LOCAL6 = "fd00:16::e";
    private static final String PEER_IP = "192.168.9.2";
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private Netns host;
    private Netns peer;

    @BeforeEach
    void open() {
        host = Netns.create("host");
        peer = Netns.create("peer");
    }

    @AfterEach
    void close() {
        peer.close();
        host.close();
    }

    @Test
    void waitsForAnAddress() {
        plumb(1500);
        connect("10.0.16.16/24", LOCAL);
        try (WeftDaemon daemon = start("local: " + LOCAL)) {
            String waiting = "no interface has the underlay address " + LOCAL + "; waiting for it";
            awaitTrouble(daemon, waiting);
            host.ip("address add " + LOCAL + "/24 dev eth0");
            awaitPing(daemon);
            assertEquals(1, daemon.log().split(waiting, -1).length - 1, daemon::log);
        }
    }

    @Test
    void waitsForTheEndOfDuplicateAddressDetection() {
        plumb(1500);
        host.sysctl("net.ipv6.conf.eth0.disable_ipv6", "0");
        peer.sysctl("net.ipv6.conf.eth0.disable_ipv6", "0");
        connect("fd00:16::10/64", LOCAL6);
        try (WeftDaemon daemon = start("local: '" + LOCAL6 + "'")) {
            awaitTrouble(daemon, "no interface has the underlay address " + LOCAL6 + "; waiting for it");
            // Each takes a second, and the daemon looks once a second.
            host.sysctl("net.ipv6.conf.eth0.dad_transmits", "6");
            host.ip("address add " + LOCAL6 + "/64 dev eth0");
            awaitPing(daemon);
            String tentative = "the underlay address " + LOCAL6
                    + " is tentative, because IPv6 duplicate address detection has not ended; waiting for it";
            assertTrue(daemon.log().contains(tentative), daemon::log);
        }
    }

    @Test
    void saysThatAnAddressIsAnotherHostsAndDoesNotWaitForIt() {
        plumb(1500);
        host.sysctl("net.ipv6.conf.eth0.disable_ipv6", "0");
        peer.sysctl("net.ipv6.conf.eth0.disable_ipv6", "0");
        peer.ip("address add " + LOCAL6 + "/64 dev eth0 nodad");
        host.ip("address add " + LOCAL6 + "/64 dev eth0");
        try (WeftDaemon daemon = start("local: '" + LOCAL6 + "'")) {
            awaitTrouble(
                    daemon,
                    "the underlay address " + LOCAL6 + " is refused, because duplicate address detection found another"
                            + " host with it; give one of the two hosts another address");
        }
    }

    /** The VTEP's MTU follows from that of the interface, once that is known. */
    @Test
    void waitsForAnInterface() {
        try (WeftDaemon daemon = start("dev: eth0, local: " + LOCAL)) {
            awaitTrouble(daemon, "this host has no underlay interface eth0; waiting for it");
            plumb(1400);
            connect("10.0.16.16/24", LOCAL);
            host.ip("address add " + LOCAL + "/24 dev eth0");
            awaitPing(daemon);
            JsonObject device = JsonParser.parseString(host.ipJson("link show vx0"))
                    .getAsJsonArray()
                    .get(0)
                    .getAsJsonObject();
            assertEquals(1400 - 50, device.get("mtu").getAsInt());
        }
    }

    /** Compares Weft with the kernel's device. */
    @Test
    void linkAddTakesAnAddressThatIsNotThere() {
        plumb(1500);
        host.ip("link add kernel0 type vxlan id 7 local " + LOCAL + " dstport 4790");
        host.ip("link set kernel0 up");
        try (WeftDaemon daemon = new WeftDaemon(host, null).start()) {
            Command add = daemon.client("link", "add", "vx0", "type", "vxlan", "id", "42", "local", LOCAL);
            assertEquals(0, add.exitCode(), add::toString);
            awaitTrouble(daemon, "no interface has the underlay address " + LOCAL + "; waiting for it");
            host.ip("address add " + LOCAL + "/24 dev eth0");
            Await.until(
                    "all is well", PATIENCE, () -> link(daemon).get("trouble").isJsonNull());
        }
    }

    private void plumb(int mtu) {
        host.ip("link add eth0 mtu " + mtu + " type veth peer name eth0 mtu " + mtu + " netns " + peer.name()
                + "\nlink set eth0 up\n");
        peer.ip("link set eth0 up");
    }

    /** The peer is a kernel's VTEP, which has its address already. */
    private void connect(String address, String host) {
        boolean ipv4 = !address.contains(":");
        peer.ip("address add " + address + " dev eth0" + (ipv4 ? "" : " nodad") + "\n"
                + "link add vx0 type vxlan id 42 local " + address.replaceFirst("/.*", "") + " remote " + host
                + " dstport 4789" + (ipv4 ? "" : " udp6zerocsumrx") + "\n"
                + "address add " + PEER_IP + "/24 dev vx0\nlink set vx0 mtu 1300 up\n");
    }

    private WeftDaemon start(String underlay) {
        String remote = underlay.contains("fd00") ? "fd00:16::10" : "10.0.16.16";
        String config =
                """
                underlay: {%s}
                vteps:
                  - name: vx0
                    vni: 42
                    address: 192.168.9.1/24
                    learning: true
                    fdb: [{mac: "00:00:00:00:00:00", dst: "%s"}]
                """
                        .formatted(underlay, remote);
        WeftDaemon daemon = new WeftDaemon(host, config);
        try {
            return daemon.start();
        } catch (Throwable e) {
            daemon.close();
            throw e;
        }
    }

    private static JsonObject link(WeftDaemon daemon) {
        JsonElement link =
                daemon.control().get("/v1/link?dev=vx0").getAsJsonArray().get(0);
        return link.getAsJsonObject().getAsJsonObject("weft");
    }

    private static void awaitTrouble(WeftDaemon daemon, String sentence) {
        Await.until("trouble: " + sentence, PATIENCE, () -> {
            JsonElement trouble = link(daemon).get("trouble");
            return !trouble.isJsonNull() && trouble.getAsString().equals(sentence);
        });
    }

    private void awaitPing(WeftDaemon daemon) {
        Await.until(
                "the peer answers",
                PATIENCE,
                () -> host.attempt("ping", "-c", "1", "-W", "1", PEER_IP).exitCode() == 0);
        assertTrue(daemon.isAlive(), daemon::log);
        Await.until("all is well", PATIENCE, () -> link(daemon).get("trouble").isJsonNull());
    }
}
