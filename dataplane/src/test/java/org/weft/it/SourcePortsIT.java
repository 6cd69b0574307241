package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.DatagramSocket;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.testing.RequiresRoot;

/**
 * Source ports of the underlay, which VTEPs share among them and leave to services that have
 * reserved them.
 */
@RequiresRoot
class SourcePortsIT {
    private static final int FIRST_PORT = 20_000;
    private static final int PORTS = 4;
    private static final int VTEPS = 4;
    private static final int LENGTH = 2 << 20;

    /** The last two need sockets of their own on the same ports. */
    private static final String CONFIG =
            """
            threading: %1$s
            workers: %2$d
            underlay: {local: 10.0.16.%3$d, dev: eth0}
            vteps:
              - {name: v1, vni: 1, address: 10.201.0.%3$d/24, %4$s}
              - {name: v2, vni: 2, address: 10.202.0.%3$d/24, %4$s}
              - {name: v3, vni: 3, address: 10.203.0.%3$d/24, %4$s, udpcsum: false}
              - {name: v4, vni: 4, address: 10.204.0.%3$d/24, %4$s, df: set}
            """;

    private static final String COMMON =
            "srcport: %d %d, fdb: [{mac: '00:00:00:00:00:00', dst: 10.0.16.%d}], learning: true, proxy: false";

    private static String config(String threading, int workers, int host) {
        String common = COMMON.formatted(FIRST_PORT, FIRST_PORT + PORTS, 3 - host);
        return CONFIG.formatted(threading, workers, host, common);
    }

    @ParameterizedTest
    @CsvSource({"shared, 1", "shared, 2", "dedicated, 2"})
    void vtepsWithOneRangeOfSourcePortsAllPassTraffic(String threading, int workers) {
        try (Netns first = Netns.create("first");
                Netns second = Netns.create("second");
                WeftDaemon from = new WeftDaemon(first, config(threading, workers, 1));
                WeftDaemon to = new WeftDaemon(second, config(threading, workers, 2))) {
            first.ip("link add eth0 type veth peer name eth0 netns " + second.name());
            first.ip("address add 10.0.16.1/24 dev eth0\nlink set eth0 up");
            second.ip("address add 10.0.16.2/24 dev eth0\nlink set eth0 up");
            from.start();
            to.start();
            // One for each port, one that sets DF, and one without checksums.
            assertEquals(3 * PORTS, sourcePorts(first).size());
            passTraffic(first, second, 1);
            from.control()
                    .post("{\"object\":\"link\",\"action\":\"set\",\"dev\":\"v2\",\"attributes\":{\"df\":\"set\"}}");
            for (int gone = 1; gone < VTEPS; gone++) {
                from.control().post("{\"object\":\"link\",\"action\":\"del\",\"dev\":\"v" + gone + "\"}");
                passTraffic(first, second, gone + 1);
            }
            from.control().post("{\"object\":\"link\",\"action\":\"del\",\"dev\":\"v4\"}");
            assertEquals(List.of(), sourcePorts(first));
        }
    }

    /** Sends over all VTEPs, beginning with this one, at the same time and both ways. */
    private static void passTraffic(Netns first, Netns second, int firstVtep) {
        List<CompletableFuture<Boolean>> connections = IntStream.rangeClosed(firstVtep, VTEPS)
                .mapToObj(vtep -> Traffic.onThreadOfItsOwn(() -> {
                    Traffic.tcp(first, second, "10.20" + vtep + ".0.2", LENGTH);
                    Traffic.tcp(second, first, "10.20" + vtep + ".0.1", LENGTH);
                    return true;
                }))
                .toList();
        connections.forEach(CompletableFuture::join);
    }

    private static List<Integer> sourcePorts(Netns host) {
        return ports(host).stream()
                .filter(port -> port >= FIRST_PORT && port < FIRST_PORT + PORTS)
                .toList();
    }

    /** Ports of all UDP sockets of a namespace (Documentation/networking/proc_net_tcp.rst). */
    private static List<Integer> ports(Netns host) {
        return host.exec("cat", "/proc/net/udp")
                .lines()
                .skip(1)
                .map(line -> line.strip().split("[: ]+"))
                .map(words -> Integer.parseInt(words[2], 16))
                .sorted()
                .toList();
    }

    @Test
    void reservedPortsOfTheHostStayFree() throws IOException {
        try (Netns host = Netns.create("host");
                WeftDaemon daemon = new WeftDaemon(host, null)) {
            host.ip("link set lo up");
            host.sysctl("net.ipv4.ip_local_port_range", "40000 40101");
            host.sysctl("net.ipv4.ip_local_reserved_ports", "40000,40010-40019,50000");
            daemon.start();
            add(daemon, 1, "");
            List<Integer> expected = IntStream.range(40_001, 40_101)
                    .filter(port -> port < 40_010 || port > 40_019)
                    .boxed()
                    .toList();
            assertEquals(
                    expected,
                    ports(host).stream().filter(port -> port >= 40_000).toList());
            try (DatagramSocket service = host.call(() -> new DatagramSocket(40_010))) {
                assertEquals(40_010, service.getLocalPort());
            }
            add(daemon, 2, ",\"srcport\":\"50000 50001\"");
            assertEquals(1, ports(host).stream().filter(port -> port == 50_000).count(), "reserved for it");
        }
    }

    private static void add(WeftDaemon daemon, int id, String more) {
        daemon.control()
                .post("{\"object\":\"link\",\"action\":\"add\",\"dev\":\"v" + id + "\",\"attributes\":{\"id\":" + id
                        + ",\"local\":\"127.0.0.1\"" + more + "}}");
    }
}
