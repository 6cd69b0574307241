package org.weft.it;

import static java.util.Map.entry;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.testing.RequiresRoot;

/** A cell needs its VTEP as it laid it, so it puts back what others change there. */
@RequiresRoot
class CellRepairIT {
    private static final String DEVICE = CellHost.DEVICE;
    private static final String LEASES =
            """
            - {underlay_ip: 10.0.16.16, overlay_subnet: 10.255.99.0/24}
            - {underlay_ip: 10.0.16.14, overlay_subnet: 10.255.43.0/24}
            """;
    private static final String NOTHING = "[]";
    private static final String CONVERGE = "/v1/converge";
    private static final List<String> ROUTES = List.of(
            "10.255.0.0/16 proto kernel scope link src 10.255.99.0", "10.255.43.0/24 via 10.255.43.0 src 10.255.99.0");

    /** Changes by {@code ip}, with the lines that {@code weft converge} shows. */
    private static final Map<String, String> CHANGES = Map.ofEntries(
            entry("address flush dev silk-vtep", "silk-vtep: without address 10.255.99.0/16"),
            entry(
                    "link set silk-vtep address 02:11:22:33:44:55",
                    "silk-vtep: MAC address 02:11:22:33:44:55 and not ee:ee:0a:ff:63:00"),
            entry("link set silk-vtep mtu 900", "silk-vtep: MTU 900 and not 1450"),
            entry("link set silk-vtep down", "silk-vtep: down"),
            entry("route flush dev silk-vtep", "silk-vtep: without the route of address 10.255.99.0/16"),
            entry(
                    "link set s-010255099003 mtu 900",
                    "container 10.255.99.3: s-010255099003 has the MTU 900 and not 1450"),
            entry("link set s-010255099003 down", "container 10.255.99.3: s-010255099003 is not up"),
            entry("link set s-010255099003 arp on", "container 10.255.99.3: s-010255099003 does ARP"),
            entry(
                    "link set s-010255099003 address 02:11:22:33:44:55",
                    "container 10.255.99.3: s-010255099003 has not the MAC"),
            entry(
                    "address flush dev s-010255099003",
                    "container 10.255.99.3: s-010255099003 has not the address 169.254.0.1"),
            entry(
                    "route flush dev s-010255099003",
                    "container 10.255.99.3: s-010255099003 has no route to 10.255.99.3"),
            entry(
                    "neigh flush dev s-010255099003 nud permanent",
                    "container 10.255.99.3: s-010255099003 has not the permanent"));

    /** Changes by {@code sysctl}, with the same. */
    private static final Map<String, String> SETTINGS = Map.of(
            "net.ipv4.ip_forward=0", "sysctl net/ipv4/ip_forward: 0 and not 1",
            "net.ipv4.conf.silk-vtep.forwarding=0", "sysctl net/ipv4/conf/silk-vtep/forwarding: 0 and not 1",
            "net.ipv4.conf.s-010255099003.rp_filter=0",
                    "container 10.255.99.3: net/ipv4/conf/s-010255099003/rp_filter is not 1",
            "net.ipv4.conf.s-010255099003.forwarding=0",
                    "container 10.255.99.3: net/ipv4/conf/s-010255099003/forwarding is not 1",
            "net.ipv6.conf.s-010255099003.disable_ipv6=0",
                    "container 10.255.99.3: net/ipv6/conf/s-010255099003/disable_ipv6 is not 1");

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @TempDir
    private static Path directory;

    private static Netns host;
    private static Netns other;
    private static WeftDaemon daemon;

    /** The offset where the log of this test, or of this change, begins. */
    private int logged;

    @BeforeAll
    static void open() throws IOException {
        Path leases = Files.writeString(directory.resolve("leases.yml"), LEASES);
        host = Netns.create("host");
        other = Netns.create("other");
        host.ip(
                "link add eth0 type veth peer name eth1\nlink set eth1 up\naddress add 10.0.16.16/24 dev eth0\nlink set eth0 up");
        daemon = new WeftDaemon(
                host,
                """
                underlay: {local: 10.0.16.16}
                cell:
                  state: %s
                  leases: {file: %s}
                """
                        .formatted(directory.resolve("state"), leases));
        daemon.start();
        Await.until("the routes are laid", PATIENCE, CellRepairIT::connected);
        Command attached = daemon.client("cell", "attach", other.name(), "--ip", "10.255.99.3");
        assertEquals(0, attached.exitCode(), attached::toString);
    }

    private static boolean connected() {
        return routes().equals(ROUTES);
    }

    @BeforeEach
    void everythingIsAsLaid() {
        expectReachable();
        assertEquals(NOTHING, plan());
        logged = daemon.log().length();
    }

    @AfterAll
    static void close() {
        if (daemon != null) {
            daemon.close();
        }
        other.close();
        host.close();
    }

    @Test
    void aRenamedDeviceIsNamedBack() {
        host.ip("link set " + DEVICE + " name eth9");
        awaitLog("repaired silk-vtep: name, was eth9");
        assertEquals(ROUTES, routes());
        assertTrue(!host.hasDevice("eth9"));
    }

