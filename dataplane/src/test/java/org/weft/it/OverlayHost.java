package org.weft.it;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.weft.daemon.ConfigFile;
import org.weft.daemon.DaemonConfig;
import org.weft.dataplane.engine.Engine;
import org.weft.dataplane.host.HostNetwork;

/**
 * A host of the overlay with one app container, wired as silk wires them: a point-to-point veth without ARP, permanent
 * neighbours, the gateway 169.254.0.1, and the VTEP {@code silk-vtep}. A second VTEP with another VNI stands beside it.
 */
final class OverlayHost implements AutoCloseable {
    static final String DEVICE = "silk-vtep";
    static final String SECOND_DEVICE = "second-vtep";

    final Subject subject;
    final Netns host;
    final Netns app;

    private final int number;
    private final int peer;
    private final Underlay underlay;
    private String daemonLines = "";
    private String vtepLines = "";
    private boolean inThisProcess;
    private Engine engine;
    private WeftDaemon daemon;

    /** What the hosts stand on, and how Weft's stages are put on threads. */
    record Underlay(boolean ipv6, int mtu, String threading) {
        static final Underlay IPV4 = new Underlay(false, 1500, "shared");

        /** MTU of the overlay: silk leaves room for an IPv6 underlay with options. */
        int overlayMtu() {
            return mtu - 90;
        }
    }

    /**
     * @param number 1 or 2, part of all addresses
     */
    OverlayHost(int number, Subject subject, Underlay underlay) {
        this.number = number;
        this.peer = 3 - number;
        this.subject = subject;
        this.underlay = underlay;
        this.host = Netns.create("host" + number);
        this.app = Netns.create("app" + number);
    }

    /** YAML to go into the daemon's configuration: at its top, and into the VTEPs' sections, each line ended. */
    OverlayHost configure(String daemonLines, String vtepLines) {
        this.daemonLines = daemonLines;
        this.vtepLines = vtepLines.indent(4);
        return this;
    }

    /** Weft as threads of this process in the host's namespace, without a daemon around it. */
    OverlayHost inThisProcess() {
        inThisProcess = true;
        return this;
    }

    String appIp() {
        return "10.255." + number + ".2";
    }

    String appIp6() {
        return "fd00:255:" + number + "::2";
    }

    String underlayIp() {
        return underlayIp(number);
    }

    private String underlayIp(int which) {
        return underlay.ipv6 ? "fd00:16::" + which : "10.0.16." + which;
    }

    String underlayMac() {
        return "42:01:0a:00:10:0" + number;
    }

    String vtepMac() {
        return vtepMac(number);
    }

    private static String vtepMac(int which) {
        return "ee:ee:0a:ff:0" + which + ":00";
    }

    /** Address of the second VTEP, on a network of its own. */
    String secondIp() {
        return "10.254.0." + number;
    }

    /** Gives the host its end of the underlay, which is there already as eth0. */
    void plumbUnderlay() {
        host.sysctl("net.ipv6.conf.eth0.disable_ipv6", "0");
        host.ip("link set eth0 address " + underlayMac() + " mtu " + underlay.mtu + " up\naddress add 10.0.16." + number
                + "/24 dev eth0\naddress add fd00:16::" + number + "/64 dev eth0 nodad\n");
        for (String key : new String[] {"ipv4.ip_forward", "ipv6.conf.all.forwarding"}) {
            host.sysctl("net." + key, "1");
        }
    }

