package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
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
    private static final List<String> ROUTES = List.of(
            "10.255.0.0/16 proto kernel scope link src 10.255.99.0", "10.255.43.0/24 via 10.255.43.0 src 10.255.99.0");

    @TempDir
    private Path directory;

    private Netns host;
    private Netns other;
    private WeftDaemon daemon;

    @BeforeEach
    void open() throws IOException {
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
        Await.until("the routes are laid", this::routes, ROUTES::equals);
    }

    @AfterEach
    void close() {
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
        Await.until("trouble", this::weft, weft -> weft.get("trouble")
                .toString()
                .contains("the TAP device was renamed to eth9 and cannot be"));
        Command converge = daemon.client("converge");
        assertEquals("nothing to change\n", converge.output(), converge::toString);
        assertEquals(ROUTES, routes("eth9"));
        assertEquals(List.of(), routes());

        host.ip("link set " + DEVICE + " name stranger");
        awaitLog("repaired silk-vtep: name, was eth9");
        assertEquals(ROUTES, routes());
        Await.until("no trouble", this::weft, weft -> weft.get("trouble").isJsonNull());
    }

    @Test
    void aMovedDeviceIsMadeHereAgainAndLeavesNothingThere() {
        host.ip("link set " + DEVICE + " netns " + other.name());
        Await.until("the routes are laid again", this::routes, ROUTES::equals);
        Await.until("nothing is left there", () -> !other.hasDevice(DEVICE));
        assertTrue(
                daemon.log()
                        .contains("silk-vtep: the TAP device was moved to network namespace " + other.name()
                                + ", but the cell needs it here"),
                daemon::log);
    }

    private void awaitLog(String sentence) {
        Await.until(sentence, daemon::log, log -> log.contains(sentence));
    }

    private JsonObject weft() {
        return daemon.control()
                .get("/v1/link?dev=" + DEVICE)
                .getAsJsonArray()
                .get(0)
                .getAsJsonObject()
                .getAsJsonObject("weft");
    }

    private List<String> routes() {
        return routes(DEVICE);
    }

    private List<String> routes(String device) {
        Command routes = host.attempt("ip", "route", "show", "dev", device);
        return routes.exitCode() == 0
                ? routes.output().lines().map(String::strip).toList()
                : List.of();
    }
}