    @Test
    void aForeignDeviceOfTheSameNameIsNotTouched() {
        host.ip("link add stranger type veth peer name end");
        host.exec("kill", "-STOP", Long.toString(daemon.pid()));
        host.ip("link set " + DEVICE + " name eth9\nlink set stranger name " + DEVICE + "\nlink set " + DEVICE + " up");
        host.exec("kill", "-CONT", Long.toString(daemon.pid()));
        Await.until("trouble", CellRepairIT::weft, weft -> weft.get("trouble")
                .toString()
                .contains("the TAP device was renamed to eth9 and cannot be"));
        assertEquals(503, daemon.control().attempt("GET", "/readyz", "").status());
        Command converge = daemon.client("converge");
        assertEquals("nothing to change\n", converge.output(), converge::toString);
        assertEquals(ROUTES, routes("eth9"));
        assertEquals(List.of(), routes());

        host.ip("link set " + DEVICE + " name stranger");
        awaitLog("repaired silk-vtep: name, was eth9");
        assertEquals(ROUTES, routes());
        Await.until(
                "no trouble", CellRepairIT::weft, weft -> weft.get("trouble").isJsonNull());
        host.ip("link del stranger");
    }

    @Test
    void aMovedDeviceIsMadeHereAgainAndLeavesNothingThere() {
        host.ip("link set " + DEVICE + " netns " + other.name());
        Await.until("the routes are laid again", PATIENCE, CellRepairIT::connected);
        Await.until("nothing is left there", () -> !other.hasDevice(DEVICE));
        assertTrue(
                log().contains("silk-vtep: the TAP device was moved to network namespace " + other.name()
                        + ", but the cell needs it here"),
                daemon::log);
    }

    @Test
    void changesByIpAreRepaired() {
        CHANGES.forEach((change, shown) -> {
            expectRepair(() -> host.ip(change), shown);
            assertEquals(ROUTES, routes(), change);
        });
    }

    @Test
    void changedSettingsAreRepaired() {
        SETTINGS.forEach((change, shown) -> expectRepair(() -> host.exec("sysctl", "-qw", change), shown));
    }

    private static void expectReachable() {
        other.exec("ping", "-c", "1", "-W", "5", "10.255.99.0");
    }

    private static String plan() {
        return daemon.control().attempt("GET", CONVERGE, "").body().strip();
    }

    private static String converge() {
        return daemon.control().attempt("POST", CONVERGE, "{}").body();
    }

    private void expectRepair(Runnable change, String shown) {
        logged = daemon.log().length();
        change.run();
        String planned = plan();
        String done = converge();
        String repaired = "repaired " + shown;
        // The daemon's own pass may come before a question.
        assertTrue(planned.contains(repaired) || log().contains(repaired), planned);
        assertTrue(done.contains(repaired) || log().contains(repaired), done);
        awaitLog(repaired);
        assertEquals(NOTHING, plan(), shown);
        expectReachable();
    }

    /** The cell repairs these without a command within seconds, because containers are cut off. */
    @Test
    void aLostAddressComesBackByItself() {
        host.ip("address flush dev " + DEVICE);
        awaitLog("repaired silk-vtep: without address 10.255.99.0/16");
        Await.until("the routes are laid again", PATIENCE, CellRepairIT::connected);
        host.ip("link set " + DEVICE + " address 02:11:22:33:44:55");
        awaitLog("repaired silk-vtep: MAC address 02:11:22:33:44:55");
        expectReachable();
    }

    /** An operator may set the device down with a command of Weft, and Weft leaves it down. */
    @Test
    void aDeviceThatWeftSetDownStaysDown() {
        Command down = daemon.client("link", "set", DEVICE, "down");
        assertEquals(0, down.exitCode(), down::toString);
        converge();
        assertFalse(host.exec("ip", "link", "show", "dev", DEVICE).contains(",UP"));
        Command up = daemon.client("link", "set", DEVICE, "up");
        assertEquals(0, up.exitCode(), up::toString);
        converge();
        Await.until("the routes are laid again", PATIENCE, CellRepairIT::connected);
    }

    @Test
    void linkShowHasTheAddressesThatTheDeviceHas() {
        host.ip("address add 10.255.99.77/32 dev " + DEVICE);
        String shown = daemon.client("-d", "link", "show", DEVICE).output();
        assertTrue(shown.contains("inet 10.255.99.0/16\n") && shown.contains("inet 10.255.99.77/32\n"), shown);
        host.ip("address del 10.255.99.77/32 dev " + DEVICE);
        shown = daemon.client("-d", "link", "show", DEVICE).output();
        assertFalse(shown.contains("10.255.99.77"), shown);
    }

    private void awaitLog(String sentence) {
        Await.until(sentence, PATIENCE, () -> log().contains(sentence));
    }

    private String log() {
        return daemon.log().substring(logged);
    }

    private static JsonObject weft() {
        return daemon.control()
                .get("/v1/link?dev=" + DEVICE)
                .getAsJsonArray()
                .get(0)
                .getAsJsonObject()
                .getAsJsonObject("weft");
    }

    private static List<String> routes() {
        return routes(DEVICE);
    }

    private static List<String> routes(String device) {
        Command routes = host.attempt("ip", "route", "show", "dev", device);
        return routes.exitCode() == 0
                ? routes.output().lines().map(String::strip).toList()
                : List.of();
    }
}
