package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.testing.RequiresRoot;

/** A daemon whose policies are in a file: its VTEP, be it a cell's or not, tags as the file says. */
@RequiresRoot
class PolicyFileIT {
    @TempDir
    private Path directory;

    private Netns host;
    private Path policies;
    private WeftDaemon daemon;

    @BeforeEach
    void open() throws IOException {
        host = Netns.create("host");
        host.ip("link add eth0 type veth peer name eth1\nlink set eth1 up\naddress add 10.0.16.16/24 dev eth0\n"
                + "link set eth0 up");
        policies = directory.resolve("policies.yml");
        write(1);
    }

    @AfterEach
    void close() {
        if (daemon != null) {
            daemon.close();
        }
        host.close();
    }

    private void write(int tag) throws IOException {
        Files.writeString(
                policies,
                "tags: [{source: 10.255.99.3, tag: %d}]\nallow: [{tag: 1, destination: 10.255.99.3, protocol: icmp}]\n"
                        .formatted(tag));
    }

    private void start(String config) {
        daemon = new WeftDaemon(
                host,
                "underlay: {local: 10.0.16.16}\n"
                        + config
                        + "policy: {state: %s, source: {file: %s}}\n".formatted(directory.resolve("state"), policies));
        daemon.start();
    }

    private void awaitTag(int tag) {
        Await.until("tag " + tag, () -> {
            Command command = daemon.client("tag", "show");
            return command.exitCode() == 0 && command.output().contains("10.255.99.3 dev silk-vtep tag " + tag);
        });
    }

    @Test
    void tagsOnPlainVtepAndStartsFromWhatWasSaved() throws IOException {
        start("vteps: [{name: silk-vtep, vni: 1, address: 10.255.99.0/16, gbp: true}]\n");
        awaitTag(1);
        write(2);
        awaitTag(2);
        assertEquals(0, daemon.terminate());
        assertTrue(Files.exists(directory.resolve("state").resolve("policies.json")));
        Files.delete(policies);
        daemon.start();
        awaitTag(2);
        assertTrue(daemon.log().contains(policies + " does not exist"), daemon::log);
    }

    @Test
    void tagsOnACellsVtep() throws IOException {
        Path leases = Files.writeString(
                directory.resolve("leases.yml"), "- {underlay_ip: 10.0.16.16, overlay_subnet: 10.255.99.0/24}\n");
        start("cell: {state: %s, leases: {file: %s}}\n".formatted(directory.resolve("cell"), leases));
        awaitTag(1);
        write(3);
        awaitTag(3);
    }
}
