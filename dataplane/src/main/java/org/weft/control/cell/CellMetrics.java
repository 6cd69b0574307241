package org.weft.control.cell;

import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import org.weft.silk.cell.CellStatus;
import org.weft.silk.cell.CellStatus.Phase;
import org.weft.silk.cell.CellStatus.Totals;

/** The figures of a cell: what state it is in, how old its tables are, and what convergence did. */
public final class CellMetrics {
    private final LocalCell local;
    private final BooleanSupplier ready;

    /** @param ready whether containers are connected */
    public CellMetrics(LocalCell local, BooleanSupplier ready) {
        this.local = local;
        this.ready = ready;
    }

    public void add(MetricSnapshots.Builder metrics) {
        CellStatus status = local.cell().status();
        metrics.metricSnapshot(gauge(
                "weft_cell_ready",
                "whether containers are connected, even by old tables",
                ready.getAsBoolean() ? 1 : 0));
        metrics.metricSnapshot(state(status.phase()));
        if (status.ageMillis() >= 0) {
            metrics.metricSnapshot(gauge(
                    "weft_lease_table_age_seconds",
                    "time since the source of leases last said that they are as they are",
                    status.ageMillis() / 1000.0));
        }
        metrics.metricSnapshot(gauge(
                "weft_leases", "leases of other hosts in force", status.leases().size()));
        metrics.metricSnapshot(gauge(
                "weft_leases_skipped",
                "records of the source that are no usable lease",
                status.skipped().size()));
        metrics.metricSnapshot(gauge(
                "weft_containers",
                "containers attached",
                local.containers().entries().size()));
        metrics.metricSnapshot(gauge(
                "weft_guard_in_force",
                "whether containers are kept from forging sources and tags",
                local.cell().guard().inForce() ? 1 : 0));
        metrics.metricSnapshot(counter(
                "weft_guard_repairs",
                "times that the table of nftables was laid again because somebody had changed it",
                local.cell().guard().repairs()));
        add(status.totals(), metrics);
    }

    private static void add(Totals totals, MetricSnapshots.Builder metrics) {
        metrics.metricSnapshot(counter(
                "weft_lease_source_failures",
                "times the source of leases did not answer, or not so that it could be used",
                totals.sourceFailures()));
        metrics.metricSnapshot(
                counter("weft_converge_passes", "comparisons of the host with the leases", totals.passes()));
        metrics.metricSnapshot(
                counter("weft_converge_refused", "changes that the kernel did not take", totals.refused()));
        metrics.metricSnapshot(CounterSnapshot.builder()
                .name("weft_converge_changes")
                .help("leases whose routes, neighbours or forwarding entries were changed")
                .dataPoint(point(Labels.of("change", "added"), totals.added()))
                .dataPoint(point(Labels.of("change", "moved"), totals.moved()))
                .dataPoint(point(Labels.of("change", "gone"), totals.gone()))
                .dataPoint(point(Labels.of("change", "repaired"), totals.repaired()))
                .build());
    }

    private static GaugeSnapshot state(Phase now) {
        GaugeSnapshot.Builder snapshot =
                GaugeSnapshot.builder().name("weft_cell_state").help("1 for the state that the cell is in");
        for (Phase phase : Phase.values()) {
            snapshot.dataPoint(GaugeDataPointSnapshot.builder()
                    .labels(Labels.of("state", phase.name().toLowerCase(Locale.ROOT)))
                    .value(phase == now ? 1 : 0)
                    .build());
        }
        return snapshot.build();
    }

    private static GaugeSnapshot gauge(String name, String help, double value) {
        return GaugeSnapshot.builder()
                .name(name)
                .help(help)
                .dataPoint(GaugeDataPointSnapshot.builder().value(value).build())
                .build();
    }

    private static CounterSnapshot counter(String name, String help, long value) {
        return CounterSnapshot.builder()
                .name(name)
                .help(help)
                .dataPoint(point(Labels.EMPTY, value))
                .build();
    }

    private static CounterDataPointSnapshot point(Labels labels, long value) {
        return CounterDataPointSnapshot.builder().labels(labels).value(value).build();
    }
}
