package org.weft.it;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.weft.dataplane.counters.Counter;

/**
 * A host of a silk overlay with containers: Weft makes it a cell, or the kernel's vxlan device, routes, neighbours and
 * veths as the silk daemons lay them.
 */
final class CellHost implements AutoCloseable {
    static final String DEVICE = "silk-vtep";

    /** With room for the seed's MTU of 1410 on the overlay. */
    static final int UNDERLAY_MTU = 1460;

    /** One that the seed has, or like one. */
    record Lease(String underlay, String subnet) {
        String base() {
            return subnet.replaceAll("/.*", "");
        }

        String mac() {
            return "ee:ee:" + hex(base());
        }

        String line() {
            return "- {underlay_ip: " + underlay + ", overlay_subnet: " + subnet + "}\n";
        }

        Lease at(String otherUnderlay) {
            return new Lease(otherUnderlay, subnet);
        }
    }

    /** A network namespace with an address of the overlay. */
    record Container(Netns netns, String ip) {}

    final Subject subject;
    final Netns netns;

    private final Path state;
    private final List<Container> containers = new ArrayList<>();
    private Lease lease;
    private WeftDaemon daemon;
    /** Further sections of Weft's configuration. */
    private String sections = "";

    /** @param state directory that Weft may make */
    CellHost(Subject subject, Lease lease, String role, Path state) {
        this.subject = subject;
        this.lease = lease;
        this.state = state;
        this.netns = Netns.create(role);
    }

    /** Hex digits of an address's bytes as in a MAC address. */
    static String hex(String ip) {
        return Stream.of(ip.split("\\."))
                .map(octet -> String.format(Locale.ROOT, "%02x", Integer.parseInt(octet)))
                .collect(Collectors.joining(":"));
    }

    /** silk's name of the host's end of a container's veth. */
    static String veth(String ip) {
        return Stream.of(ip.split("\\."))
                .map(octet -> String.format(Locale.ROOT, "%03d", Integer.parseInt(octet)))
                .collect(Collectors.joining("", "s-", ""));
    }

    Lease lease() {
        return lease;
    }

    /** Connects eth0 with a router that has a network for each host. */
    void plumbUnderlay(Netns router, String port) {
        netns.ip("link add eth0 mtu " + UNDERLAY_MTU + " type veth peer name " + port + " netns " + router.name());
        router.ip("link set " + port + " mtu " + UNDERLAY_MTU + " up\naddress add " + gateway() + "/24 dev " + port);
        netns.ip("link set eth0 up");
        netns.sysctl("net.ipv4.ip_forward", "1");
        address();
    }

    private String gateway() {
        return lease.underlay.replaceAll("\\d+$", "1");
    }

    private void address() {
        netns.ip("address add " + lease.underlay + "/24 dev eth0\nroute add default via " + gateway());
    }

    /** Further sections of Weft's configuration, for the next start. */
    void sections(String yaml) {
        sections = yaml;
    }

    /**
     * Makes it a cell with Weft, and waits for the lease that is in the source.
     *
     * @param prefix command that starts the daemon in its place
     */
    void startWeft(String source, String... prefix) {
        daemon = new WeftDaemon(netns, config(source), prefix);
        restartWeft();
    }

    /** Starts Weft again as it was, however it ended. */
    void restartWeft() {
        daemon.start();
        Await.until("the cell has its lease", () -> leases().get("own").isJsonObject());
    }

    private String config(String source) {
        return """
                underlay: {local: %s, dev: eth0}
                cell:
                  state: %s
                  leases: %s
                %s
                """
                .formatted(lease.underlay, state, source, sections);
    }

    /** Makes it a cell with the kernel's means, for all leases. */
    void startKernel(List<Lease> leases) {
        new KernelCell(netns, lease).lay(leases);
    }

    /** Another underlay address in the same network; Weft is started anew for it, as its configuration names it. */
    void renumber(String underlay, String source) {
        daemon.close();
        netns.ip("address del " + lease.underlay + "/24 dev eth0");
        lease = lease.at(underlay);
        address();
        startWeft(source);
    }

    Container attach(String ip) {
        Container container = new Container(Netns.create("app"), ip);
        containers.add(container);
        if (subject == Subject.KERNEL) {
            new KernelCell(netns, lease).attach(container);
        } else {
            post("attach", container.netns, ",\"address\":\"" + ip + "\"");
        }
        return container;
    }

    /** Takes a container of Weft's away. */
    void detach(Container container) {
        post("detach", container.netns, "");
        containers.remove(container);
        container.netns.close();
    }

    private void post(String action, Netns app, String more) {
        String body = "{\"action\":\"" + action + "\",\"netns\":\"" + app.name() + "\"" + more + "}";
        ControlClient.Answer answer = daemon.control().attempt("POST", "/v1/cell", body);
        if (answer.status() != 200) {
            throw new AssertionError(body + ": " + answer);
        }
    }

    List<Container> containers() {
        return containers;
    }

    Container container(int index) {
        return containers.get(index);
    }

    WeftDaemon daemon() {
        return daemon;
    }

    /** Runs a command of weft's that must succeed; gives its output. */
    String weft(String line) {
        Command command = daemon.client(line.split(" "));
        if (command.exitCode() != 0) {
            throw new AssertionError(command);
        }
        return command.output();
    }

    /** One of the VTEP's counters. */
    long counter(Counter counter) {
        return daemon.counters(DEVICE).getOrDefault(counter.name(), 0L);
    }

    /** What the daemon says of its policies. */
    JsonObject policy() {
        return daemon.control().get("/v1/policy").getAsJsonObject();
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
                && all.stream()
                        .filter(other -> !other.equals(lease))
                        .allMatch(other -> other.underlay.equals(destination(other)));
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

    /** Reasons why leases do not count. */
    List<String> skipped() {
        return leases().getAsJsonArray("skipped").asList().stream()
                .map(skipped -> skipped.getAsJsonObject().get("reason").getAsString())
                .toList();
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
