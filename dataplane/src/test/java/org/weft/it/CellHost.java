package org.weft.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A host whose daemon runs a cell, with its lease in a file. */
final class CellHost implements AutoCloseable {
    final Netns netns;
    final WeftDaemon daemon;

    private final int number;

    /**
     * @param number part of its addresses: 10.0.16.N on the underlay, 10.255.N.0/24 on the overlay
     * @param leases file of all hosts' leases
     */
    CellHost(int number, Path state, Path leases) {
        this.number = number;
        this.netns = Netns.create("cell" + number);
        this.daemon = new WeftDaemon(
                netns,
                """
                cell:
                  state: %s
                  vtep: {local: 10.0.16.%d, mtu: 1410}
                  leases: {file: %s}
                """
                        .formatted(state, number, leases));
    }

    static void writeLeases(Path file, int... numbers) {
        StringBuilder leases = new StringBuilder("leases:\n");
        for (int number : numbers) {
            leases.append("- {underlay_ip: 10.0.16.%1$d, overlay_subnet: 10.255.%1$d.0/24}\n".formatted(number));
        }
        try {
            Files.writeString(file, leases);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Puts a cable between two hosts. */
    static void connect(CellHost first, CellHost second) {
        first.netns.ip("link add eth0 type veth peer name eth0 netns " + second.netns.name());
        for (CellHost host : new CellHost[] {first, second}) {
            host.netns.ip("link set eth0 mtu 1460 up\naddress add 10.0.16." + host.number + "/24 dev eth0");
        }
    }

    /** Starts the daemon and waits for its lease. */
    void start() {
        daemon.start();
        Await.until("the cell is up", () -> netns.attempt("ip", "address", "show", "dev", "silk-vtep")
                .output()
                .contains("10.255." + number + ".0/16"));
    }

    @Override
    public void close() {
        daemon.close();
        netns.close();
    }
}
