package org.weft.control;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.weft.config.Values;
import org.weft.config.VtepAttributes;
import org.weft.control.http.Fields;
import org.weft.control.http.Refusals;
import org.weft.dataplane.policy.FlowTable;
import org.weft.dataplane.table.FdbTable;
import org.weft.dataplane.table.NeighbourTable;
import org.weft.dataplane.table.NeighbourTable.Neighbour;
import org.weft.dataplane.table.Outcome;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.table.TagTable;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;

/** Changes the forwarding, neighbour and tag tables of a VTEP. */
final class TableOperations {
    private static final List<String> FDB_ACTIONS = List.of("add", "append", "replace", "del", "flush");
    private static final List<String> ACTIONS = List.of("add", "replace", "del", "flush");

    private final VtepRegistry registry;

    TableOperations(VtepRegistry registry) {
        this.registry = registry;
    }

    static List<String> actions(String object) {
        return object.equals("fdb") ? FDB_ACTIONS : ACTIONS;
    }

    void apply(String object, String action, Vtep vtep, Fields fields, Consumer<String> warnings) {
        switch (object) {
            case "fdb" -> fdb(action, vtep, fields);
            case "neigh" -> neighbour(action, vtep, fields);
            default -> tag(action, vtep, fields, warnings);
        }
    }

    private void fdb(String action, Vtep vtep, Fields fields) {
        if (action.equals("flush")) {
            flushFdb(vtep, fields);
            return;
        }
        long mac = fields.require("mac", MacAddress::parse);
        boolean remove = action.equals("del");
        IpAddress dst = remove && fields.text("dst") == null
                ? null
                : fields.require("dst", text -> Values.remoteAddress(text, vtep.config()));
        int port = fields.read("port", 0, Values::port);
        int vni = fields.read("vni", Remote.SAME_VNI, Values::vni);
        boolean permanent = permanent(fields, true);
        fields.refuseOthers();
        Remote remote = dst == null ? null : Values.remote(vtep.config(), dst, port, vni);
        FdbTable table = vtep.fdb();
        long now = registry.nowSeconds();
        Outcome outcome =
                switch (action) {
                    case "add" -> table.add(mac, remote, permanent, now);
                    case "append" -> table.append(mac, remote, permanent, now);
                    case "replace" -> table.replace(mac, remote, permanent, now);
                    default -> table.remove(mac, remote);
                };
        Refusals.refuseUnlessOk(outcome, vtep, "fdb", action);
    }

    private static boolean permanent(Fields fields, boolean otherwise) {
        return fields.read("state", otherwise, text -> switch (text) {
            case "permanent" -> true;
            case "reachable" -> false;
            default -> throw new IllegalArgumentException("\"" + text + "\" is not permanent or reachable");
        });
    }

    /** The default entry stays, as in the kernel (vxlan_fdb_delete_bulk); it goes when it is named. */
    private static void flushFdb(Vtep vtep, Fields fields) {
        boolean all = permanent(fields, true);
        fields.refuseOthers();
        if (!all) {
            vtep.fdb().flush(true);
            return;
        }
        vtep.fdb()
                .entries()
                .filter(entry -> entry.mac() != FdbTable.DEFAULT_MAC)
                .forEach(entry -> vtep.fdb().remove(entry.mac(), null));
    }

    private void neighbour(String action, Vtep vtep, Fields fields) {
        if (action.equals("flush")) {
            fields.refuseOthers();
            flushNeighbours(vtep);
            return;
        }
        IpAddress address = fields.require("dst", Values::hostAddress);
        boolean remove = action.equals("del");
        long mac = remove && fields.text("lladdr") == null
                ? NeighbourTable.NONE
                : fields.require("lladdr", Values::hostMac);
        fields.refuseOthers();
        long before = vtep.neighbours().lookup(address.high(), address.low());
        Outcome outcome =
                switch (action) {
                    case "add" -> vtep.neighbours().add(address, mac);
                    case "replace" -> vtep.neighbours().replace(address, mac);
                    default -> vtep.neighbours().remove(address);
                };
        Refusals.refuseUnlessOk(outcome, vtep, "neigh", action);
        try {
            tell(vtep, address, remove ? NeighbourTable.NONE : mac);
        } catch (RuntimeException | Error e) {
            restore(vtep, address, before);
            throw e;
        }
    }

    /**
     * Removes neighbours from the kernel first. If the kernel keeps one, it gets those before back,
     * and the table stays.
     */
    private void flushNeighbours(Vtep vtep) {
        if (vtep.config().forwarding().installNeighbours()) {
            List<Neighbour> gone = new ArrayList<>();
            try {
                for (Neighbour neighbour : vtep.neighbours().entries().toList()) {
                    tell(vtep, neighbour.address(), NeighbourTable.NONE);
                    gone.add(neighbour);
                }
            } catch (RuntimeException | Error e) {
                gone.forEach(neighbour -> giveBack(vtep, neighbour, e));
                throw e;
            }
        }
        vtep.neighbours().flush();
    }

    private void giveBack(Vtep vtep, Neighbour neighbour, Throwable cause) {
        try {
            tell(vtep, neighbour.address(), neighbour.mac());
        } catch (RuntimeException | Error e) {
            cause.addSuppressed(e);
        }
    }

    private void tell(Vtep vtep, IpAddress address, long mac) {
        if (vtep.config().forwarding().installNeighbours()) {
            registry.neighbourChanged(vtep, address, mac);
        }
    }

    /** An operation that the kernel refuses is refused, and has changed nothing. */
    private static void restore(Vtep vtep, IpAddress address, long before) {
        if (before == NeighbourTable.NONE) {
            vtep.neighbours().remove(address);
        } else {
            vtep.neighbours().replace(address, before);
        }
    }

    private static void tag(String action, Vtep vtep, Fields fields, Consumer<String> warnings) {
        if (action.equals("flush")) {
            fields.refuseOthers();
            List<IpPrefix> sources = vtep.tags().entries().map(Tag::source).toList();
            vtep.tags().flush();
            forgetFlows(vtep, sources);
            return;
        }
        IpPrefix source = fields.require("source", Values::network);
        boolean remove = action.equals("del");
        int tag = remove ? fields.read("tag", 0, Values::tag) : fields.require("tag", Values::tag);
        fields.refuseOthers();
        if (!remove && !vtep.config().encapsulation().gbp()) {
            warnings.accept(VtepAttributes.tagsWithoutGbp(vtep.config()));
        }
        int before = vtep.tags().get(source);
        Outcome outcome =
                switch (action) {
                    case "add" -> vtep.tags().add(source, tag);
                    case "replace" -> vtep.tags().replace(source, tag);
                    default -> vtep.tags().remove(source);
                };
        Refusals.refuseUnlessOk(outcome, vtep, "tag", action);
        if (before != TagTable.UNTAGGED && before != vtep.tags().get(source)) {
            forgetFlows(vtep, List.of(source));
        }
    }

    /** Containers that had another tag are taken for other ones. */
    private static void forgetFlows(Vtep vtep, List<IpPrefix> sources) {
        FlowTable flows = vtep.enforcement().flows();
        if (flows != null && sources.stream().anyMatch(flows::mayHold)) {
            flows.forget(sources);
        }
    }
}
