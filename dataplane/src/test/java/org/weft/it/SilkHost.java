package org.weft.it;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A host of a silk overlay with containers: with Weft as its cell, or with the kernel's vxlan device, routes, neighbours
 * and containers laid as the silk daemons lay them.
 */
final class SilkHost implements AutoCloseable {
    static final String DEVICE = "silk-vtep";

    /** The seed's MTU of 1410 on the overlay. */
    static final int UNDERLAY_MTU = 1460;

    /** One that the seed has, or like one. */
    record Lease(String underlay, String subnet) {
        static Lease of(String underlay, String subnet) {
            return new Lease(underlay, subnet);
        }

        String base() {
            return subnet.replaceAll("/.*", "");
        }

        String mac() {
            return "ee:ee:" + hex(base());
        }

        String line() {
            return "- {underlay_ip: " + underlay + ", overlay_subnet: " + subnet + "}\n";
        }
    }

    /** A network namespace with an address of the overlay. */
    record Container(Netns netns, String ip) {}

    final Subject subject;
    final Lease lease;
    final Netns netns;

    private final List<Container> containers = new ArrayList<>();
    private WeftDaemon daemon;

    SilkHost(Subject subject, Lease lease, String role) {
        this.subject = subject;
        this.lease = lease;
        this.netns = Netns.create(role);
    }

    /** Hex digits of an address's bytes as in a MAC address. */
    static String hex(String ip) {
        List<String> bytes = new ArrayList<>();
        for (String octet : ip.split("\\.")) {
            bytes.add(String.format("%02x", Integer.parseInt(octet)));
        }
        return String.join(":", bytes);
    }

    /** Connects eth0 with a router that has a network for each host. */
    void plumbUnderlay(Netns router, String port) {
        String gateway = lease.underlay.replaceAll("\\d+$", "1");
        netns.ip("link add eth0 mtu " + UNDERLAY_MTU + " type veth peer name " + port + " netns " + router.name());
        router.ip("link set " + port + " mtu " + UNDERLAY_MTU + " up\naddress add " + gateway + "/24 dev " + port);
        netns.ip("link set eth0 up\naddress add " + lease.underlay + "/24 dev eth0\nroute add default via " + gateway);
        netns.sysctl("net.ipv4.ip_forward", "1");
    }

    /** Weft's configuration but for the source of leases. */
    static String config(String underlay, Path state, String leases) {
        return """
                underlay:
                  local: %s
                  dev: eth0
                cell:
                  state: %s
                  leases: %s
                """
                .formatted(underlay, state, leases);
    }

    /** Starts Weft. */
    void startDaemon(String config) {
        daemon = new WeftDaemon(netns, config).start();
    }

    /** Lays what silk-daemon lays, for the same leases. */
    void layKernel(List<Lease> leases) {
        KernelEndpoint kernel = new KernelEndpoint(netns);
        kernel.add(new Device(
                DEVICE,
                lease.mac(),
                UNDERLAY_MTU - 50,
                "id 1 local " + lease.underlay + " dev eth0 dstport 4789 nolearning gbp"));
        netns.ip("address add " + lease.base() + "/16 scope link dev " + DEVICE);
        for (Lease other : leases) {
            if (!other.equals(lease)) {
                kernel.fdb("append", other.mac(), DEVICE, "dst " + other.underlay);
                kernel.neighbour(other.base(), other.mac(), DEVICE);
                netns.ip("route add " + other.subnet + " via " + other.base() + " dev " + DEVICE + " src "
                        + lease.base());
            }
        }
    }

    Container attach(String ip) {
        Container container = new Container(Netns.create("app"), ip);
        containers.add(container);
        if (subject == Subject.KERNEL) {
            layVeth(container);
        } else {
            post("attach", container.netns, ",\"address\":\"" + ip + "\"");
        }
        return container;
    }

    void detach(Container container) {
        post("detach", container.netns, "");
        containers.remove(container);
        container.netns.close();
    }

    private void post(String action, Netns app, String more) {
        request("{\"action\":\"" + action + "\",\"netns\":\"" + app.name() + "\"" + more + "}");
    }

    /** A request to the cell that must succeed. */
    void request(String body) {
        ControlClient.Answer answer = daemon.control().attempt("POST", "/v1/cell", body);
        if (answer.status() != 200) {
            throw new AssertionError(body + ": " + answer);
        }
    }

    private void layVeth(Container container) {
        String veth = veth(container.ip);
        netns.ip("link add " + veth + " mtu 1410 type veth peer name eth0 mtu 1410 netns " + container.netns.name());
        String end = "aa:aa:" + hex(container.ip);
        String eth0 = "ee:ee:" + hex(container.ip);
        netns.ip(
                """
                link set %1$s address %2$s arp off up
                address add 169.254.0.1 peer %4$s/32 scope link dev %1$s
                neigh replace %4$s lladdr %3$s dev %1$s nud permanent
                """
                        .formatted(veth, end, eth0, container.ip));
        container.netns.ip(
                """
                link set eth0 address %2$s arp off up
                address add %3$s peer 169.254.0.1/32 scope link dev eth0
                neigh replace 169.254.0.1 lladdr %1$s dev eth0 nud permanent
                route add default via 169.254.0.1 dev eth0 src %3$s
                """
                        .formatted(end, eth0, container.ip));
    }

    /** silk's name of the host's end. */
    static String veth(String ip) {
        StringBuilder name = new StringBuilder("s-");
        for (String octet : ip.split("\\.")) {
            name.append(String.format("%03d", Integer.parseInt(octet)));
        }
        return name.toString();
    }

    List<Container> containers() {
        return containers;
    }

    WeftDaemon daemon() {
        return daemon;
    }

    /** What the cell says of its leases. */
    JsonObject leases() {
        return daemon.control().get("/v1/lease").getAsJsonObject();
    }

    /** {@code current}, {@code stale} and so on. */
    String state() {
        return leases().get("state").getAsString();
    }

    /** Whether exactly these subnets of other hosts are in force. */
    boolean follows(List<Lease> all) {
        JsonArray known = leases().getAsJsonArray("leases");
        return known.size() == all.size() - 1
                && all.stream().filter(other -> !other.equals(lease)).allMatch(other -> destination(other) != null);
    }

    /** Underlay address that a subnet is reached at; null if it is not. */
    String destination(Lease other) {
        for (JsonElement element : leases().getAsJsonArray("leases")) {
            JsonObject known = element.getAsJsonObject();
            if (known.get("overlay_subnet").getAsString().equals(other.subnet)) {
                return known.get("underlay_ip").getAsString();
            }
        }
        return null;
    }

    @Override
    public void close() {
        if (daemon != null) {
            daemon.close();
        }
        containers.forEach(container -> container.netns.close());
        netns.close();
    }
}
