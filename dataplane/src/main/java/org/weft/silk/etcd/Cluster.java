package org.weft.silk.etcd;

import java.net.URI;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.operator.OperatorException;
import org.weft.silk.config.CellConfig;
import org.weft.silk.config.CellConfig.TlsFiles;

/** The members of a cluster: one is used until it fails, then the next. Which is the first is left to chance, so that each serves its share of hosts. */
final class Cluster {
    private static final Logger LOG = LoggerFactory.getLogger(Cluster.class);

    private final List<URI> endpoints;
    private final Supplier<SSLContext> tls;
    private final Credentials credentials;
    private final TlsFiles files;
    private final Duration timeout;

    /** Why members failed since one did not. */
    private final Map<URI, String> failures = new LinkedHashMap<>();

    private HttpClient http;
    private int current;
    private URI answered;

    /** @param tls null without TLS, or with the JVM's */
    Cluster(CellConfig.Etcd config, Supplier<SSLContext> tls) {
        this.endpoints = config.endpoints();
        this.tls = tls;
        this.credentials = config.user() == null ? null : new Credentials(config.user(), config.passwordFile());
        this.files = config.tls();
        this.timeout = config.timeout();
        this.current = ThreadLocalRandom.current().nextInt(endpoints.size());
    }

    int size() {
        return endpoints.size();
    }

    /** The member to be used now, with nothing known of it. */
    Gateway member() throws EtcdException {
        if (http == null) {
            http = client();
        }
        return new Gateway(endpoints.get(current), http, credentials, files, timeout);
    }

    private HttpClient client() throws EtcdException {
        HttpClient.Builder builder = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .proxy(HttpClient.Builder.NO_PROXY)
                .connectTimeout(timeout);
        if (tls != null) {
            try {
                builder.sslContext(tls.get());
            } catch (OperatorException e) {
                throw new EtcdException(endpoints.get(current) + ": " + e.getMessage(), e);
            }
        }
        return builder.build();
    }

    /** The current member did what it should. */
    void succeeded() {
        URI endpoint = endpoints.get(current);
        if (answered != null && !answered.equals(endpoint)) {
            LOG.info("etcd: {} is used from now on", endpoint);
        }
        answered = endpoint;
        failures.clear();
    }

    /**
     * The current member did not; the next one is to be tried. After trouble with certificates they are read anew.
     *
     * @return whether no member is left that has not failed
     */
    boolean failed(EtcdException failure) {
        URI endpoint = endpoints.get(current);
        if (!failure.getMessage().equals(failures.put(endpoint, failure.getMessage())) && endpoint.equals(answered)) {
            LOG.warn("etcd: {}", failure.getMessage());
        }
        if (failure.isTls()) {
            http = null;
        }
        current = (current + 1) % endpoints.size();
        return failures.size() == endpoints.size();
    }

    /** Why none can be used, in the order of the configuration. */
    String failure() {
        return "etcd cannot be used: "
                + String.join(
                        "; ",
                        endpoints.stream()
                                .filter(failures::containsKey)
                                .map(failures::get)
                                .toList());
    }
}
