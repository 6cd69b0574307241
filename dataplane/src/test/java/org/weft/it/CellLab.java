package org.weft.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.weft.it.SilkHost.Container;
import org.weft.it.SilkHost.Lease;

/**
 * Hosts of one silk overlay, each on a network of its own behind one router, with leases from one file. The first two are
 * the seed's.
 */
final class CellLab implements AutoCloseable {
    static final List<Lease> LEASES = List.of(
            Lease.of("10.0.32.12", "10.255.108.0/24"),
            Lease.of("10.0.16.14", "10.255.43.0/24"),
            Lease.of("10.0.48.3", "10.255.7.0/24"),
            Lease.of("10.0.64.9", "10.255.200.0/24"));

    private static final List<List<String>> CONTAINERS = List.of(
            List.of("10.255.108.184", "10.255.108.2"),
            List.of("10.255.43.6", "10.255.43.254"),
            List.of("10.255.7.1", "10.255.7.100"),
            List.of("10.255.200.1", "10.255.200.2"));

    final Path directory;
    final List<SilkHost> hosts = new ArrayList<>();

    private final Netns router = Netns.create("router");

    private CellLab() throws IOException {
        directory = Files.createTempDirectory("weft-cells");
    }

    /** Hosts with two containers each. */
    static CellLab open(Subject... subjects) {
        return open(null, subjects);
    }

    /** @param source of Weft's leases as YAML; null: the file of leases */
    static CellLab open(String source, Subject... subjects) {
        CellLab lab = null;
        try {
            lab = new CellLab();
            lab.plumb(subjects);
            lab.leases(lab.all());
            for (int i = 0; i < subjects.length; i++) {
                lab.start(i, source);
            }
            return lab;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (Throwable e) {
            lab.close();
            throw e;
        }
    }

    private void plumb(Subject... subjects) {
        router.sysctl("net.ipv4.ip_forward", "1");
        for (int i = 0; i < subjects.length; i++) {
            SilkHost host = new SilkHost(subjects[i], LEASES.get(i), "cell" + (i + 1));
            hosts.add(host);
            host.plumbUnderlay(router, "port" + i);
        }
    }

    private void start(int number, String source) {
        SilkHost host = hosts.get(number);
        if (host.subject == Subject.KERNEL) {
            host.layKernel(all());
        } else {
            String leases = source == null ? "{file: " + file() + "}" : source;
            host.startDaemon(SilkHost.config(host.lease.underlay(), directory.resolve("state" + number), leases));
            Await.until("the cell follows all leases", () -> host.follows(all()));
        }
        CONTAINERS.get(number).forEach(host::attach);
    }

    /** The hosts' leases. */
    List<Lease> all() {
        return hosts.stream().map(host -> host.lease).toList();
    }

    Path file() {
        return directory.resolve("leases.yml");
    }

    void leases(List<Lease> leases) {
        leases(leases.stream().map(Lease::line).collect(Collectors.joining()));
    }

    /** Writes the file of leases at one blow. */
    void leases(String yaml) {
        try {
            Path fresh = Files.writeString(directory.resolve("leases.new"), yaml);
            Files.move(fresh, file(), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    List<Container> containers() {
        return hosts.stream().flatMap(host -> host.containers().stream()).toList();
    }

    @Override
    public void close() {
        hosts.forEach(SilkHost::close);
        router.close();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
