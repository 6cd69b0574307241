package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.dataplane.counters.Counter;
import org.weft.it.CellHost.Lease;
import org.weft.testing.RequiresRoot;

/** A remote that is reached through the overlay itself costs the packets that are sent to it, and no storm. */
@RequiresRoot
class CircularRouteIT {
    private static final String MAC = "ee:ee:0a:ff:35:00";
    private static final Duration STORM = Duration.ofSeconds(2);

    @Test
    void aLeaseOfAnUnderlayAddressInTheOverlayIsSkipped() {
        try (CellLab lab = CellLab.plumb(Subject.WEFT, Subject.WEFT)) {
            CellHost cell = lab.hosts.get(0);
            lab.start(cell);
            lab.add(new Lease("10.255.53.9", "10.255.53.0/24"));
            lab.add(new Lease("127.0.0.1", "10.255.54.0/24"));
            Await.until("both are skipped", cell::skipped, skipped -> skipped.size() == 2);
            String all = String.join("\n", cell.skipped());
            assertTrue(all.contains("underlay_ip 10.255.53.9 is in the overlay 10.255.0.0/16"), all);
            assertTrue(all.contains("underlay_ip 127.0.0.1 is no host's address"), all);
            cell.netns.attempt("ping", "-c", "1", "-W", "1", "-s", "1000", "10.255.53.5");
            assertFalse(Await.holds(STORM, () -> cell.counter(Counter.TX_FRAMES) > 20));
        }
    }

    @ParameterizedTest
    @CsvSource({
        // The outer packet fits, is fragmented, and is so by an IPv6 underlay in the overlay.
        "'local: 10.0.16.14', 10.255.53.9, 1000, 1",
        "'local: 10.0.16.14', 10.255.53.9, 1420, 2",
        "'local: 0.0.0.0', 10.255.53.9, 1000, 1",
        "'local: 0.0.0.0', 10.255.53.9, 1420, 2",
        "'local: \"fd00:16::e\"', fd00:99::9, 1000, 1",
        "'local: \"fd00:16::e\"', fd00:99::9, 1420, 2"
    })
    void anEntryWhoseRemoteIsInTheOverlayDropsWhatComesBack(String local, String remote, int size, int packets) {
        try (HostLab lab = HostLab.open(Subject.KERNEL);
                WeftDaemon daemon = new WeftDaemon(lab.host, vtep("vx", 1, local, remote))) {
            daemon.start();
            throughTheOverlay(lab, "vx");
            ping(lab, size);
            Await.until("what came back is dropped", () -> circular(daemon, "vx") >= packets);
            // A device with an IPv6 address sends multicast reports of its own, which come back as well.
            int most = remote.contains(":") ? 40 : packets + 1;
            assertFalse(Await.holds(STORM, () -> frames(daemon, "vx") > most), () -> daemon.counters("vx")
                    .toString());
            assertTrue(
                    circular(daemon, "vx") >= packets, () -> daemon.drops("vx").toString());
        }
    }

    @Test
    void policyRoutingThatLeadsBackIsFoundToo() {
        try (HostLab lab = HostLab.open(Subject.KERNEL);
                WeftDaemon daemon = new WeftDaemon(lab.host, vtep("vx", 1, "local: 10.0.16.14", HostLab.REMOTE_IP))) {
            daemon.start();
            throughTheOverlay(lab, "vx");
            lab.host.ip("rule add ipproto udp dport 4789 table 77\nroute add default via 10.255.53.9 dev vx table 77");
            ping(lab, 1000);
            Await.until("what came back is dropped", () -> circular(daemon, "vx") >= 1);
            assertFalse(Await.holds(STORM, () -> frames(daemon, "vx") > 2));
        }
    }

    /** As kube-proxy masquerades; then neither source port nor address are ours. */
    @Test
    void masqueradeWithRandomPortsHidesNoRound() {
        try (HostLab lab = HostLab.open(Subject.KERNEL);
                WeftDaemon daemon = new WeftDaemon(lab.host, vtep("vx", 1, "local: 10.0.16.14", "10.255.53.9"))) {
            daemon.start();
            throughTheOverlay(lab, "vx");
            lab.host.exec(
                    "nft",
                    "add table ip world; add chain ip world nat { type nat hook postrouting priority srcnat; };"
                            + " add rule ip world nat oifname vx masquerade random,fully-random");
            ping(lab, 1000);
            Await.until("what came back is dropped", () -> circular(daemon, "vx") >= 1);
            assertFalse(Await.holds(STORM, () -> frames(daemon, "vx") > 2));
        }
    }

