package org.weft.silk.config;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.weft.config.Values;
import org.weft.config.YamlMapping;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.config.CellConfig.Etcd;
import org.weft.silk.config.CellConfig.LeaseFile;
import org.weft.silk.config.CellConfig.Leases;
import org.weft.silk.config.CellConfig.SilkController;
import org.weft.silk.config.CellConfig.TlsFiles;

/** What is under {@code cell.leases}: exactly one source. */
final class LeasesSection {
    private static final List<String> SOURCES = List.of("file", "silk-controller", "etcd");
    private static final List<String> CONTROLLER_KEYS =
            List.of("config", "url", "ca", "cert", "key", "poll", "timeout", "partition-tolerance");
    private static final List<String> ETCD_KEYS =
            List.of("endpoints", "prefix", "ca", "cert", "key", "user", "password-file", "ttl", "expiry", "timeout");

    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration DAY = Duration.ofDays(1);
    private static final Duration YEAR = Duration.ofDays(365);

    /** As silk-release's: jobs/silk-daemon/spec; a host that was away for a weekend finds its subnet again. */
    private static final Duration WEEK = Duration.ofHours(168);

    private static final Duration POLL = Duration.ofSeconds(30);
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final Duration TTL = Duration.ofSeconds(60);

    private static final SilkController CONTROLLER =
            new SilkController(null, new TlsFiles(null, null, null), POLL, TIMEOUT, WEEK);

    private final Consumer<String> warnings;
    private final Leases source;
    private SilkClientConfig client;
    private boolean unusableClient;

    LeasesSection(YamlMapping cell, Consumer<String> warnings) {
        this.warnings = warnings;
        if (!cell.has("leases")) {
            cell.problem("leases", "is missing: give one of " + String.join(", ", SOURCES));
        }
        YamlMapping leases = cell.mapping("leases");
        this.source = leases == null ? null : source(cell, leases);
    }

    /** Null if something is wrong with it (reported). */
    Leases source() {
        return source;
    }

    /** silk-daemon's configuration, which says more of the cell than its leases; null if there is none. */
    SilkClientConfig client() {
        return client;
    }

    /** Whether the configuration of silk-daemon is named and wrong (reported). */
    boolean hasUnusableClient() {
        return unusableClient;
    }

    private Leases source(YamlMapping cell, YamlMapping leases) {
        leases.refuseUnknown(SOURCES);
        List<String> given = SOURCES.stream().filter(leases::has).toList();
        if (given.isEmpty()) {
            cell.problem("leases", "must be one of " + String.join(", ", SOURCES));
        } else if (given.size() > 1) {
            leases.problem(
                    given.get(1), "leases come from one source, and " + given.get(0) + " is given too: leave one out");
        }
        Leases file = leases.has("file") ? file(leases) : null;
        Leases controller = leases.has("silk-controller") ? controller(leases.mapping("silk-controller")) : null;
        Leases etcd = leases.has("etcd") ? etcd(leases.mapping("etcd")) : null;
        return file != null ? file : controller != null ? controller : etcd;
    }

    private static Leases file(YamlMapping leases) {
        Path path = leases.read("file", null, Values::path);
        return path == null ? null : new LeaseFile(path);
    }

    private Leases controller(YamlMapping controller) {
        if (controller == null) {
            return null;
        }
        controller.refuseUnknown(CONTROLLER_KEYS);
        client = controller.has("config") ? client(controller) : null;
        unusableClient = controller.has("config") && client == null;
        SilkController base = client == null ? CONTROLLER : client.controller();
        URI url = value(controller, "url", base.url(), LeasesSection::controllerUrl);
        TlsFiles tls = new TlsFiles(
                value(controller, "ca", base.tls().ca(), Values::path),
                value(controller, "cert", base.tls().certificate(), Values::path),
                value(controller, "key", base.tls().key(), Values::path));
        Duration poll = controller.read("poll", base.poll(), text -> Values.duration(text, SECOND, DAY));
        Duration timeout = timeout(controller, base.timeout());
        Duration tolerance = controller.read(
                "partition-tolerance", base.partitionTolerance(), text -> Values.duration(text, SECOND, YEAR));
        refuseShorter(controller, "partition-tolerance", tolerance, "poll", poll);
        return new SilkController(url, tls, poll, timeout, tolerance);
    }

