package org.weft.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.control.cell.LocalCell;
import org.weft.control.policy.LocalPolicy;
import org.weft.control.policy.SaidPolicies;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.IpAddress;
import org.weft.silk.cell.MemoryCell;
import org.weft.silk.container.Containers;
import org.weft.silk.container.MemoryCellTable;
import org.weft.silk.policy.Policies;
import org.weft.silk.policy.PolicySet;
import org.weft.silk.policy.VerdictLog;
import org.weft.testing.MemoryRegistry;

class MetricsTest {
    private final MemoryRegistry registry = new MemoryRegistry();
    private final Vtep silk = registry.addSilk();

    @TempDir
    private Path directory;

    private LocalCell local;
    private LocalPolicy policy;

    private String text(String accept) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ExpositionFormatWriter format = Metrics.format(accept);
        new Metrics(registry, () -> 4, local, policy, List.of()).write(format, out);
        return out.toString(StandardCharsets.UTF_8);
    }

    private void assertHas(String line) throws IOException {
        List<String> lines = text(null).lines().toList();
        assertTrue(lines.contains(line), () -> line + " is not in\n" + String.join("\n", lines));
    }

    @Test
    void showsEachCounterUnderItsOwnName() throws IOException {
        silk.counters().add(Counter.TX_SENT, 12);
        registry.add("other", Map.of("id", "2"));

        assertHas("# HELP weft_tx_sent_total " + Counter.TX_SENT.meaning());
        assertHas("# TYPE weft_tx_sent_total counter");
        assertHas("weft_tx_sent_total{vtep=\"silk-vtep\"} 12.0");
        assertHas("weft_tx_sent_total{vtep=\"other\"} 0.0");
    }

    @Test
    void showsDropsByReasonEvenBeforeTheFirst() throws IOException {
        silk.counters().add(Counter.VXLAN_NO_REMOTE, 3);

        assertHas("weft_drops_total{direction=\"tx\",reason=\"VXLAN_NO_REMOTE\",vtep=\"silk-vtep\"} 3.0");
        assertHas("weft_drops_total{direction=\"rx\",reason=\"LOCAL_MAC\",vtep=\"silk-vtep\"} 0.0");
    }

    @Test
    void showsTheUnderlaysOwnCounters() throws IOException {
        Counters underlay = new Counters();
        underlay.add(Counter.RX_DATAGRAMS, 9);
        underlay.add(Counter.VXLAN_VNI_NOT_FOUND, 2);
        registry.underlays.put("10.0.32.12:4789", underlay);

        assertHas("weft_rx_datagrams_total{underlay=\"10.0.32.12:4789\"} 9.0");
        assertHas("weft_underlay_drops_total{direction=\"rx\",reason=\"VXLAN_VNI_NOT_FOUND\","
                + "underlay=\"10.0.32.12:4789\"} 2.0");
    }

    @Test
    void showsTablesAndState() throws IOException {
        silk.fdb().add(2, new Remote(IpAddress.parse("10.0.16.14")), true, 0);

        assertHas("# TYPE weft_fdb_entries gauge");
        assertHas("weft_fdb_entries{vtep=\"silk-vtep\"} 1.0");
        assertHas("weft_neighbour_entries{vtep=\"silk-vtep\"} 0.0");
        assertHas("weft_tag_entries{vtep=\"silk-vtep\"} 0.0");
        assertHas("weft_up{vtep=\"silk-vtep\"} 1.0");
        assertHas("weft_capture_lost_total 4.0");
        assertTrue(text(null).contains("weft_build_info{java=\"" + System.getProperty("java.version")));
    }

    @Test
    void showsWhatTheKernelRefused() throws IOException {
        registry.overflows.put("10.0.32.12:4789", 17L);

        assertHas("weft_underlay_overflows_total{underlay=\"10.0.32.12:4789\"} 17.0");
        assertHas("weft_gso_refused_total{vtep=\"silk-vtep\"} 3.0");
    }

    @Test
    void showsTheCell() throws IOException {
        try (MemoryCell cell = new MemoryCell(registry, directory)) {
            local = new LocalCell(cell.cell, Containers.open(directory, MemoryCellTable.guard()));
            assertHas("weft_cell_state{state=\"waiting\"} 1.0");
            assertHas("weft_cell_ready 0.0");
            assertHas("weft_guard_in_force 0.0");
            assertFalse(text(null).contains("weft_lease_table_age_seconds "), "there is no table yet");

            cell.start();
            cell.leases.say(MemoryCell.OWN, MemoryCell.PEER, "10.0.16.15 10.99.0.0/24");
            cell.leases.fail("silence");
            cell.await("the failure", status -> status.totals().sourceFailures() == 1);

            assertHas("weft_cell_state{state=\"stale\"} 1.0");
            assertHas("weft_cell_state{state=\"current\"} 0.0");
            assertHas("weft_cell_ready 1.0");
            assertTrue(text(null).matches("(?s).*\nweft_lease_table_age_seconds [0-9.E-]+\n.*"));
            assertHas("weft_leases 1.0");
            assertHas("weft_leases_skipped 1.0");
            assertHas("weft_containers 0.0");
            assertHas("weft_lease_source_failures_total 1.0");
            assertHas("weft_converge_passes_total 1.0");
            assertHas("weft_converge_changes_total{change=\"added\"} 1.0");
            assertHas("weft_converge_changes_total{change=\"gone\"} 0.0");
            assertHas("weft_converge_refused_total 0.0");
            assertHas("weft_guard_in_force 1.0");
            assertHas("weft_guard_repairs_total 0.0");
        }
    }

    @Test
    void showsPolicies() throws IOException {
        SaidPolicies source = new SaidPolicies();
        try (Policies policies = source.start(registry, directory);
                VerdictLog verdicts = new VerdictLog(directory.resolve("verdicts.log"))) {
            policy = new LocalPolicy(policies, verdicts);
            assertHas("weft_policy_mode{mode=\"enforce\",vtep=\"silk-vtep\"} 1.0");
            assertHas("weft_policy_mode{mode=\"off\",vtep=\"silk-vtep\"} 0.0");
            assertHas("weft_policy_source_current{vtep=\"silk-vtep\"} 0.0");
            assertFalse(text(null).contains("weft_policy_age_seconds{"), "the source never answered");

            source.listener.policies(PolicySet.EMPTY);
            source.listener.failed("silence");
            Policy allowed = new Policy(1, IpAddress.parse("10.255.126.4"), Protocol.TCP, 7777, 7779);
            policies.allow(List.of(allowed)).join();

            assertHas("weft_policies{vtep=\"silk-vtep\"} 1.0");
            assertHas("weft_policy_denials{vtep=\"silk-vtep\"} 0.0");
            assertHas("weft_policy_tags{vtep=\"silk-vtep\"} 0.0");
            assertHas("weft_policies_skipped{vtep=\"silk-vtep\"} 0.0");
            assertHas("weft_policy_changes_total{vtep=\"silk-vtep\"} 1.0");
            assertHas("weft_policy_source_current{vtep=\"silk-vtep\"} 0.0");
            assertHas("weft_policy_source_failures_total{vtep=\"silk-vtep\"} 1.0");
            assertTrue(text(null).matches("(?s).*\nweft_policy_age_seconds\\{vtep=\"silk-vtep\"} [0-9.E-]+\n.*"));
            assertHas("weft_flows{vtep=\"silk-vtep\"} 0.0");
            assertHas("weft_flow_capacity{vtep=\"silk-vtep\"} 1024.0");
            assertHas("weft_verdicts_lost_total{vtep=\"silk-vtep\"} 0.0");
        }
    }

    @Test
    void isValidTextFormat() throws IOException {
        registry.underlays.put("[2001:db8::1]:4789", new Counters());
        String sample = "[a-zA-Z_:][a-zA-Z0-9_:]*(\\{([a-z]+=\"[^\"]*\",?)+})? -?[0-9.]+(E[0-9]+)?";
        Set<String> seen = new HashSet<>();
        for (String line : text(null).lines().toList()) {
            assertTrue(line.matches("# (HELP|TYPE) weft_[a-z_]+ .+") || line.matches(sample), line);
            assertTrue(seen.add(line), () -> "twice: " + line);
        }
        assertTrue(seen.size() > 50);
    }

    @Test
    void speaksOpenMetricsToThoseWhoAsk() throws IOException {
        String text = text("application/openmetrics-text;version=1.0.0;q=0.8,text/plain;q=0.2");

        assertTrue(text.endsWith("# EOF\n"));
        assertFalse(text(null).contains("# EOF"));
        assertEquals(
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                Metrics.format("application/openmetrics-text").getContentType());
    }
}