    void plumbContainer() {
        host.ip("link add " + veth() + " type veth peer name eth0 netns " + app.name());
        host.sysctl("net.ipv6.conf." + veth() + ".disable_ipv6", "0");
        app.sysctl("net.ipv6.conf.eth0.disable_ipv6", "0");
        String container = "ee:ee:0a:ff:0" + number + ":02";
        String gateway = "aa:aa:0a:ff:0" + number + ":02";
        host.ip(
                """
                link set %1$s address %2$s mtu %5$d arp off up
                address add 169.254.0.1 peer 10.255.%4$d.2/32 dev %1$s
                neigh replace 10.255.%4$d.2 lladdr %3$s dev %1$s nud permanent
                address add fd00:255:%4$d::1/64 dev %1$s nodad
                neigh replace fd00:255:%4$d::2 lladdr %3$s dev %1$s nud permanent
                """
                        .formatted(veth(), gateway, container, number, underlay.overlayMtu()));
        app.ip(
                """
                link set eth0 address %2$s mtu %4$d arp off up
                address add 10.255.%3$d.2 peer 169.254.0.1/32 dev eth0
                neigh replace 169.254.0.1 lladdr %1$s dev eth0 nud permanent
                route add default via 169.254.0.1 dev eth0 src 10.255.%3$d.2
                address add fd00:255:%3$d::2/64 dev eth0 nodad
                neigh replace fd00:255:%3$d::1 lladdr %1$s dev eth0 nud permanent
                route add default via fd00:255:%3$d::1 dev eth0
                """
                        .formatted(gateway, container, number, underlay.overlayMtu()));
    }

    private String veth() {
        return "s-01025500" + number + "002";
    }

    /** Sets the MTU between container and host, but not the VTEP's. */
    void containerMtu(int mtu) {
        app.ip("link set eth0 mtu " + mtu);
        host.ip("link set " + veth() + " mtu " + mtu);
    }

    /** Brings the VTEPs up, and routes over them. */
    void startVteps() {
        if (subject == Subject.KERNEL) {
            addKernelVtep(DEVICE, 1, "gbp");
            addKernelVtep(SECOND_DEVICE, 2, "gbp");
            host.ip("address add 10.255." + number + ".0/16 dev " + DEVICE + "\naddress add " + secondIp() + "/24 dev "
                    + SECOND_DEVICE);
        } else if (inThisProcess) {
            engine = openWeft(host, config());
        } else {
            daemon = new WeftDaemon(host, config());
            daemon.start();
        }
        plumbVteps();
    }

    /** Opens Weft in this process, in a namespace. */
    static Engine openWeft(Netns host, String config) {
        return host.call(() -> {
            Path file = Files.writeString(Files.createTempFile("weft-it", ".yml"), config);
            try {
                DaemonConfig read = ConfigFile.read(file, (local, dev) -> 0, HostNetwork::ipv4Address, warning -> {});
                Engine engine = new Engine(read.engine());
                engine.start(read.vteps());
                return engine;
            } finally {
                Files.delete(file);
            }
        });
    }

    static void close(Netns host, Engine engine) {
        host.call(() -> {
            engine.close();
            return null;
        });
    }

    private void addKernelVtep(String name, int vni, String more) {
        KernelEndpoint kernel = new KernelEndpoint(host);
        kernel.add(new Device(
                name,
                vtepMac(),
                underlay.overlayMtu(),
                "id " + vni + " local " + underlayIp() + " dev eth0 dstport 4789 nolearning " + more));
        kernel.fdb("append", vtepMac(peer), name, "dst " + underlayIp(peer));
        kernel.fdb("append", "00:00:00:00:00:00", name, "dst " + underlayIp(peer));
    }

    /** The daemon's configuration; the device stays when the daemon ends. */
    private String config() {
        return """
                threading: %9$s
                %10$sunderlay:
                  local: "%1$s"
                  dev: eth0
                  port: 4789
                vteps:
                  - name: silk-vtep
                    vni: 1
                    address: 10.255.%2$d.0/16
                    mtu: %8$d
                    gbp: true
                    learning: false
                    proxy: true
                    persist: true
                %11$s    fdb:
                      - {mac: "%3$s", dst: "%4$s"}
                      - {mac: "00:00:00:00:00:00", dst: "%4$s"}
                    neighbours:
                      - {ip: 10.255.%5$d.0, mac: "%3$s"}
                      - {ip: "fd00:fe::%5$d", mac: "%3$s"}
                  - name: second-vtep
                    vni: 2
                    address: %6$s/24
                    mac: "%7$s"
                    mtu: %8$d
                    gbp: true
                    learning: false
                    persist: true
                %11$s    fdb:
                      - {mac: "%3$s", dst: "%4$s"}
                """
                .formatted(
                        underlayIp(),
                        number,
                        vtepMac(peer),
                        underlayIp(peer),
                        peer,
                        secondIp(),
                        vtepMac(),
                        underlay.overlayMtu(),
                        underlay.threading,
                        daemonLines,
                        vtepLines);
    }

