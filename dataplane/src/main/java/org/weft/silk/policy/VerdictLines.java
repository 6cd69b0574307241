package org.weft.silk.policy;

import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.weft.encap.FlowKey;
import org.weft.encap.IpAddress;
import org.weft.encap.TcpHeader;
import org.weft.encap.UdpHeader;

/**
 * Verdicts as iptables-logger writes them (silk-release: iptables-logger/merger, parser, repository), a line of JSON each,
 * and whom the packet comes from besides.
 */
final class VerdictLines {
    private static final String SOURCE = "cfnetworking.iptables";
    private static final int LOG_LEVEL_INFO = 1;
    private static final int SCTP = 132;
    private static final long NANOS = 1_000_000_000;

    private final IntFunction<Workload> byTag;
    private final Function<IpAddress, Workload> byAddress;
    private final Supplier<IpAddress> host;

    /** @param host underlay address of this host; null if it has none at present */
    VerdictLines(IntFunction<Workload> byTag, Function<IpAddress, Workload> byAddress, Supplier<IpAddress> host) {
        this.byTag = byTag;
        this.byAddress = byAddress;
        this.host = host;
    }

    String line(VerdictRecord verdict) {
        String message = verdict.allowed() ? "ingress-allowed" : "ingress-denied";
        return line(verdict.timeNanos(), message, json -> {
            json.name("destination");
            workload(byAddress.apply(verdict.destination()), host.get(), json);
            json.name("packet");
            packet(verdict, json);
            json.name("source");
            workload(sender(verdict), null, json);
        });
    }

    /** The tag names at least the app, where the address belongs to another host's container. */
    private Workload sender(VerdictRecord verdict) {
        Workload known = byAddress.apply(verdict.source());
        return known.app() == null
                ? new Workload(known.container(), byTag.apply(verdict.tag()).app(), known.space(), known.organization())
                : known;
    }

    /** Tells how many verdicts are missing since the last such line. */
    String lost(long timeNanos, long allowed, long denied) {
        return line(timeNanos, "verdicts-lost", json -> {
            json.name("allowed").value(allowed);
            json.name("denied").value(denied);
        });
    }

    /** Writes the members of an object. */
    @FunctionalInterface
    private interface Members {
        void write(JsonWriter json) throws IOException;
    }

    private static String line(long timeNanos, String message, Members data) {
        StringWriter text = new StringWriter(512);
        try (JsonWriter json = new JsonWriter(text)) {
            json.beginObject();
            json.name("timestamp").value(String.format(Locale.ROOT, "%d.%09d", timeNanos / NANOS, timeNanos % NANOS));
            json.name("source").value(SOURCE);
            json.name("message").value(SOURCE + "." + message);
            json.name("log_level").value(LOG_LEVEL_INFO);
            json.name("data").beginObject();
            data.write(json);
            json.endObject();
            json.endObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.append('\n').toString();
    }

    /** What is not known is empty, as there. */
    private static void workload(Workload workload, IpAddress at, JsonWriter json) throws IOException {
        json.beginObject();
        json.name("container_id").value(orEmpty(workload.container()));
        json.name("app_guid").value(orEmpty(workload.app()));
        json.name("space_guid").value(orEmpty(workload.space()));
        json.name("organization_guid").value(orEmpty(workload.organization()));
        json.name("host_ip").value(at == null || at.isAny() ? "" : at.toString());
        json.name("host_guid").value("");
        json.endObject();
    }

    private static String orEmpty(String text) {
        return text == null ? "" : text;
    }

    private static void packet(VerdictRecord verdict, JsonWriter json) throws IOException {
        json.beginObject();
        json.name("direction").value("ingress");
        json.name("allowed").value(verdict.allowed());
        json.name("src_ip").value(verdict.source().toString());
        json.name("dst_ip").value(verdict.destination().toString());
        json.name("src_port").value(verdict.sourcePort());
        json.name("dst_port").value(verdict.destinationPort());
        json.name("protocol").value(protocol(verdict.protocol()));
        json.name("mark").value(verdict.tag() == 0 ? "" : "0x" + Integer.toHexString(verdict.tag()));
        json.name("icmp_type").value(verdict.isIcmp() ? verdict.icmpType() : 0);
        json.name("icmp_code").value(verdict.isIcmp() ? verdict.icmpCode() : 0);
        json.endObject();
    }

    /** As netfilter's LOG target writes it. */
    private static String protocol(int number) {
        return switch (number) {
            case TcpHeader.PROTOCOL -> "TCP";
            case UdpHeader.PROTOCOL -> "UDP";
            case FlowKey.ICMP -> "ICMP";
            case FlowKey.ICMPV6 -> "ICMPv6";
            case SCTP -> "SCTP";
            default -> Integer.toString(number);
        };
    }
}
