package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.testing.RequiresRoot;

/** An operator's commands to a cell, and what silk-cni and a supervisor ask it, against a daemon with a file of leases. */
@RequiresRoot
class CellCommandsIT {
    private static final String LEASES =
            """
            - {underlay_ip: 10.0.16.16, overlay_subnet: 10.255.99.0/24}
            - {underlay_ip: 10.0.16.14, overlay_subnet: 10.255.43.0/24}
            - {underlay_ip: 10.0.16.15, overlay_subnet: 10.255.0.9/32}
            - {underlay_ip: 10.0.16.17, overlay_subnet: 10.254.1.0/24}
            """;
    private static final String PEER =
            "10.255.43.0/24 via 10.255.43.0 dev silk-vtep lladdr ee:ee:0a:ff:2b:00 dst 10.0.16.14\n";
    private static final String CONTAINER =
            "10.255.99.3 dev s-010255099003 lladdr aa:aa:0a:ff:63:03 peer eth0 lladdr ee:ee:0a:ff:63:03 mtu 1450 netns ";

    @TempDir
    private Path directory;

    private Netns host;
    private Netns container;
    private WeftDaemon daemon;

    @BeforeEach
    void open() throws IOException {
        Path leases = Files.writeString(directory.resolve("leases.yml"), LEASES);
        host = Netns.create("host");
        container = Netns.create("app");
        host.ip(
                "link add eth0 type veth peer name eth1\nlink set eth1 up\naddress add 10.0.16.16/24 dev eth0\nlink set eth0 up");
        daemon = new WeftDaemon(
                host,
                """
                underlay: {local: 10.0.16.16}
                metrics: 127.0.0.1:9477
                cell:
                  state: %s
                  leases: {file: %s}
                """
                        .formatted(directory.resolve("state"), leases));
        daemon.start();
        Await.until(
                "the cell is ready",
                () -> daemon.control().attempt("GET", "/readyz", "").status() == 200);
    }

    @AfterEach
    void close() {
        if (daemon != null) {
            daemon.close();
        }
        container.close();
        host.close();
    }

    private String weft(String line) {
        Command command = daemon.client(line.split(" "));
        assertEquals(0, command.exitCode(), command::toString);
        return command.output();
    }

    private String netns() {
        return "/run/netns/" + container.name();
    }

    @Test
    void attachesShowsAndDetachesAContainer() {
        String line = CONTAINER + netns() + "\n";
        assertEquals(line, weft("cell attach " + container.name() + " --ip 10.255.99.3"));
        assertEquals(line, weft("cell attach " + netns()));
        assertEquals(line, weft("cell show"));
        assertEquals(
                container.name(),
                Path.of(JsonParser.parseString(weft("-j cell"))
                                .getAsJsonObject()
                                .getAsJsonArray("containers")
                                .get(0)
                                .getAsJsonObject()
                                .get("netns")
                                .getAsString())
                        .getFileName()
                        .toString());
        assertTrue(container.exec("ip", "address", "show", "dev", "eth0").contains("10.255.99.3 peer 169.254.0.1/32"));

        assertEquals("", weft("cell detach " + container.name()));
        assertEquals("", weft("cell show"));
        Command again = daemon.client("cell", "detach", container.name());
        assertEquals(66, again.exitCode());
        assertEquals("weft: eth0 of " + netns() + " is not attached\n", again.output());
    }

    @Test
    void showsLeasesAndRepairsRoutes() {
        String file = directory.resolve("leases.yml").toString();
        String shown = weft("lease show");
        assertTrue(shown.matches("source file \\Q" + file + "\\E: current, tables of age \\d+ s\n(?s:.*)"), shown);
        assertTrue(
                shown.endsWith("\n10.255.99.0/24 dev silk-vtep lladdr ee:ee:0a:ff:63:00 dst 10.0.16.16 own\n"
                        + "10.255.0.9/32 dev silk-vtep lladdr ee:ee:0a:ff:00:09 dst 10.0.16.15\n" + PEER
                        + "skipped " + file + ":4: overlay_subnet 10.254.1.0/24 is not in the overlay 10.255.0.0/16\n"),
                shown);

        assertEquals("nothing to change\n", weft("converge --dry-run"));
        host.ip("route del 10.255.43.0/24");
        String repair = "! 10.255.43.0/24: 10.0.16.14 ee:ee:0a:ff:2b:00, route\n";
        assertEquals(repair, weft("converge --dry-run"));
        assertEquals(repair, weft("converge"));
        assertEquals("nothing to change\n", weft("converge"));
        assertTrue(host.exec("ip", "route").contains("10.255.43.0/24 via 10.255.43.0 dev silk-vtep"));
    }

    @Test
    void drainsWhenTheLastContainerHasLeft() throws InterruptedException {
        weft("cell attach " + container.name() + " --ip 10.255.99.3");
        Command early = daemon.client("drain", "--timeout", "1");
        assertEquals(75, early.exitCode(), early::toString);
        assertTrue(
                early.output()
                        .endsWith(
                                "weft: not drained, as 1 s have passed, and the cell continues as before: 1 container:"
                                        + " 10.255.99.3 (" + netns() + ")\n"),
                early.output());

        Process drain = daemon.startClient("drain", "--timeout", "60");
        Await.until(
                "no container is taken",
                () -> daemon.client("cell", "attach", "other").output().contains("draining"));
        weft("cell detach " + container.name());
        assertTrue(drain.waitFor(20, TimeUnit.SECONDS));
        assertEquals(0, drain.exitValue());
        assertEquals(0, daemon.exitCode());
        assertTrue(!host.hasDevice("silk-vtep"));
    }

    @Test
    void answersSilkCniAndASupervisor() {
        assertEquals(
                "{\"overlay_subnet\":\"10.255.99.0/24\",\"mtu\":1450}\n",
                host.exec("curl", "-sS", "-X", "PUT", "http://127.0.0.1:23954/any/path?at=all"));
        assertEquals("ok\n", host.exec("curl", "-sS", "http://127.0.0.1:9477/healthz"));
        assertEquals("ok\n", host.exec("curl", "-sS", "http://127.0.0.1:9477/readyz"));
    }
}
