package org.weft.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What the kernel tells of changes to routes and neighbours, as {@code ip monitor} prints it. */
final class RouteMonitor implements AutoCloseable {
    private final Netns netns;
    private final Path log;
    private final Process process;

    /** @param log file to be written */
    RouteMonitor(Netns netns, Path log) {
        this.netns = netns;
        this.log = log;
        process = netns.start(log, "ip", "-o", "monitor", "route", "neigh");
        see("192.0.2.1");
    }

    /** Changes on a device so far. */
    List<String> changes(String device) {
        see("192.0.2.2");
        return lines().filter(line -> line.contains(device)).toList();
    }

    /** Waits until it has seen what happened before: a route that comes and goes is seen in its turn. */
    private void see(String address) {
        Await.until("the monitor sees changes", () -> {
            netns.ip("route replace " + address + " dev lo\nroute del " + address + " dev lo");
            return lines().anyMatch(line -> line.contains(address));
        });
    }

    private Stream<String> lines() {
        try {
            return Files.readAllLines(log).stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.destroy();
    }
}
