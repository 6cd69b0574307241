package org.weft.control;

import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot.InfoDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.weft.control.cell.CellMetrics;
import org.weft.control.cell.LocalCell;
import org.weft.control.http.TcpListener;
import org.weft.control.policy.LocalPolicy;
import org.weft.control.policy.PolicyMetrics;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.vtep.Vtep;
import org.weft.dataplane.vtep.VtepRegistry;

/**
 * The same figures as {@link Views} for Prometheus. Each counter is a metric of its own, as they do not add up to
 * anything; drops do, and share one, by reason. A counter that is still 0 is shown, so that its rate is known from the
 * first packet.
 */
final class Metrics {
    private static final ExpositionFormats FORMATS = ExpositionFormats.init();

    private final VtepRegistry registry;
    private final LongSupplier captureLosses;
    private final Readiness readiness;
    private final CellMetrics cell;
    private final PolicyMetrics policy;
    private final List<TcpListener> listeners;

    /**
     * @param captureLosses packets that found a capture's ring full, since the start
     * @param local null without a cell
     * @param policy null without policies
     * @param listeners any thread may add to them
     */
    Metrics(
            VtepRegistry registry,
            LongSupplier captureLosses,
            LocalCell local,
            LocalPolicy policy,
            List<TcpListener> listeners) {
        this.registry = registry;
        this.captureLosses = captureLosses;
        this.readiness = new Readiness(registry, local);
        this.cell = local == null ? null : new CellMetrics(local, () -> readiness.cellObstacle() == null);
        this.policy = policy == null ? null : new PolicyMetrics(policy);
        this.listeners = listeners;
    }

    /** The format that a client accepts: the text format, unless it asks for OpenMetrics. */
    static ExpositionFormatWriter format(String accept) {
        boolean openMetrics = accept != null && accept.contains("application/openmetrics-text");
        return openMetrics ? FORMATS.getOpenMetricsTextFormatWriter() : FORMATS.getPrometheusTextFormatWriter();
    }

    void write(ExpositionFormatWriter format, OutputStream out) throws IOException {
        MetricSnapshots.Builder metrics = MetricSnapshots.builder();
        metrics.metricSnapshot(build());
        for (Counter counter : Counter.values()) {
            if (!counter.isDrop()) {
                metrics.metricSnapshot(counter(counter));
            }
        }
        metrics.metricSnapshot(drops());
        metrics.metricSnapshot(underlayDrops());
        metrics.metricSnapshot(overflows());
        metrics.metricSnapshot(gsoRefused());
        metrics.metricSnapshot(gauge("weft_fdb_entries", "entries of the forwarding table", v -> v.fdb()
                .size()));
        metrics.metricSnapshot(gauge("weft_neighbour_entries", "entries of the neighbour table", v -> v.neighbours()
                .size()));
        metrics.metricSnapshot(gauge(
                "weft_tag_entries", "entries of the tag table", v -> v.tags().size()));
        metrics.metricSnapshot(gauge(
                "weft_up",
                "whether packets of the VTEP pass, as far as Weft knows",
                v -> readiness.obstacle(v) == null ? 1 : 0));
        metrics.metricSnapshot(CounterSnapshot.builder()
                .name("weft_capture_lost")
                .help("packets that captures missed because their ring was full")
                .dataPoint(point(Labels.EMPTY, captureLosses.getAsLong()))
                .build());
        if (!listeners.isEmpty()) {
            metrics.metricSnapshot(listening());
            metrics.metricSnapshot(evictions());
        }
        if (cell != null) {
            cell.add(metrics);
        }
        if (policy != null) {
            policy.add(metrics);
        }
        format.write(out, metrics.build());
    }

    private static InfoSnapshot build() {
        return InfoSnapshot.builder()
                .name("weft_build")
                .help("version of Weft and of the JVM it runs on")
                .dataPoint(InfoDataPointSnapshot.builder()
                        .labels(Labels.of("version", Version.WEFT, "java", Version.JAVA))
                        .build())
                .build();
    }

