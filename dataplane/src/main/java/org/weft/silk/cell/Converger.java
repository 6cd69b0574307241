package org.weft.silk.cell;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.weft.dataplane.table.FdbEntry;
import org.weft.dataplane.table.NeighbourTable;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;
import org.weft.silk.cell.Change.Kind;
import org.weft.silk.cell.Change.Parts;
import org.weft.silk.cell.HostRoutes.Installed;
import org.weft.silk.cell.HostRoutes.Line;
import org.weft.silk.cell.HostRoutes.Route;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.Overlay;

/**
 * Makes routes, neighbours and forwarding entries of one VTEP what the other hosts' leases say (silk:
 * daemon/vtep/converger.go), by writing the difference only. One thread at a time.
 */
final class Converger {
    private final Overlay overlay;
    private final Lease own;
    private final Vtep vtep;
    private final HostRoutes host;
    private final VtepRegistry registry;

    /** What was written last, by subnet. */
    private final Map<IpPrefix, Lease> installed = new LinkedHashMap<>();

    /**
     * @param own this host's lease, which gets no route
     * @param registry for its clock
     */
    Converger(Overlay overlay, Lease own, Vtep vtep, HostRoutes host, VtepRegistry registry) {
        this.overlay = overlay;
        this.own = own;
        this.vtep = vtep;
        this.host = host;
        this.registry = registry;
    }

    private Stream<Lease> others(Collection<Lease> leases) {
        return leases.stream().filter(lease -> !lease.subnet().equals(own.subnet()));
    }

    /** Leases of other hosts that are in force. */
    Collection<Lease> installed() {
        return installed.values();
    }

    /**
     * What is to be changed.
     *
     * @param leases all that count
     * @param full whether to look at what the kernel and the tables have, not only at what was written last
     */
    List<Change> plan(Collection<Lease> leases, boolean full) {
        Installed actual = full ? host.read() : null;
        Map<IpPrefix, Lease> wanted = new LinkedHashMap<>();
        others(leases).forEach(lease -> wanted.put(lease.subnet(), lease));
        Set<IpAddress> bases = new HashSet<>();
        wanted.values().forEach(lease -> bases.add(lease.base()));
        List<Change> changes = removals(wanted, bases, actual);
        for (Lease lease : wanted.values()) {
            Change change = change(lease, actual);
            if (change != null) {
                changes.add(change);
            }
        }
        return changes;
    }

    private List<Change> removals(Map<IpPrefix, Lease> wanted, Set<IpAddress> bases, Installed actual) {
        List<Change> changes = new ArrayList<>();
        for (Lease lease : installed.values()) {
            if (!wanted.containsKey(lease.subnet())) {
                changes.add(gone(lease.subnet(), lease, bases, actual));
            }
        }
        if (actual == null) {
            return changes;
        }
        for (IpPrefix subnet : actual.routes().keySet()) {
            if (!wanted.containsKey(subnet) && !installed.containsKey(subnet)) {
                changes.add(gone(subnet, null, bases, actual));
            }
        }
        Set<IpAddress> accounted = new HashSet<>(bases);
        changes.forEach(change -> accounted.add(change.subnet().address()));
        for (IpAddress neighbour : actual.neighbours().keySet()) {
            if (!accounted.contains(neighbour)) {
                changes.add(gone(new IpPrefix(neighbour, neighbour.bits()), null, bases, actual));
            }
        }
        return changes;
    }

    /** A neighbour stays where another lease begins with the same address. */
    private Change gone(IpPrefix subnet, Lease before, Set<IpAddress> bases, Installed actual) {
        boolean route = actual == null ? subnet.length() < 32 : actual.routes().containsKey(subnet);
        boolean neighbour = actual == null
                ? vtep.config().forwarding().installNeighbours()
                : actual.neighbours().containsKey(subnet.address());
        boolean last = !bases.contains(subnet.address());
        return new Change(Kind.GONE, subnet, before, null, new Parts(false, route, neighbour && last, before != null));
    }

    private Change change(Lease lease, Installed actual) {
        Lease before = installed.get(lease.subnet());
        Parts parts;
        if (actual != null) {
            parts = missing(lease, before, actual);
        } else if (before == null) {
            parts = new Parts(
                    !lease.singleIp(), false, vtep.config().forwarding().installNeighbours(), true);
        } else {
            boolean neighbour =
                    before.mac() != lease.mac() && vtep.config().forwarding().installNeighbours();
            parts = new Parts(false, false, neighbour, !before.equals(lease));
        }
        if (!parts.any()) {
            installed.put(lease.subnet(), lease); // as a daemon before this one left it
            return null;
        }
        Kind kind = before == null ? Kind.ADDED : before.equals(lease) ? Kind.REPAIRED : Kind.MOVED;
        return new Change(kind, lease.subnet(), before, lease, parts);
    }

