package org.weft.silk.config;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.weft.config.Values;
import org.weft.config.YamlMapping;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.policy.FlowTable.Timeouts;
import org.weft.dataplane.vtep.VtepConfig;
import org.weft.operator.Suggestion;
import org.weft.silk.config.CellConfig.TlsFiles;
import org.weft.silk.config.PolicyConfig.HostAccess;
import org.weft.silk.config.PolicyConfig.PolicyFile;
import org.weft.silk.config.PolicyConfig.PolicyServer;
import org.weft.silk.config.PolicyConfig.Source;

/** The section {@code policy}. */
public final class PolicySection {
    private static final List<String> KEYS = List.of(
            "vtep",
            "mode",
            "refuse",
            "spoofing",
            "dnat",
            "host",
            "subnet-prefix-length",
            "flows",
            "tcp-timeout",
            "udp-timeout",
            "verdicts",
            "ingress-router-tag",
            "state",
            "source");
    private static final List<String> SOURCE_KEYS = List.of("file", "policy-server", "containers", "poll-interval");
    private static final List<String> SERVER_KEYS = List.of("url", "urls", "ca", "cert", "key", "timeout");

    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration DAY = Duration.ofDays(1);
    private static final Duration YEAR = Duration.ofDays(365);

    /** As silk-release's: jobs/vxlan-policy-agent/spec. */
    private static final Duration POLL = Duration.ofSeconds(5);

    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final Path STATE = Path.of("/var/lib/weft");
    private static final int SUBNET_LENGTH = 24;
    private static final int FLOWS = 1 << 18;
    private static final int LEAST_FLOWS = 1 << 10;
    private static final int MOST_FLOWS = 1 << 24;

    private enum Access {
        ALLOW,
        REFUSE
    }

    private final YamlMapping policy;
    private final CellConfig cell;

    /** Names of the VTEPs that the file makes, and whether their packets carry tags. */
    private final Map<String, Boolean> vteps = new LinkedHashMap<>();

    /** @param cell null if the host is none */
    public PolicySection(YamlMapping policy, CellConfig cell, List<VtepConfig> others) {
        this.policy = policy;
        this.cell = cell;
        if (cell != null) {
            vteps.put(cell.vtepName(), !"false".equals(cell.vtepAttributes().get("gbp")));
        }
        others.forEach(vtep -> vteps.put(vtep.name(), vtep.encapsulation().gbp()));
    }

    /** To be used only if no problem was reported. */
    public PolicyConfig read(Consumer<String> warnings) {
        policy.refuseUnknown(KEYS);
        String vtep = vtep();
        if (Boolean.FALSE.equals(vteps.get(vtep))) {
            warnings.accept("policy: packets of " + vtep + " carry no tags without gbp, so no policy lets any in: set"
                    + " its gbp to true");
        }
        Timeouts timeouts = new Timeouts(
                seconds("tcp-timeout", Timeouts.DEFAULT.tcp()), seconds("udp-timeout", Timeouts.DEFAULT.udp()));
        return new PolicyConfig(
                vtep,
                policy.read("mode", Mode.ENFORCE, text -> oneOf(text, Mode.values())),
                policy.read("refuse", Refusal.REJECT, text -> oneOf(text, Refusal.values())),
                policy.read("spoofing", spoofing(vtep), text -> oneOf(text, Spoofing.values())),
                subnetLength(vtep),
                policy.read("flows", FLOWS, text -> Values.integer(text, LEAST_FLOWS, MOST_FLOWS)),
                timeouts,
                policy.read("verdicts", null, Values::path),
                ingressRouterTag(),
                policy.read("state", cell == null ? STATE : cell.state(), Values::path),
                source(),
                new HostAccess(
                        access(vtep, "dnat", HostAccess.DEFAULT.dnat()),
                        access(vtep, "host", HostAccess.DEFAULT.host())));
    }

    private boolean access(String vtep, String key, boolean otherwise) {
        if (policy.has(key) && (cell == null || !cell.vtepName().equals(vtep))) {
            policy.problem(key, "is for the VTEP of a cell: leave it out");
            return otherwise;
        }
        return policy.read(key, otherwise ? Access.ALLOW : Access.REFUSE, text -> oneOf(text, Access.values()))
                == Access.ALLOW;
    }

    private String vtep() {
        if (policy.has("vtep")) {
            return policy.read("vtep", null, this::known);
        }
        if (cell == null && vteps.size() != 1) {
            policy.problem(
                    "vtep",
                    vteps.isEmpty()
                            ? "is missing: give the name of the VTEP whose packets are judged"
                            : "is missing: give one of " + String.join(", ", vteps.keySet()));
            return null;
        }
        return vteps.keySet().iterator().next();
    }