    /** The underlay of each is the overlay of the other. */
    @Test
    void twoVtepsThatLeadToEachOtherEndTheRound() {
        try (HostLab lab = HostLab.open(Subject.KERNEL);
                WeftDaemon daemon = new WeftDaemon(
                        lab.host,
                        vtep("vx", 1, "local: 10.0.16.14", "10.254.53.9")
                                + entry("vy", 2, "local: 10.0.16.14", "10.255.53.9")
                                        .replace("10.255.126", "10.254.126"))) {
            daemon.start();
            throughTheOverlay(lab, "vx");
            lab.host.ip("neigh replace 10.254.53.9 lladdr " + MAC + " dev vy nud permanent");
            ping(lab, 1000);
            Await.until("what came back is dropped", () -> circular(daemon, "vx") + circular(daemon, "vy") >= 1);
            assertFalse(
                    Await.holds(STORM, () -> frames(daemon, "vx") + frames(daemon, "vy") > 12),
                    () -> daemon.counters("vx").toString());
        }
    }

    /** The underlay of one is the overlay of the other, which leads out. */
    @Test
    void nestedVtepsPassPackets() {
        try (HostLab lab = HostLab.open(Subject.KERNEL);
                WeftDaemon daemon = new WeftDaemon(
                        lab.host,
                        vtep("vx", 1, "local: 10.0.16.14", "10.254.53.9")
                                + entry("vy", 2, "local: 10.0.16.14", HostLab.REMOTE_IP)
                                        .replace("10.255.126", "10.254.126"))) {
            daemon.start();
            throughTheOverlay(lab, "vx");
            lab.host.ip("neigh replace 10.254.53.9 lladdr " + MAC + " dev vy nud permanent");
            ping(lab, 1000);
            lab.wire.await("the ping in a datagram in a datagram", frame -> frame.length == 14 + 28 + 1000 + 2 * 50);
            assertEquals(Map.of(), daemon.drops("vx"));
            assertEquals(Map.of(), daemon.drops("vy"));
        }
    }

    private static String vtep(String name, int vni, String local, String remote) {
        return "vteps:\n" + entry(name, vni, local, remote);
    }

    private static String entry(String name, int vni, String local, String remote) {
        return """
                  - name: %s
                    vni: %d
                    %s
                    mtu: 1450
                    udp6zerocsumrx: true
                    address: [10.255.126.0/16, "fd00:99::1/64"]
                    fdb:
                      - {mac: "00:00:00:00:00:00", dst: "%s"}
                """
                .formatted(name, vni, local, remote)
                .replaceFirst(", \"fd00[^]]*", remote.contains(":") ? "$0" : "");
    }

    /** Neighbours, so that the first packet needs no answer of one. */
    private static void throughTheOverlay(HostLab lab, String device) {
        Await.until("the device is up", () -> lab.host.hasDevice(device));
        for (String ip : new String[] {"10.255.53.9", "10.255.53.5"}) {
            lab.host.ip("neigh replace " + ip + " lladdr " + MAC + " dev " + device + " nud permanent");
        }
        if (lab.host.ipJson("-6 address show dev " + device).contains("fd00:99::1")) {
            lab.host.ip("neigh replace fd00:99::9 lladdr " + MAC + " dev " + device + " nud permanent");
        }
    }

    private static void ping(HostLab lab, int size) {
        lab.host.attempt("ping", "-c", "1", "-W", "1", "-s", String.valueOf(size), "10.255.53.5");
    }

    private static long circular(WeftDaemon daemon, String vtep) {
        return daemon.drops(vtep).getOrDefault(Counter.CIRCULAR_ROUTE.name(), 0L);
    }

    private static long frames(WeftDaemon daemon, String vtep) {
        return daemon.counters(vtep).getOrDefault(Counter.TX_FRAMES.name(), 0L);
    }
}
