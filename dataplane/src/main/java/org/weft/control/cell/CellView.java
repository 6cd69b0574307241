package org.weft.control.cell;

import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.weft.control.http.Answer.JsonBody;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;
import org.weft.silk.cell.Cell.Pass;
import org.weft.silk.cell.CellStatus;
import org.weft.silk.cell.Change;
import org.weft.silk.container.Attachment;
import org.weft.silk.container.ContainerGuard.Repair;
import org.weft.silk.container.HostRepair;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.lease.SilkNames;

/** A cell as {@code GET} answers it, in JSON; leases with silk's field names. */
final class CellView {
    private CellView() {}

    /** Piece by piece, as there may be ten thousand leases. */
    static Iterator<JsonBody> leases(CellStatus status) {
        JsonBody head = json -> {
            json.beginObject();
            json.name("vtep").value(status.vtep());
            json.name("source").value(status.source());
            json.name("state").value(state(status));
            json.name("age").value(status.ageMillis() < 0 ? null : status.ageMillis() / 1000);
            json.name("trouble").value(status.trouble());
            json.name("own");
            lease(status.own(), json);
        };
        return Stream.of(
                        Stream.of(head),
                        array("leases", sorted(status.leases()), lease -> json -> lease(lease, json)),
                        array("skipped", status.skipped(), skipped -> json -> {
                            json.beginObject();
                            record(skipped.record(), json);
                            json.name("reason").value(skipped.reason());
                            json.endObject();
                        }),
                        array("failures", status.failures(), sentence -> json -> json.value(sentence)),
                        Stream.<JsonBody>of(JsonWriter::endObject))
                .flatMap(Function.identity())
                .iterator();
    }

    /** By address, as {@code ip route} shows them. */
    private static List<Lease> sorted(List<Lease> leases) {
        return leases.stream()
                .sorted(Comparator.comparingLong((Lease lease) -> lease.base().ipv4() & 0xffff_ffffL))
                .toList();
    }

    private static <T> Stream<JsonBody> array(String name, List<T> list, Function<T, JsonBody> element) {
        JsonBody begin = json -> json.name(name).beginArray();
        return Stream.concat(
                Stream.concat(Stream.of(begin), list.stream().map(element)), Stream.of(JsonWriter::endArray));
    }

    static String state(CellStatus status) {
        return status.phase().name().toLowerCase(Locale.ROOT);
    }

    private static void lease(Lease lease, JsonWriter json) throws IOException {
        if (lease == null) {
            json.nullValue();
            return;
        }
        json.beginObject();
        record(lease.record(""), json);
        json.endObject();
    }

    private static void record(LeaseRecord record, JsonWriter json) throws IOException {
        json.name("underlay_ip").value(record.underlayIp());
        json.name("overlay_subnet").value(record.overlaySubnet());
        json.name("overlay_hardware_addr").value(record.overlayHardwareAddr());
    }

    static JsonBody changes(Pass pass) {
        Map<IpPrefix, String> refused = pass.refused();
        Repair guard = pass.guard();
        return json -> {
            json.beginArray();
            if (guard != null) {
                json.beginObject();
                json.name("table").value(guard.table());
                json.name("change").value("repaired");
                json.name("text").value("repaired table " + guard.table());
                if (guard.refused() != null) {
                    json.name("refused").value(guard.refused());
                }
                json.endObject();
            }
            for (HostRepair repair : pass.host()) {
                json.beginObject();
                json.name(repair.kind()).value(repair.name());
                json.name("change").value("repaired");
                json.name("text").value(repair.toString());
                if (repair.refused() != null) {
                    json.name("refused").value(repair.refused());
                }
                json.endObject();
            }
            for (Change change : pass.changes()) {
                json.beginObject();
                IpPrefix subnet = change.subnet();
                json.name("subnet").value(subnet.address() + "/" + subnet.length());
                json.name("change").value(change.kind().name().toLowerCase(Locale.ROOT));
                json.name("before");
                lease(change.before(), json);
                json.name("after");
                lease(change.after(), json);
                json.name("text").value(change.toString());
                if (refused.containsKey(subnet)) {
                    json.name("refused").value(refused.get(subnet));
                }
                json.endObject();
            }
            for (String warning : pass.warnings()) {
                json.beginObject();
                json.name("warning").value(warning);
                json.endObject();
            }
            json.endArray();
        };
    }

    static JsonBody cell(LocalCell local) {
        CellStatus status = local.cell().status();
        List<Attachment> containers = local.containers().entries();
        return json -> {
            json.beginObject();
            json.name("vtep").value(status.vtep());
            json.name("state").value(state(status));
            json.name("subnet").value(status.own() == null ? null : status.own().subnetText());
            json.name("draining").value(status.drainMillis() >= 0);
            json.name("drain_remaining").value(status.drainMillis() < 0 ? null : status.drainMillis() / 1000);
            json.name("guard").beginObject();
            json.name("table").value(local.cell().guard().table());
            json.name("trouble").value(local.cell().guard().trouble());
            json.endObject();
            json.name("containers").beginArray();
            for (Attachment container : containers) {
                container(container, json);
            }
            json.endArray();
            json.endObject();
        };
    }

    static void container(Attachment container, JsonWriter json) throws IOException {
        Attachment.Key key = container.key();
        json.beginObject();
        json.name("network").value(key.network());
        json.name("id").value(key.id());
        json.name("ifname").value(key.ifname());
        json.name("address").value(container.address().toString());
        json.name("mac").value(MacAddress.toString(SilkNames.containerMac(container.address())));
        json.name("netns").value(container.netns().toString());
        json.name("mtu").value(container.mtu());
        json.name("veth").value(container.veth());
        json.name("veth_mac").value(MacAddress.toString(SilkNames.vethMac(container.address())));
        if (container.found()) {
            json.name("found").value(true);
        }
        json.endObject();
    }
}