    /**
     * silk-daemon's configuration; null if it is wrong (reported).
     *
     * @throws OperatorException if it cannot be read; it may come later, so the configuration is
     *     not wrong
     */
    private static SilkClientConfig client(YamlMapping controller) {
        Path file = controller.read("config", null, Values::path);
        try {
            return file == null ? null : SilkClientConfig.read(file);
        } catch (OperatorException e) {
            if (e.kind() != Kind.BAD_CONFIG) {
                throw e;
            }
            e.getMessage().lines().forEach(line -> controller.problem("config", line));
            return null;
        }
    }

    /** A value that must be given here or in client-config.json; where that is wrong it is not known which. */
    private static <T> T value(YamlMapping controller, String key, T otherwise, Function<String, T> parse) {
        return otherwise != null || controller.has("config")
                ? controller.read(key, otherwise, parse)
                : controller.require(key, parse);
    }

    private static URI controllerUrl(String text) {
        return Values.server(text, "https://silk-controller.service.cf.internal:4103", "https");
    }

    private static Duration timeout(YamlMapping section, Duration otherwise) {
        return section.read("timeout", otherwise, text -> Values.duration(text, SECOND, Duration.ofMinutes(10)));
    }

    private static void refuseShorter(
            YamlMapping section, String key, Duration value, String lowerKey, Duration lower) {
        if (value.compareTo(lower) < 0) {
            section.problem(
                    section.has(key) ? key : lowerKey,
                    key + " of " + Values.durationText(value) + " is shorter than " + lowerKey + " of "
                            + Values.durationText(lower) + ": give it more");
        }
    }

    private Leases etcd(YamlMapping etcd) {
        if (etcd == null) {
            return null;
        }
        etcd.refuseUnknown(ETCD_KEYS);
        List<URI> endpoints = etcd.require("endpoints", LeasesSection::endpoints);
        Duration ttl = etcd.read("ttl", TTL, text -> Values.duration(text, SECOND, DAY));
        Duration expiry = etcd.read("expiry", WEEK, text -> Values.duration(text, SECOND, YEAR));
        refuseShorter(etcd, "expiry", expiry, "ttl", ttl);
        String user = etcd.read("user", null, LeasesSection::word);
        Path password = etcd.read("password-file", null, Values::path);
        requireBoth(etcd, "user", "password-file");
        boolean secure = endpoints != null && "https".equals(endpoints.get(0).getScheme());
        TlsFiles tls = etcdTls(etcd, secure || endpoints == null);
        if (user != null && endpoints != null && !secure) {
            warnings.accept("the password of etcd's user " + user + " goes to " + endpoints.get(0)
                    + " in clear text: give https endpoints");
        }
        String prefix = etcd.read("prefix", "/weft", LeasesSection::prefix);
        return endpoints == null
                ? null
                : new Etcd(endpoints, prefix, tls, user, password, ttl, expiry, timeout(etcd, TIMEOUT));
    }

    /** @return null without TLS */
    private static TlsFiles etcdTls(YamlMapping etcd, boolean secure) {
        TlsFiles tls = new TlsFiles(
                etcd.read("ca", null, Values::path),
                etcd.read("cert", null, Values::path),
                etcd.read("key", null, Values::path));
        requireBoth(etcd, "cert", "key");
        if (secure) {
            return tls;
        }
        List.of("ca", "cert", "key").stream()
                .filter(etcd::has)
                .forEach(key -> etcd.problem(
                        key, "is for https endpoints, and these are http: leave it out or give" + " https endpoints"));
        return null;
    }

    private static void requireBoth(YamlMapping section, String one, String other) {
        if (section.has(one) != section.has(other)) {
            String given = section.has(one) ? one : other;
            section.problem(section.has(one) ? other : one, "is missing, and " + given + " is of no use without it");
        }
    }

    private static List<URI> endpoints(String text) {
        List<URI> endpoints = new ArrayList<>();
        for (String word : text.split(" +")) {
            URI endpoint = Values.server(word, "https://10.0.0.5:2379", "https", "http");
            if (endpoints.contains(endpoint)) {
                throw new IllegalArgumentException(word + " is given twice: leave one out");
            }
            if (!endpoints.isEmpty()
                    && !endpoint.getScheme().equals(endpoints.get(0).getScheme())) {
                throw new IllegalArgumentException(
                        word + " and " + endpoints.get(0) + " differ: give https endpoints only, or http ones only");
            }
            endpoints.add(endpoint);
        }
        return endpoints;
    }

    private static String word(String text) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("\"" + text + "\" is no name");
        }
        return text;
    }

    private static String prefix(String text) {
        if (!text.matches("/[\\x21-\\x7e]*[\\x21-\\x2e\\x30-\\x7e]")) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is not what keys begin with, such as /weft: a slash first, none last, no space");
        }
        return text;
    }
}
