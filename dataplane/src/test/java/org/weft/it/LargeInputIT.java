package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.testing.RequiresRoot;

/** Files that would fill the heap, which the daemon has with its launcher's flags, change nothing. */
@RequiresRoot
class LargeInputIT {
    private static final Duration PATIENCE = Duration.ofSeconds(120);
    private static final String LEASES =
            """
            - {underlay_ip: 10.0.16.14, overlay_subnet: 10.255.126.0/24}
            - {underlay_ip: 10.0.16.16, overlay_subnet: 10.255.99.0/24}
            """;
    private static final String POLICIES = "allow: [{tag: 1, destination: 10.255.126.3, protocol: tcp, ports: 7777}]\n";

    @TempDir
    private Path directory;

    private HostLab lab;

    @BeforeEach
    void open() {
        lab = HostLab.open(Subject.KERNEL);
    }

    @AfterEach
    void close() {
        lab.close();
    }

    @Test
    void whatFilesSaidLastStaysInForce() throws IOException {
        Path leases = Files.writeString(directory.resolve("leases.yml"), LEASES);
        Path policies = Files.writeString(directory.resolve("policies.yml"), POLICIES);
        String config =
                """
                underlay: {local: 10.0.16.14}
                cell:
                  state: %s
                  leases: {file: %s}
                policy:
                  source: {file: %s}
                """
                        .formatted(directory.resolve("state"), leases, policies);
        try (WeftDaemon daemon = new WeftDaemon(lab.host, config)) {
            daemon.start();
            awaitReadiness(daemon, "ok\n");

            replace(leases, "- {underlay_ip: 10.0.16.17, overlay_subnet: 10.255.98.0/24}\n".repeat(500_000));
            awaitReadiness(daemon, "has 28 MB, and Weft reads at most 8 MB of it");

            // Two bytes a value: the file is as large as may be, and what it would be made into is not.
            replace(leases, "[" + "a,".repeat(4_000_000) + "a]");
            replace(policies, "tags: [" + "a,".repeat(4_000_000) + "a]");
            awaitReadiness(daemon, "leases.yml:1: this is the value number 500001");
            awaitReadiness(daemon, "policies.yml:1: this is the value number 500001");

            String routes = lab.host.exec("ip", "route", "show", "dev", "silk-vtep");
            assertTrue(routes.contains("10.255.99.0/24"), routes);
            assertEquals(
                    1,
                    daemon.control()
                            .get("/v1/policy")
                            .getAsJsonObject()
                            .getAsJsonArray("policies")
                            .size());
            replace(leases, LEASES);
            replace(policies, POLICIES);
            awaitReadiness(daemon, "ok\n");
        }
    }

    private static void replace(Path file, String text) throws IOException {
        Path fresh = Files.writeString(file.resolveSibling("fresh"), text);
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void awaitReadiness(WeftDaemon daemon, String part) {
        Await.until("readyz: " + part, PATIENCE, () -> {
            ControlClient.Answer answer = daemon.control().attempt("GET", "/readyz", "");
            assertTrue(daemon.isAlive(), daemon::log);
            return answer.status() == 200
                    && (part.equals("ok\n")
                            ? answer.body().equals(part)
                            : answer.body().contains(part));
        });
    }
}