    private Parts missing(Lease lease, Lease before, Installed actual) {
        Route route = actual.routes().get(lease.subnet());
        boolean routed = lease.singleIp() || route(lease).equals(route);
        boolean known = !vtep.config().forwarding().installNeighbours()
                || Long.valueOf(lease.mac()).equals(actual.neighbours().get(lease.base()));
        boolean forwarded = (before == null || lease.equals(before)) && isForwarded(lease);
        return new Parts(!routed, !routed && route != null, !known, !forwarded);
    }

    private boolean isForwarded(Lease lease) {
        FdbEntry entry = vtep.fdb().entry(lease.mac());
        return entry != null
                && entry.permanent()
                && entry.remotes().equals(List.of(remote(lease)))
                && vtep.neighbours().lookup(lease.base().high(), lease.base().low()) == lease.mac();
    }

    static Remote remote(Lease lease) {
        return new Remote(lease.underlay());
    }

    private Route route(Lease lease) {
        IpPrefix network = overlay.networkOf(lease.base());
        IpAddress source = Overlay.contains(network, own.base()) ? own.base() : network.address();
        return new Route(lease.base(), source, own.singleIp());
    }

    /**
     * Makes changes. One that fails is left for the next full pass, and keeps none of the others back.
     *
     * @return why, by subnet
     */
    Map<IpPrefix, String> apply(List<Change> changes) {
        List<Line> lines = new ArrayList<>();
        // All old ones first: two leases may have changed their MAC addresses with each other.
        changes.forEach(change -> unforward(change.before(), change.after()));
        changes.stream().filter(change -> change.after() == null).forEach(change -> {
            installed.remove(change.subnet());
            removalLines(change, lines);
        });
        changes.stream().filter(change -> change.after() != null).forEach(change -> {
            forward(change.after());
            installed.put(change.subnet(), change.after());
            lines(change, lines);
        });
        return host.write(lines);
    }

    private void forward(Lease lease) {
        vtep.fdb().replace(lease.mac(), remote(lease), true, registry.nowSeconds());
        vtep.neighbours().noteNetworkLength(lease.subnet().length());
        vtep.neighbours().replace(lease.base(), lease.mac());
    }

    private void unforward(Lease before, Lease after) {
        if (before == null) {
            return;
        }
        if (after == null || after.mac() != before.mac()) {
            vtep.fdb().remove(before.mac(), null);
        }
        if (after == null
                && vtep.neighbours().lookup(before.base().high(), before.base().low()) != NeighbourTable.NONE) {
            vtep.neighbours().remove(before.base());
        }
    }

    private void removalLines(Change change, List<Line> lines) {
        IpPrefix subnet = change.subnet();
        if (change.parts().staleRoute()) {
            lines.add(new Line(subnet, "route del " + network(subnet) + onDevice(subnet.address()), true));
        }
        if (change.parts().neighbour()) {
            lines.add(new Line(subnet, "neighbour del " + subnet.address() + " dev " + vtep.deviceName(), true));
        }
    }

    /** A route is added, never replaced: what has its network already may be somebody else's. */
    private void lines(Change change, List<Line> lines) {
        IpPrefix subnet = change.subnet();
        Lease lease = change.after();
        if (change.parts().neighbour()) {
            lines.add(new Line(
                    subnet,
                    "neighbour replace " + lease.base() + " lladdr " + MacAddress.toString(lease.mac()) + " dev "
                            + vtep.deviceName() + " nud permanent",
                    false));
        }
        if (change.parts().staleRoute()) {
            lines.add(new Line(subnet, "route del " + network(subnet) + onDevice(lease.base()), true));
        }
        if (change.parts().route()) {
            Route route = route(lease);
            lines.add(new Line(
                    subnet,
                    "route add " + network(subnet) + onDevice(route.gateway()) + " src " + route.source()
                            + (route.onlink() ? " onlink" : ""),
                    false));
        }
    }

    private static String network(IpPrefix subnet) {
        return subnet.address() + "/" + subnet.length();
    }

    private String onDevice(IpAddress gateway) {
        return " via " + gateway + " dev " + vtep.deviceName();
    }
}
