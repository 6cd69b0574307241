package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.testing.RequiresRoot;

/** Names and addresses that others wrote, with characters that a terminal would act upon. */
@RequiresRoot
class HostileTextIT {
    private static final String LEASES =
            """
            - {underlay_ip: 10.0.16.16, overlay_subnet: 10.255.99.0/24}
            - {underlay_ip: "10.0.16.19\\e[31m\\nINJECTED line\\x9b7m", overlay_subnet: 10.255.53.0/24}
            """;
    private static final String POLICIES =
            """
            tags: [{source: 10.255.99.1, tag: 7}]
            allow: [{tag: 7, destination: 10.255.99.2, protocol: tcp, ports: "80\\e]0;title\\a\\u202e"}]
            """;

    /** All that a terminal acts upon but the line ends that are ours. */
    private static final String CONTROLS = "(?s).*[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u202e].*";

    @TempDir
    private Path directory;

    @Test
    void isShownAsEscapesInTheLogByCommandsAndOverHttp() throws IOException {
        Path leases = Files.writeString(directory.resolve("leases.yml"), LEASES);
        Path policies = Files.writeString(directory.resolve("policies.yml"), POLICIES);
        try (Netns host = Netns.create("host");
                WeftDaemon daemon = new WeftDaemon(
                        host,
                        """
                        underlay: {local: 10.0.16.16}
                        cell:
                          state: %s
                          leases: {file: %s}
                        policy: {mode: enforce, source: {file: %s}}
                        """
                                .formatted(directory.resolve("state"), leases, policies))) {
            host.ip("link add eth0 type veth peer name eth1\nlink set eth1 up\naddress add 10.0.16.16/24 dev eth0\n"
                    + "link set eth0 up");
            daemon.start();
            Await.until("the lease is in force", () -> daemon.log().contains("silk-vtep is up"));
            Await.until("the lease is skipped", () -> daemon.log().contains("INJECTED"));

            String shown = daemon.client("lease", "show").output();
            assertTrue(shown.contains("10.0.16.19\\x1b[31m\\x0aINJECTED line\\u009b7m"), shown);
            for (String command :
                    new String[] {"lease show", "-j lease show", "policy show", "-j policy show", "link show"}) {
                Command answer = daemon.client(command.split(" "));
                assertEquals(0, answer.exitCode(), answer::toString);
                assertFalse(answer.output().matches(CONTROLS), answer::toString);
            }
            for (String path : new String[] {"/v1/lease", "/v1/policy", "/readyz", "/healthz"}) {
                String body = daemon.control().attempt("GET", path, "").body();
                assertFalse(body.matches(CONTROLS), body);
            }
            assertTrue(
                    daemon.control().get("/v1/lease").toString().contains("\\u001b[31m\\nINJECTED"),
                    "JSON keeps the value");
            assertFalse(daemon.log().matches(CONTROLS), daemon::log);
            assertTrue(
                    daemon.log().lines().allMatch(line -> line.matches("\\d\\d:\\d\\d:\\d\\d\\.\\d{3} .*")),
                    daemon::log);
        }
    }
}
