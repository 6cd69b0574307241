package org.weft.control.policy;

import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.silk.policy.PolicyStatus;

/** The figures of policies: how many there are, whether their source answers, and how full the flow table is. */
public final class PolicyMetrics {
    private final LocalPolicy local;

    public PolicyMetrics(LocalPolicy local) {
        this.local = local;
    }

    public void add(MetricSnapshots.Builder metrics) {
        PolicyStatus status = local.policies().status();
        Labels vtep = Labels.of("vtep", status.vtep());
        metrics.metricSnapshot(mode(status));
        metrics.metricSnapshot(gauge("weft_policies", "policies in force", vtep, status.policies()));
        metrics.metricSnapshot(
                gauge("weft_policy_denials", "policies that an operator keeps out", vtep, status.denied()));
        metrics.metricSnapshot(
                gauge("weft_policy_tags", "tags that the source of policies gives", vtep, status.tags()));
        metrics.metricSnapshot(gauge(
                "weft_policies_skipped",
                "entries of the source that cannot be used",
                vtep,
                status.skipped().size()));
        metrics.metricSnapshot(counter(
                "weft_policy_changes", "times another set of policies came into force", vtep, status.changes()));
        source(status, vtep, metrics);
        metrics.metricSnapshot(
                gauge("weft_flows", "flows known, as counted at most 10 seconds ago", vtep, local.flows()));
        metrics.metricSnapshot(gauge(
                "weft_flow_capacity",
                "flows there is room for",
                vtep,
                local.policies().flowCapacity()));
        if (local.verdicts() != null) {
            metrics.metricSnapshot(counter(
                    "weft_verdicts_lost",
                    "verdicts that are not in their file, as there were too many or it cannot be written",
                    vtep,
                    local.verdicts().lost()));
        }
    }

    private static void source(PolicyStatus status, Labels vtep, MetricSnapshots.Builder metrics) {
        metrics.metricSnapshot(gauge(
                "weft_policy_source_current",
                "whether the source of policies answers",
                vtep,
                status.current() ? 1 : 0));
        if (status.ageMillis() >= 0) {
            metrics.metricSnapshot(gauge(
                    "weft_policy_age_seconds",
                    "time since the source of policies last said that they are as they are",
                    vtep,
                    status.ageMillis() / 1000.0));
        }
        metrics.metricSnapshot(counter(
                "weft_policy_source_failures",
                "times the source of policies did not answer, or not so that it could be used",
                vtep,
                status.failures()));
    }

    private static GaugeSnapshot mode(PolicyStatus status) {
        GaugeSnapshot.Builder snapshot =
                GaugeSnapshot.builder().name("weft_policy_mode").help("1 for the mode that is in force");
        for (Mode mode : Mode.values()) {
            snapshot.dataPoint(GaugeDataPointSnapshot.builder()
                    .labels(Labels.of("vtep", status.vtep(), "mode", PolicyView.word(mode)))
                    .value(mode == status.mode() ? 1 : 0)
                    .build());
        }
        return snapshot.build();
    }

    private static GaugeSnapshot gauge(String name, String help, Labels vtep, double value) {
        return GaugeSnapshot.builder()
                .name(name)
                .help(help)
                .dataPoint(GaugeDataPointSnapshot.builder()
                        .labels(vtep)
                        .value(value)
                        .build())
                .build();
    }

    private static CounterSnapshot counter(String name, String help, Labels vtep, long value) {
        return CounterSnapshot.builder()
                .name(name)
                .help(help)
                .dataPoint(CounterDataPointSnapshot.builder()
                        .labels(vtep)
                        .value(value)
                        .build())
                .build();
    }
}
