package org.weft.control;

import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.vtep.LinkState;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.dataplane.vtep.VtepConfig.Encapsulation;
import org.weft.dataplane.vtep.VtepConfig.Forwarding;
import org.weft.dataplane.vtep.VtepConfig.Underlay;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;

/** A VTEP as {@code ip -j -d -s link} shows a vxlan device. */
final class LinkView {
    /** Drops that the kernel's device counts as errors; the others are its dropped packets. */
    private static final Set<Counter> ERRORS = EnumSet.of(
            Counter.IP_OUTNOROUTES,
            Counter.PKT_TOO_BIG,
            Counter.UNDERLAY_REFUSED,
            Counter.CIRCULAR_ROUTE,
            Counter.VXLAN_INVALID_HDR,
            Counter.IP_HDR_TRUNC,
            Counter.IP_TUNNEL_ECN);

    private final VtepRegistry registry;

    LinkView(VtepRegistry registry) {
        this.registry = registry;
    }

    void write(Vtep vtep, JsonWriter json) throws IOException {
        LinkState state = registry.state(vtep);
        VtepConfig config = vtep.config();
        json.beginObject();
        json.name("ifindex").value(state.ifindex());
        json.name("ifname").value(config.name());
        flags(state, json);
        json.name("mtu").value(state.mtu());
        json.name("operstate").value(state.up() && state.carrier() ? "UNKNOWN" : "DOWN");
        json.name("address").value(MacAddress.toString(state.mac()));
        addresses(registry.addresses(vtep), json);
        json.name("linkinfo").beginObject();
        json.name("info_kind").value("vxlan");
        data(config, json);
        json.endObject();
        statistics(vtep.counters(), json);
        weft(vtep, state, json);
        json.endObject();
    }

    private static void flags(LinkState state, JsonWriter json) throws IOException {
        json.name("flags").beginArray();
        if (state.up() && !state.carrier()) {
            json.value("NO-CARRIER");
        }
        json.value("BROADCAST").value("MULTICAST");
        if (state.up()) {
            json.value("UP");
        }
        if (state.up() && state.carrier()) {
            json.value("LOWER_UP");
        }
        json.endArray();
    }

    private static void addresses(List<IpPrefix> addresses, JsonWriter json) throws IOException {
        json.name("addr_info").beginArray();
        for (IpPrefix prefix : addresses) {
            json.beginObject();
            json.name("family").value(prefix.address().isIpv4() ? "inet" : "inet6");
            json.name("local").value(prefix.address().toString());
            json.name("prefixlen").value(prefix.length());
            json.endObject();
        }
        json.endArray();
    }

    private static void data(VtepConfig config, JsonWriter json) throws IOException {
        Underlay underlay = config.underlay();
        Encapsulation encapsulation = config.encapsulation();
        Forwarding forwarding = config.forwarding();
        json.name("info_data").beginObject();
        json.name("id").value(config.vni());
        json.name("local").value(underlay.local().toString());
        if (underlay.dev() != null) {
            json.name("link").value(underlay.dev());
        }
        json.name("port_range").beginObject();
        json.name("low").value(underlay.sourcePorts().min());
        json.name("high").value(underlay.sourcePorts().max());
        json.endObject();
        json.name("port").value(underlay.port());
        json.name("learning").value(forwarding.learning());
        json.name("proxy").value(forwarding.proxy());
        json.name("ageing").value(forwarding.ageing());
        json.name("limit").value(forwarding.maxAddresses());
        numberOrInherit("ttl", encapsulation.ttl(), VtepConfig.TTL_INHERIT, json);
        numberOrInherit("tos", encapsulation.tos(), VtepConfig.TOS_INHERIT, json);
        json.name("df").value(encapsulation.df().name().toLowerCase(Locale.ROOT));
        json.name("udp_csum").value(underlay.checksums().ipv4());
        json.name("udp_zero_csum6_tx").value(underlay.checksums().ipv6ZeroSent());
        json.name("udp_zero_csum6_rx").value(underlay.checksums().ipv6ZeroAccepted());
        json.name("gbp").value(encapsulation.gbp());
        json.endObject();
    }

    private static void numberOrInherit(String name, int value, int inherit, JsonWriter json) throws IOException {
        json.name(name);
        if (value == inherit) {
            json.value("inherit");
        } else {
            json.value(value);
        }
    }

    private static void statistics(Counters counters, JsonWriter json) throws IOException {
        json.name("stats64").beginObject();
        json.name("rx");
        direction(counters, Counter.RX_BYTES, Counter.RX_DELIVERED, Counter.Kind.RX_DROP, json);
        json.name("tx");
        direction(counters, Counter.TX_BYTES, Counter.TX_SENT, Counter.Kind.TX_DROP, json);
        json.endObject();
    }

    private static void direction(
            Counters counters, Counter bytes, Counter packets, Counter.Kind drops, JsonWriter json) throws IOException {
        long errors = 0;
        for (Counter error : ERRORS) {
            errors += error.kind() == drops ? counters.get(error) : 0;
        }
        json.beginObject();
        json.name("bytes").value(counters.get(bytes));
        json.name("packets").value(counters.get(packets));
        json.name("errors").value(errors);
        json.name("dropped").value(Math.max(0, counters.sum(drops) - errors));
        if (drops == Counter.Kind.TX_DROP) {
            json.name("collisions").value(counters.get(Counter.CIRCULAR_ROUTE));
        }
        json.endObject();
    }

    private static void weft(Vtep vtep, LinkState state, JsonWriter json) throws IOException {
        json.name("weft").beginObject();
        json.name("offloads").beginObject();
        for (Map.Entry<String, String> offload : state.offloads().entrySet()) {
            json.name(offload.getKey()).value(offload.getValue() == null ? "on" : "off: " + offload.getValue());
        }
        json.endObject();
        json.name("persist").value(vtep.config().device().persist());
        json.name("install_neighbours").value(vtep.config().forwarding().installNeighbours());
        json.name("known_peers").value(vtep.config().forwarding().knownPeers());
        json.name("trouble").value(state.trouble());
        json.name("note").value(state.note());
        json.name("counters").beginObject();
        for (Counter counter : Counter.values()) {
            if (!counter.isDrop()) {
                json.name(counter.name()).value(vtep.counters().get(counter));
            }
        }
        json.endObject();
        json.endObject();
    }
}
