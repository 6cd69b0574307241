package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A host whose address differs from its lease by a typo names the address that it looks for, and
 * those in the file.
 */
class NoLeaseIT {
    @TempDir
    private Path directory;

    @Test
    void namesTheLeaseThatItLooksForAndThoseThereAre() throws IOException {
        Path leases = Files.writeString(
                directory.resolve("leases.yml"),
                """
                - {underlay_ip: 10.0.16.16, overlay_subnet: 10.255.99.0/24}
                - {underlay_ip: 10.0.32.14, overlay_subnet: 10.255.43.0/24}
                - {underlay_ip: 10.0.32.15, overlay_subnet: 10.254.1.0/24}
                """);
        try (Netns host = Netns.create("host")) {
            host.ip("address add 10.0.16.17/24 dev lo");
            try (WeftDaemon daemon = new WeftDaemon(
                    host,
                    """
                    underlay: {local: 10.0.16.17}
                    cell:
                      state: %s
                      leases: {file: %s}
                    """
                            .formatted(directory.resolve("state"), leases))) {
                daemon.start();
                String sentence =
                        "no lease has underlay_ip 10.0.16.17; " + leases + " has 10.0.16.16, 10.0.32.14 and 10.0.32.15";
                String skipped = leases + ":3: overlay_subnet 10.254.1.0/24 is not in the overlay 10.255.0.0/16";
                Await.until("the log tells", () -> daemon.log().contains(sentence));

                Command shown = daemon.client("lease", "show");
                assertEquals(
                        "source file " + leases + ": waiting for a lease: " + sentence + "\nskipped " + skipped + "\n",
                        shown.output());
                ControlClient.Answer ready = daemon.control().attempt("GET", "/readyz", "");
                assertEquals(503, ready.status());
                assertTrue(ready.body().contains(sentence), ready.body());
                assertEquals(1, occurrences(daemon.log(), sentence));
                assertEquals(1, occurrences(daemon.log(), "lease skipped: " + skipped));

                Files.writeString(leases, "- {underlay_ip: 10.0.16.17, overlay_subnet: 10.255.99.0/24}\n");
                Await.until(
                        "the lease is in force",
                        () -> daemon.control().attempt("GET", "/readyz", "").status() == 200);
            }
        }
    }

    private static int occurrences(String text, String part) {
        return (text.length() - text.replace(part, "").length()) / part.length();
    }
}
