package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.it.CellHost.Lease;
import org.weft.testing.RequiresRoot;

/** A cell whose configuration names its underlay interface only, as on a host with DHCP. */
@RequiresRoot
class LateCellIT {
    private static final Lease OWN = new Lease("10.0.16.14", "10.255.1.0/24");
    private static final Lease OTHER = new Lease("10.0.16.16", "10.255.2.0/24");
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int UNAVAILABLE = 69;

    @TempDir
    private Path directory;

    private Netns host;
    private Netns peer;

    @BeforeEach
    void open() throws IOException {
        host = Netns.create("host");
        peer = Netns.create("peer");
        Files.writeString(directory.resolve("leases.yml"), OWN.line() + OTHER.line());
    }

    @AfterEach
    void close() {
        peer.close();
        host.close();
    }

    @Test
    void comesUpOnceItsInterfaceHasAnAddress() {
        try (WeftDaemon daemon = new WeftDaemon(host, config()).start()) {
            String missing = "this host has no underlay interface eth0; waiting for it";
            assertEquals("503 " + missing, readiness(daemon));
            Command leases = daemon.client("lease", "show");
            assertEquals(UNAVAILABLE, leases.exitCode(), leases::toString);
            assertTrue(leases.output().contains(missing), leases::toString);

            plumb();
            String unnamed = "the underlay interface eth0 has no IPv4 address; waiting for it";
            Await.until(unnamed, PATIENCE, () -> readiness(daemon).equals("503 " + unnamed));

            host.ip("address add " + OWN.underlay() + "/24 dev eth0");
            Await.until("the peer answers", PATIENCE, this::pings);
            Await.until("ready", PATIENCE, () -> readiness(daemon).equals("200 ok"));
            assertEquals(2, daemon.log().split("waiting for it", -1).length - 1, daemon::log);
            assertEquals(0, daemon.terminate());
        }
    }

    /** The lease belongs to the address, so the service manager starts the daemon again. */
    @Test
    void endsWhenItsInterfaceGetsAnotherAddress() {
        plumb();
        host.ip("address add " + OWN.underlay() + "/24 dev eth0");
        try (WeftDaemon daemon = new WeftDaemon(host, config()).start()) {
            Await.until("the peer answers", PATIENCE, this::pings);
            host.ip("address del " + OWN.underlay() + "/24 dev eth0\naddress add 10.0.16.15/24 dev eth0\n");
            String moved = "the underlay interface eth0 has the address 10.0.16.15 in place of 10.0.16.14: this"
                    + " process ends, to be started again";
            Await.until(moved, PATIENCE, () -> daemon.log().contains(moved));
            assertEquals(UNAVAILABLE, daemon.exitCode());
        }
    }

    private void plumb() {
        host.ip("link add eth0 type veth peer name eth0 netns " + peer.name() + "\nlink set eth0 up\n");
        peer.ip("address add " + OTHER.underlay() + "/24 dev eth0\nlink set eth0 up\n");
        new KernelCell(peer, OTHER).lay(List.of(OWN, OTHER));
    }

    private String config() {
        return """
               underlay: {dev: eth0}
               cell:
                 leases: {file: %1$s/leases.yml}
                 state: %1$s/state
               """
                .formatted(directory);
    }

    private boolean pings() {
        return host.attempt("ping", "-c", "1", "-W", "1", OTHER.base()).exitCode() == 0;
    }

    private static String readiness(WeftDaemon daemon) {
        ControlClient.Answer answer = daemon.control().attempt("GET", "/readyz", "");
        return answer.status() + " " + answer.body().strip();
    }
}
