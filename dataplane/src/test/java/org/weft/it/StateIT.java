package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.weft.testing.Damage;
import org.weft.testing.RequiresRoot;

/** What a daemon keeps on disk: damaged, taken by another daemon, or on a disk that cannot be written. */
@RequiresRoot
class StateIT {
    private static final List<String> FILES = List.of("leases.json", "containers.json", "policies.json");

    @TempDir
    private Path directory;

    private Path state;
    private String config;
    private Netns host;
    private Netns app;
    private WeftDaemon daemon;

    @BeforeEach
    void open() throws IOException {
        Path leases = Files.writeString(
                directory.resolve("leases.yml"), "- {underlay_ip: 10.0.16.16, overlay_subnet: 10.255.99.0/24}\n");
        Path policies = Files.writeString(
                directory.resolve("policies.yml"), "tags: [{source: 10.255.99.1, tag: 7}]\nallow: []\n");
        state = directory.resolve("state");
        config =
                """
                underlay: {local: 10.0.16.16}
                cell:
                  state: %s
                  leases: {file: %s}
                policy: {mode: enforce, source: {file: %s}}
                """
                        .formatted(state, leases, policies);
        host = Netns.create("host");
        app = Netns.create("app");
        host.ip("link add eth0 type veth peer name eth1\nlink set eth1 up\naddress add 10.0.16.16/24 dev eth0\n"
                + "link set eth0 up");
        daemon = new WeftDaemon(host, config);
        start();
    }

    private void start() {
        daemon.start();
        Await.until(
                "the cell is ready",
                () -> daemon.control().attempt("GET", "/readyz", "").status() == 200);
    }

    @AfterEach
    void close() {
        daemon.close();
        app.close();
        host.close();
    }

    private ControlClient.Answer cell(String action, String netns) {
        return daemon.control()
                .attempt("POST", "/v1/cell", "{\"action\":\"" + action + "\",\"netns\":\"" + netns + "\"}");
    }

    private String weft(String line) {
        Command command = daemon.client(line.split(" "));
        assertEquals(0, command.exitCode(), command::toString);
        return command.output();
    }

    private JsonArray containers() {
        return daemon.control().get("/v1/cell").getAsJsonObject().getAsJsonArray("containers");
    }

    /** Unit tests have every damage of each file. */
    @ParameterizedTest
    @EnumSource(names = {"EMPTY_OBJECT", "TRUNCATED", "NOT_UTF_8", "DIRECTORY"})
    void aDaemonComesUpWithDamagedFilesAndFindsItsContainers(Damage damage) throws IOException {
        assertEquals(200, cell("attach", app.name()).status());
        Await.until("all are written", () -> FILES.stream().allMatch(file -> Files.exists(state.resolve(file))));
        daemon.terminate();
        for (String file : FILES) {
            damage.to(state.resolve(file));
        }
        start();

        for (String file : FILES) {
            List<String> said = daemon.log()
                    .lines()
                    .filter(line -> line.contains(state.resolve(file) + " is damaged ("))
                    .toList();
            assertEquals(1, said.size(), daemon::log);
            assertTrue(said.get(0).contains(" and was put aside as " + file + ".damaged-"), said::toString);
        }
        assertEquals(
                "10.255.99.1 dev s-010255099001 lladdr aa:aa:0a:ff:63:01 peer eth0 lladdr ee:ee:0a:ff:63:01 mtu 1450"
                        + " netns /run/netns/" + app.name() + " found\n",
                weft("cell show"));
        try (Netns other = Netns.create("other")) {
            assertTrue(cell("attach", other.name()).body().contains("\"address\":\"10.255.99.2\""));
            assertEquals(200, cell("detach", other.name()).status());
        }
        assertEquals(200, cell("detach", app.name()).status());
        assertFalse(host.hasDevice("s-010255099001"));
        assertEquals(0, containers().size());
    }

    /** Its namespace has no name and no process, but a veth keeps it. */
    @Test
    void aFoundContainerWithoutAKnownNamespaceGoesWithItsInterfaceOrByItsVethsName() throws IOException {
        assertEquals(200, cell("attach", app.name()).status());
        daemon.terminate();
        app.ip("link set eth0 address 02:00:00:00:00:07");
        Damage.EMPTY.to(state.resolve("containers.json"));
        start();
        assertTrue(weft("cell show").endsWith(" netns unknown found\n"));
        assertTrue(weft("cell show").startsWith("10.255.99.1 dev s-010255099001 "));

        host.ip("link del s-010255099001");
        assertEquals("", weft("cell show"), "it goes with its interface");
        assertTrue(cell("attach", app.name()).body().contains("\"address\":\"10.255.99.1\""));

        daemon.terminate();
        app.ip("link set eth0 address 02:00:00:00:00:07");
        Damage.EMPTY.to(state.resolve("containers.json"));
        start();
        assertEquals("", weft("cell detach s-010255099001"));
        assertFalse(host.hasDevice("s-010255099001"));
        assertEquals("", weft("cell show"));
    }

    @Test
    void aSecondDaemonOnTheSameStateIsRefusedBeforeItTouchesAnything() throws IOException {
        assertEquals(200, cell("attach", app.name()).status());
        Path file = state.resolve("containers.json");
        // As while it is being attached: a daemon that starts would undo it.
        Files.writeString(file, Files.readString(file).replace("\"laid\": true", "\"laid\": false"));
        String before = Files.readString(file);
        try (WeftDaemon second = new WeftDaemon(host, config)) {
            second.launch();
            assertEquals(69, second.exitCode());
            assertTrue(
                    second.log()
                            .matches("(?s).*another weft daemon \\(pid \\d+\\) uses the state directory \\Q" + state
                                    + "\\E: stop it, or give this one another state: DIRECTORY\\n"),
                    second::log);
        }
        assertEquals(before, Files.readString(file));
        assertTrue(host.hasDevice("s-010255099001"));
        assertTrue(app.hasDevice("eth0"));

        daemon.kill();
        Files.writeString(file, Files.readString(file).replace("\"laid\": false", "\"laid\": true"));
        start();
        assertEquals(1, containers().size(), "the lock of a killed daemon is free");
    }

    @Test
    void aContainerIsDetachedAlsoWhereTheDiskCannotBeWritten() throws IOException {
        assertEquals(200, cell("attach", app.name()).status());
        Files.createDirectories(state.resolve("containers.json.new/occupied"));
        assertEquals(200, cell("detach", app.name()).status());
        assertFalse(host.hasDevice("s-010255099001"));
        assertEquals(0, containers().size());
        ControlClient.Answer refused = cell("attach", app.name());
        assertEquals(409, refused.status());
        assertTrue(refused.body().contains("no address is given: " + state.resolve("containers.json")), refused.body());
        daemon.kill();
        start();
        assertEquals(0, containers().size(), "the file still names it, and its veth is gone");
    }
}
