package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.it.CellHost.Container;
import org.weft.testing.RequiresRoot;

/**
 * Others keep a cell's packets from passing: {@code /readyz} says so in one sentence, and the
 * gauges agree. The test repeats faults that Weft may repair until {@code /readyz} reports them.
 */
@RequiresRoot
class ReadinessIT {
    /** The time for some looks, each a second after the one before, on a busy machine. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private static CellLab lab;
    private static CellHost host;
    private static CellHost other;

    @TempDir
    private Path directory;

    @BeforeAll
    static void open() {
        lab = CellLab.open(Subject.WEFT, Subject.WEFT);
        host = lab.hosts.get(0);
        other = lab.hosts.get(1);
    }

    @AfterAll
    static void close() {
        if (lab != null) {
            lab.close();
        }
    }

    @BeforeEach
    void packetsPass() {
        awaitReady();
    }

    private static String get(String path) {
        ControlClient.Answer answer = host.daemon().control().attempt("GET", path, "");
        return answer.status() + " " + answer.body();
    }

    private static boolean gauges(String value) {
        String metrics = get("/metrics");
        return metrics.contains("\nweft_cell_ready " + value + "\n")
                && metrics.contains("\nweft_up{vtep=\"silk-vtep\"} " + value + "\n");
    }

    private static void awaitReady() {
        Await.until("ready", PATIENCE, () -> get("/readyz").startsWith("200 ok") && gauges("1.0"));
    }

    private static void awaitNotReady(String sentence, Runnable fault) {
        Await.until(sentence, PATIENCE, () -> {
            fault.run();
            String answer = get("/readyz");
            return answer.startsWith("503 ") && answer.contains(sentence) && gauges("0.0");
        });
    }

    private static void awaitNotReady(String sentence) {
        awaitNotReady(sentence, () -> {});
    }

    /** Gives the underlay's interface its address and route back. */
    private static void restoreUnderlay() {
        String underlay = host.lease().underlay();
        host.netns.ip("address replace " + underlay + "/24 dev eth0\nroute replace default via "
                + underlay.replaceAll("\\d+$", "1"));
    }

    @Test
    void underlayInterfaceThatIsGone() {
        host.netns.ip("link del eth0");
        awaitNotReady("silk-vtep: this host has no underlay interface eth0; waiting for it");

        host.plumbUnderlay(lab.router(), "port0");
        awaitReady();
    }

    @Test
    void underlayInterfaceThatIsDown() {
        host.netns.ip("link set eth0 down");
        awaitNotReady("silk-vtep: the underlay interface eth0 is down");

        host.netns.ip("link set eth0 up");
        restoreUnderlay();
        awaitReady();
    }

    @Test
    void underlayInterfaceWithoutACarrier() {
        lab.router().ip("link set port0 down");
        awaitNotReady("silk-vtep: the underlay interface eth0 has no carrier");

        lab.router().ip("link set port0 up");
        awaitReady();
    }

    @Test
    void underlayAddressThatIsGone() {
        host.netns.ip("address flush dev eth0");
        awaitNotReady("silk-vtep: no interface has the underlay address "
                + host.lease().underlay());

        restoreUnderlay();
        awaitReady();
    }

    @Test
    void foreignMacAddress() {
        awaitNotReady(
                "silk-vtep has the MAC address 02:11:22:33:44:55, and other hosts send to "
                        + host.lease().mac(),
                () -> host.netns.ip("link set silk-vtep address 02:11:22:33:44:55"));

        host.netns.ip("link set silk-vtep address " + host.lease().mac());
        awaitReady();
    }

    @Test
    void overlayAddressThatIsGone() {
        awaitNotReady(
                "silk-vtep has lost its address " + host.lease().base() + "/16",
                () -> host.netns.ip("address flush dev silk-vtep"));

        host.netns.ip("address replace " + host.lease().base() + "/16 dev silk-vtep scope link");
        host.weft("converge");
        awaitReady();
    }

    @Test
    void deviceThatIsDown() {
        host.netns.ip("link set silk-vtep down");
        awaitNotReady("silk-vtep is down");

        host.netns.ip("link set silk-vtep up");
        host.weft("converge");
        awaitReady();
    }

    @Test
    void routesThatTheKernelRefuses() {
        String subnet = other.lease().subnet();
        host.netns.ip("route replace " + subnet + " dev lo");
        host.daemon().control().attempt("POST", "/v1/converge", "{}");
        awaitNotReady("the kernel refuses the routes to all other hosts: ");

        host.netns.ip("route del " + subnet + " dev lo");
        host.weft("converge");
        awaitReady();
    }

    @Test
    void hostThatDoesNotForward() {
        awaitNotReady(
                "net/ipv4/ip_forward is 0: the host forwards nothing between containers and silk-vtep",
                () -> host.netns.sysctl("net.ipv4.ip_forward", "0"));

        host.netns.sysctl("net.ipv4.ip_forward", "1");
        awaitReady();
    }

    @Test
    void firewallThatDropsWhatIsSent() {
        Container from = host.container(0);
        String to = other.container(0).ip();
        Process ping = from.netns().start(directory.resolve("ping"), "ping", "-i", "0.2", to);
        try {
            host.netns.exec("nft", "add table inet fw");
            host.netns.exec("nft", "add chain inet fw out { type filter hook output priority 0; }");
            host.netns.exec("nft", "add rule inet fw out udp dport 4789 drop");
            awaitNotReady(
                    "silk-vtep: the kernel refuses everything that is sent, last with EPERM: look for a firewall");
            assertTrue(host.daemon().log().contains("the kernel refuses everything that is sent, last with EPERM"));

            host.netns.exec("nft", "flush table inet fw");
            awaitReady();
        } finally {
            host.netns.exec("nft", "delete table inet fw");
            ping.destroy();
        }
    }
}