    /** A wrong name would leave a VTEP unjudged, and nobody would see it. */
    private String known(String text) {
        String name = Values.deviceName(text);
        if (!vteps.isEmpty() && !vteps.containsKey(name)) {
            throw new IllegalArgumentException("there is no VTEP " + name + Suggestion.among(name, vteps.keySet())
                    + ": give one of " + String.join(", ", vteps.keySet()));
        }
        return name;
    }

    private static <E extends Enum<E>> E oneOf(String text, E[] values) {
        return Arrays.stream(values)
                .filter(value -> word(value).equals(text))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("\"" + text + "\" is not one of "
                        + Arrays.stream(values).map(PolicySection::word).collect(Collectors.joining(", "))));
    }

    private static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    /** Leases say which host has which address; elsewhere nothing need be in the tables. */
    private Spoofing spoofing(String vtep) {
        return isOfCell(vtep) ? Spoofing.DROP : Spoofing.OFF;
    }

    private boolean isOfCell(String vtep) {
        return cell != null && cell.vtepName().equals(vtep);
    }

    private int subnetLength(String vtep) {
        String key = "subnet-prefix-length";
        if (!isOfCell(vtep)) {
            return policy.read(key, SUBNET_LENGTH, text -> Values.integer(text, 1, 32));
        }
        if (policy.has(key)) {
            policy.problem(key, "follows from the cell: leave it out");
        }
        return cell.subnetLength();
    }

    private int seconds(String key, int otherwise) {
        Duration duration =
                policy.read(key, Duration.ofSeconds(otherwise), text -> Values.duration(text, SECOND, YEAR));
        return (int) duration.toSeconds();
    }

    private int ingressRouterTag() {
        return policy.read("ingress-router-tag", PolicyConfig.NO_ROUTER, text -> {
            if (!policy.has("source") || !policy.mapping("source").has("policy-server")) {
                throw new IllegalArgumentException(
                        "is for the ports in containers' metadata, which only source.policy-server reads: leave it out,"
                                + " and let the tag in by policies");
            }
            return text.equals("auto") ? PolicyConfig.ASK : Values.tag(text);
        });
    }

    private Source source() {
        YamlMapping source = policy.mapping("source");
        if (source == null) {
            return null;
        }
        source.refuseUnknown(SOURCE_KEYS);
        boolean file = source.has("file");
        boolean server = source.has("policy-server");
        if (file == server) {
            policy.problem(
                    "source", file ? "must be file or policy-server, not both" : "must be file or policy-server");
            return null;
        }
        return file ? file(source) : server(source);
    }

    private static Source file(YamlMapping source) {
        List.of("containers", "poll-interval").stream()
                .filter(source::has)
                .forEach(key -> source.problem(key, "is for policy-server: leave it out"));
        Path path = source.read("file", null, Values::path);
        return path == null ? null : new PolicyFile(path);
    }

    private static Source server(YamlMapping source) {
        Path containers = source.require("containers", Values::path);
        Duration poll = source.read("poll-interval", POLL, text -> Values.duration(text, SECOND, DAY));
        YamlMapping server = source.mapping("policy-server");
        if (server == null) {
            return null;
        }
        server.refuseUnknown(SERVER_KEYS);
        List<URI> urls = urls(server);
        TlsFiles tls = new TlsFiles(
                server.require("ca", Values::path),
                server.require("cert", Values::path),
                server.require("key", Values::path));
        Duration timeout =
                server.read("timeout", TIMEOUT, text -> Values.duration(text, SECOND, Duration.ofMinutes(10)));
        return urls == null ? null : new PolicyServer(urls, tls, containers, poll, timeout);
    }

    private static List<URI> urls(YamlMapping server) {
        if (server.has("url") && server.has("urls")) {
            server.problem("urls", "url is given too: leave one out");
        }
        return server.has("urls")
                ? server.read("urls", null, PolicySection::urls)
                : server.require("url", text -> List.of(url(text)));
    }

    private static List<URI> urls(String text) {
        List<URI> urls = new ArrayList<>();
        for (String word : text.split(" +")) {
            URI url = url(word);
            if (urls.contains(url)) {
                throw new IllegalArgumentException(word + " is given twice: leave one out");
            }
            urls.add(url);
        }
        return urls;
    }

    private static URI url(String text) {
        return Values.server(text, "https://policy-server.service.cf.internal:4003", "https");
    }
}
