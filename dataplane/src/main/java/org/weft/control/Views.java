package org.weft.control;

import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.time.Instant;
import java.util.Collections;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.function.Function;
import java.util.stream.Stream;
import org.weft.control.http.Answer.JsonBody;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.counters.DropSample;
import org.weft.dataplane.table.FdbEntry;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.encap.MacAddress;

/** What {@code GET} answers, as JSON with the field names of {@code ip -j} and {@code bridge -j}. */
final class Views {
    private final VtepRegistry registry;
    private final LinkView links;

    Views(VtepRegistry registry) {
        this.registry = registry;
        this.links = new LinkView(registry);
    }

    Iterator<JsonBody> links(List<Vtep> vteps) {
        return entries(vteps, vtep -> Stream.of(json -> links.write(vtep, json)));
    }

    /** As {@code bridge fdb} does, an entry of several remotes is shown once for each. */
    Iterator<JsonBody> fdb(List<Vtep> vteps) {
        return entries(vteps, vtep -> vtep.fdb().entries().map(entry -> json -> {
            for (Remote remote : entry.remotes()) {
                fdbEntry(vtep, entry, remote, json);
            }
        }));
    }

    /** The entries of one table after another, each read when it is asked for. */
    private static Iterator<JsonBody> entries(List<Vtep> vteps, Function<Vtep, Stream<JsonBody>> table) {
        Iterator<Vtep> rest = vteps.iterator();
        return new Iterator<>() {
            private Iterator<JsonBody> current = Collections.emptyIterator();

            @Override
            public boolean hasNext() {
                while (!current.hasNext() && rest.hasNext()) {
                    current = table.apply(rest.next()).iterator();
                }
                return current.hasNext();
            }

            @Override
            public JsonBody next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                return current.next();
            }
        };
    }

    private void fdbEntry(Vtep vtep, FdbEntry entry, Remote remote, JsonWriter json) throws IOException {
        json.beginObject();
        json.name("mac").value(MacAddress.toString(entry.mac()));
        json.name("ifname").value(vtep.name());
        json.name("dst").value(remote.address().toString());
        if (remote.port() != 0) {
            json.name("port").value(remote.port());
        }
        if (remote.vni() != Remote.SAME_VNI) {
            json.name("vni").value(remote.vni());
        }
        json.name("flags").beginArray().value("self").endArray();
        json.name("state").value(entry.permanent() ? "permanent" : "");
        if (!entry.permanent()) {
            json.name("updated").value(Math.max(0, registry.nowSeconds() - entry.updatedSeconds()));
        }
        json.endObject();
    }

    Iterator<JsonBody> neighbours(List<Vtep> vteps) {
        return entries(vteps, vtep -> vtep.neighbours().entries().map(entry -> json -> {
            json.beginObject();
            json.name("dst").value(entry.address().toString());
            json.name("dev").value(vtep.name());
            json.name("lladdr").value(MacAddress.toString(entry.mac()));
            json.name("state").beginArray().value("PERMANENT").endArray();
            json.endObject();
        }));
    }

    Iterator<JsonBody> tags(List<Vtep> vteps) {
        return entries(vteps, vtep -> vtep.tags().entries().map(entry -> json -> {
            json.beginObject();
            json.name("source").value(entry.source().toString());
            json.name("dev").value(vtep.name());
            json.name("tag").value(entry.tag());
            json.endObject();
        }));
    }

    /** Drops of VTEPs and of underlay sockets, under the names given. */
    void drops(Map<String, Counters> sources, JsonWriter json) throws IOException {
        json.beginArray();
        for (Map.Entry<String, Counters> source : sources.entrySet()) {
            for (Counter reason : Counter.drops()) {
                if (source.getValue().get(reason) > 0) {
                    drop(source.getKey(), source.getValue(), reason, json);
                }
            }
        }
        json.endArray();
    }

    private static void drop(String dev, Counters counters, Counter reason, JsonWriter json) throws IOException {
        json.beginObject();
        json.name("dev").value(dev);
        json.name("direction").value(direction(reason));
        json.name("reason").value(reason.name());
        json.name("count").value(counters.get(reason));
        json.name("meaning").value(reason.meaning());
        DropSample last = counters.lastDrop(reason);
        if (last != null) {
            json.name("last").value(Instant.ofEpochMilli(last.epochMillis()).toString());
            json.name("length").value(last.length());
            json.name("header").value(HexFormat.of().formatHex(last.header()));
        }
        json.endObject();
    }

    static String direction(Counter reason) {
        return reason.kind() == Counter.Kind.TX_DROP ? "tx" : "rx";
    }
}