    /** What silk and an operator put on the devices. */
    void plumbVteps() {
        for (String device : new String[] {DEVICE, SECOND_DEVICE}) {
            host.sysctl("net.ipv6.conf." + device + ".disable_ipv6", "0");
        }
        host.ip(
                """
                route replace 10.255.%1$d.0/24 via 10.255.%1$d.0 dev silk-vtep src 10.255.%2$d.0 onlink
                address replace fd00:fe::%2$d/64 dev silk-vtep nodad
                route replace fd00:255:%1$d::/64 via fd00:fe::%1$d dev silk-vtep
                neigh replace 10.254.0.%1$d lladdr %3$s dev second-vtep nud permanent
                """
                        .formatted(peer, number, vtepMac(peer)));
        permanentNeighbours("replace");
    }

    /** Adds ({@code replace}) or takes away ({@code del}) what silk writes into the host's neighbour table. */
    void permanentNeighbours(String action) {
        for (String ip : new String[] {"10.255." + peer + ".0", "fd00:fe::" + peer}) {
            host.ip("neigh " + action + " " + ip + " lladdr " + vtepMac(peer) + " dev silk-vtep nud permanent");
        }
    }

    /** What the host's daemon says is wrong with its first VTEP, or JSON's null. */
    JsonElement trouble() {
        return engine().get("trouble");
    }

    /** Offloads of the first VTEP by name: {@code on}, or {@code off:} and why. */
    Map<String, String> offloads() {
        Map<String, String> offloads = new TreeMap<>();
        engine().getAsJsonObject("offloads")
                .entrySet()
                .forEach(entry -> offloads.put(entry.getKey(), entry.getValue().getAsString()));
        return offloads;
    }

    /** What the daemon counts of the first VTEP, drops by reason among it. */
    Map<String, Long> counters() {
        return daemon.counters(DEVICE);
    }

    /** Drops of the first VTEP by reason, in both directions. */
    Map<String, Long> drops() {
        return daemon.drops(DEVICE);
    }

    /** Whether every packet of the first VTEP ended in exactly one counter. */
    boolean booksBalance() {
        JsonObject counters = engine().getAsJsonObject("counters");
        long sent = sum(counters, "TX_SENT", "NEIGHBOUR_ANSWERED") + drops("tx");
        long delivered = sum(counters, "RX_DELIVERED", "RX_COALESCED") + drops("rx");
        return sum(counters, "TX_FRAMES", "TX_REPLICATED", "TX_SEGMENTED") == sent
                && sum(counters, "RX_FRAMES") == delivered;
    }

    private JsonObject engine() {
        return daemon.control()
                .get("/v1/link?dev=" + DEVICE)
                .getAsJsonArray()
                .get(0)
                .getAsJsonObject()
                .getAsJsonObject("weft");
    }

    private long drops(String direction) {
        return WeftEndpoint.drops(daemon, "/v1/drops?dev=" + DEVICE, direction).values().stream()
                .mapToLong(Long::longValue)
                .sum();
    }

    private static long sum(JsonObject counters, String... names) {
        return Arrays.stream(names)
                .mapToLong(name -> counters.has(name) ? counters.get(name).getAsLong() : 0)
                .sum();
    }

    /** The host's daemon; only where Weft is the subject. */
    WeftDaemon daemon() {
        return daemon;
    }

    /** Weft in this process; what is asked of it must be called in the host's namespace. */
    Engine inProcess() {
        return engine;
    }

    @Override
    public void close() {
        if (engine != null) {
            close(host, engine);
        }
        if (daemon != null) {
            daemon.close();
        }
        app.close();
        host.close();
    }
}