    private CounterSnapshot counter(Counter counter) {
        String name = "weft_" + counter.name().toLowerCase(Locale.ROOT);
        CounterSnapshot.Builder snapshot = CounterSnapshot.builder().name(name).help(counter.meaning());
        if (counter == Counter.RX_DATAGRAMS || counter == Counter.RX_READ_ERRORS) {
            registry.underlays()
                    .forEach((underlay, counters) ->
                            snapshot.dataPoint(point(Labels.of("underlay", underlay), counters.get(counter))));
        } else {
            for (Vtep vtep : registry.vteps()) {
                snapshot.dataPoint(
                        point(Labels.of("vtep", vtep.name()), vtep.counters().get(counter)));
            }
        }
        return snapshot.build();
    }

    private CounterSnapshot drops() {
        CounterSnapshot.Builder snapshot =
                CounterSnapshot.builder().name("weft_drops").help("packets dropped, by reason");
        for (Vtep vtep : registry.vteps()) {
            addDrops(snapshot, "vtep", vtep.name(), vtep.counters());
        }
        return snapshot.build();
    }

    private CounterSnapshot underlayDrops() {
        CounterSnapshot.Builder snapshot = CounterSnapshot.builder()
                .name("weft_underlay_drops")
                .help("datagrams dropped before a VTEP was found for them, by reason");
        for (Map.Entry<String, Counters> underlay : registry.underlays().entrySet()) {
            addDrops(snapshot, "underlay", underlay.getKey(), underlay.getValue());
        }
        return snapshot.build();
    }

    private CounterSnapshot overflows() {
        CounterSnapshot.Builder snapshot = CounterSnapshot.builder()
                .name("weft_underlay_overflows")
                .help("datagrams that the kernel dropped at the socket: no room, or a wrong UDP checksum");
        registry.overflows()
                .forEach((underlay, count) -> snapshot.dataPoint(point(Labels.of("underlay", underlay), count)));
        return snapshot.build();
    }

    private CounterSnapshot gsoRefused() {
        CounterSnapshot.Builder snapshot = CounterSnapshot.builder()
                .name("weft_gso_refused")
                .help("messages that the kernel did not cut, whose datagrams were sent singly");
        for (Vtep vtep : registry.vteps()) {
            snapshot.dataPoint(
                    point(Labels.of("vtep", vtep.name()), registry.state(vtep).gsoRefused()));
        }
        return snapshot.build();
    }

    private GaugeSnapshot listening() {
        GaugeSnapshot.Builder snapshot = GaugeSnapshot.builder()
                .name("weft_listener_up")
                .help("whether the TCP address of metrics, or of network-info, is served");
        listeners.forEach(listener -> snapshot.dataPoint(GaugeDataPointSnapshot.builder()
                .labels(Labels.of("listener", listener.name()))
                .value(listener.bound() == null ? 0 : 1)
                .build()));
        return snapshot.build();
    }

    private CounterSnapshot evictions() {
        CounterSnapshot.Builder snapshot = CounterSnapshot.builder()
                .name("weft_listener_evictions")
                .help("connections closed because there were too many for a newer one");
        listeners.forEach(
                listener -> snapshot.dataPoint(point(Labels.of("listener", listener.name()), listener.evictions())));
        return snapshot.build();
    }

    private static void addDrops(CounterSnapshot.Builder snapshot, String label, String name, Counters counters) {
        for (Counter reason : Counter.drops()) {
            Labels labels = Labels.of(label, name, "direction", Views.direction(reason), "reason", reason.name());
            snapshot.dataPoint(point(labels, counters.get(reason)));
        }
    }

    private GaugeSnapshot gauge(String name, String help, ToLongFunction<Vtep> value) {
        GaugeSnapshot.Builder snapshot = GaugeSnapshot.builder().name(name).help(help);
        for (Vtep vtep : registry.vteps()) {
            snapshot.dataPoint(GaugeDataPointSnapshot.builder()
                    .labels(Labels.of("vtep", vtep.name()))
                    .value(value.applyAsLong(vtep))
                    .build());
        }
        return snapshot.build();
    }

    private static CounterDataPointSnapshot point(Labels labels, long value) {
        return CounterDataPointSnapshot.builder().labels(labels).value(value).build();
    }
}
