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
import org.weft.it.CellHost.Container;
import org.weft.it.CellHost.Lease;

/**
 * Hosts of one silk overlay, each on a network of its own behind one router, with leases from one file. The first two are
 * the seed's.
 */
final class CellLab implements AutoCloseable {
    private static final List<Lease> LEASES = List.of(
            new Lease("10.0.32.12", "10.255.108.0/24"),
            new Lease("10.0.16.14", "10.255.43.0/24"),
            new Lease("10.0.48.3", "10.255.7.0/24"),
            new Lease("10.0.64.9", "10.255.200.0/24"));

    private static final List<List<String>> CONTAINERS = List.of(
            List.of("10.255.108.184", "10.255.108.2"),
            List.of("10.255.43.6", "10.255.43.254"),
            List.of("10.255.7.1", "10.255.7.100"),
            List.of("10.255.200.1", "10.255.200.2"));

    final List<CellHost> hosts = new ArrayList<>();

    private final List<Lease> strangers = new ArrayList<>();

    private final Path directory;
    private final Netns router = Netns.create("router");

    private CellLab() throws IOException {
        directory = Files.createTempDirectory("weft-cells");
    }

    /** Hosts that are connected, and a file with their leases; nothing runs on them yet. */
    static CellLab plumb(Subject... subjects) {
        CellLab lab = null;
        try {
            lab = new CellLab();
            lab.router.sysctl("net.ipv4.ip_forward", "1");
            for (int i = 0; i < subjects.length; i++) {
                Path state = lab.directory.resolve("state" + i);
                CellHost host = new CellHost(subjects[i], LEASES.get(i), "cell" + (i + 1), state);
                lab.hosts.add(host);
                host.plumbUnderlay(lab.router, "port" + i);
            }
            lab.write(lab.leases());
            return lab;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (Throwable e) {
            if (lab != null) {
                lab.close();
            }
            throw e;
        }
    }

    /** Hosts that are cells, with two containers each. */
    static CellLab open(Subject... subjects) {
        CellLab lab = plumb(subjects);
        try {
            lab.populate();
            return lab;
        } catch (Throwable e) {
            lab.close();
            throw e;
        }
    }

    /** Makes all hosts cells with two containers each. */
    void populate() {
        hosts.forEach(this::start);
        for (int i = 0; i < hosts.size(); i++) {
            CONTAINERS.get(i).forEach(hosts.get(i)::attach);
        }
    }

    /** What the containers of the first hosts will have, in the order of {@link #containers}. */
    static List<String> containerAddresses(int hosts) {
        return CONTAINERS.stream().limit(hosts).flatMap(List::stream).toList();
    }

    /** Makes a host a cell, which follows all leases. */
    void start(CellHost host) {
        if (host.subject == Subject.KERNEL) {
            host.startKernel(leases());
        } else {
            host.startWeft(source());
            Await.until("the cell follows all leases", () -> host.follows(leases()));
        }
    }

    /** A lease that none of the hosts has. */
    static Lease spare() {
        return LEASES.get(LEASES.size() - 1);
    }

    /** The hosts' leases as they are now. */
    List<Lease> leases() {
        return Stream.concat(hosts.stream().map(CellHost::lease), strangers.stream())
                .collect(Collectors.toCollection(ArrayList::new));
    }

    /** A lease of a host that is not there, from now on. */
    void add(Lease stranger) {
        strangers.add(stranger);
        write(leases());
    }

    /** The namespace between the hosts; its device port0 leads to the first. */
    Netns router() {
        return router;
    }

    /** Goes with the lab. */
    Path directory() {
        return directory;
    }

    Path file() {
        return directory.resolve("leases.yml");
    }

    /** What {@code cell.leases} is to say. */
    String source() {
        return "{file: " + file() + "}";
    }

    void write(List<Lease> leases) {
        write(leases.stream().map(Lease::line).collect(Collectors.joining()));
    }

    /** Writes the file of leases at one blow. */
    void write(String yaml) {
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
        hosts.forEach(CellHost::close);
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
