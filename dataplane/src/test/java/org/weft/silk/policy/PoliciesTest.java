package org.weft.silk.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.policy.FlowTable;
import org.weft.dataplane.policy.FlowTable.Timeouts;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.dataplane.table.TagTable;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.FlowKey;
import org.weft.encap.FrameLayout;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.operator.OperatorException;
import org.weft.silk.config.PolicyConfig;
import org.weft.silk.config.PolicyConfig.HostAccess;
import org.weft.testing.Await;
import org.weft.testing.IpPackets;
import org.weft.testing.MemoryRegistry;
import org.weft.testing.ProcessCpu;

/** Policies of a VTEP without devices; containers of this host are 10.255.126.*. */
class PoliciesTest {
    private static final IpAddress BACKEND = IpAddress.parse("10.255.126.3");
    private static final IpAddress PROXY = IpAddress.parse("10.255.43.7");
    private static final IpAddress AWAY = IpAddress.parse("10.255.44.8");
    private static final Tag PROXY_TAG = new Tag(IpPrefix.parse("10.255.43.7"), 1);
    private static final PolicySet SET = new PolicySet(
            List.of(PROXY_TAG),
            List.of(new PolicyRule(tcp(1, 7777, 7779), "proxy to backend", "p.yml:3")),
            Map.of(1, "proxy"),
            Map.of(PROXY, Workload.ofApp("proxy"), BACKEND, new Workload("h1", "backend", "s", "o")),
            List.of("p.yml:9: is wrong"));

    @TempDir
    Path directory;

    private final MemoryRegistry registry = new MemoryRegistry();
    private MemoryPolicies source = new MemoryPolicies("file p.yml");
    private Policies policies;

    private static Policy tcp(int tag, int first, int last) {
        return new Policy(tag, BACKEND, Protocol.TCP, first, last);
    }

    private PolicyConfig config(Mode mode) {
        return new PolicyConfig(
                "silk-vtep",
                mode,
                Refusal.REJECT,
                Spoofing.OFF,
                24,
                1024,
                Timeouts.DEFAULT,
                null,
                PolicyConfig.NO_ROUTER,
                directory.resolve("state"),
                null,
                HostAccess.DEFAULT);
    }

    private void start(Mode mode) {
        policies = new Policies(config(mode), registry, source, VerdictSink.NONE);
        policies.start();
    }

    private void startWith(PolicySet set) {
        start(Mode.ENFORCE);
        tell(set);
    }

    private void tell(PolicySet set) {
        source.listener.policies(set);
        Await.until(
                "policies in force",
                () -> policies.tags().equals(set.tags())
                        && policies.status().skipped().equals(set.skipped())
                        && policies.rules().containsAll(set.rules()));
    }

    private void restart() {
        policies.close();
        source = new MemoryPolicies(source.name());
        start(Mode.ENFORCE);
    }

    @AfterEach
    void close() {
        if (policies != null) {
            policies.close();
        }
    }

    private static boolean allows(Vtep vtep, int tag, int port) {
        return vtep.enforcement().policies().allows(tag, BACKEND.high(), BACKEND.low(), Protocol.TCP.number(), port);
    }

    @Test
    void letsNothingInUntilTheSourceAnswers() {
        Vtep vtep = registry.addSilk();
        start(Mode.ENFORCE);
        assertEquals(Mode.ENFORCE, vtep.enforcement().mode());
        assertFalse(allows(vtep, 1, 7777));
        PolicyStatus status = policies.status();
        assertFalse(status.current());
        assertEquals(-1, status.ageMillis());
    }

    @Test
    void judgesAndTagsAsTheSourceSays() {
        Vtep vtep = registry.addSilk();
        startWith(SET);
        assertTrue(allows(vtep, 1, 7779));
        assertFalse(allows(vtep, 1, 7780));
        assertFalse(allows(vtep, 2, 7777));
        assertEquals(1, vtep.tags().lookup(PROXY.high(), PROXY.low()));
        PolicyStatus status = policies.status();
        assertTrue(status.current());
        assertTrue(status.ageMillis() >= 0);
        assertNull(status.trouble());
        assertEquals("file p.yml", status.source());
        assertEquals(List.of(1, 1, 0, 0), List.of(status.tags(), status.policies(), status.allowed(), status.denied()));
        assertEquals(Workload.ofApp("proxy"), policies.workload(1));
        assertEquals("h1", policies.workload(BACKEND).container());
        assertEquals(Workload.UNKNOWN, policies.workload(AWAY));
    }

    @Test
    void judgesLaterVtepFromItsFirstPacketOn() {
        startWith(SET);
        Vtep vtep = registry.addSilk();
        assertEquals(Mode.ENFORCE, vtep.enforcement().mode());
        assertTrue(allows(vtep, 1, 7777));
        assertEquals(1, vtep.tags().lookup(PROXY.high(), PROXY.low()));
        tell(PolicySet.EMPTY);
        assertFalse(allows(vtep, 1, 7777));
        assertEquals(TagTable.UNTAGGED, vtep.tags().lookup(PROXY.high(), PROXY.low()));
    }

    @Test
    void takesAwayOnlyTagsItSetItself() {
        Vtep vtep = registry.addSilk();
        IpPrefix others = IpPrefix.parse("10.255.126.9");
        IpPrefix changed = IpPrefix.parse("10.255.43.0/24");
        vtep.tags().replace(others, 9);
        startWith(new PolicySet(
                List.of(PROXY_TAG, new Tag(changed, 2)), SET.rules(), SET.apps(), SET.workloads(), List.of()));
        vtep.tags().replace(changed, 7);
        tell(PolicySet.EMPTY);
        assertEquals(9, vtep.tags().get(others));
        assertEquals(7, vtep.tags().get(changed));
        assertEquals(TagTable.UNTAGGED, vtep.tags().get(PROXY_TAG.source()));
    }

    @Test
    void changesTagOfSource() {
        Vtep vtep = registry.addSilk();
        startWith(SET);
        tell(new PolicySet(
                List.of(new Tag(PROXY_TAG.source(), 2)), SET.rules(), SET.apps(), SET.workloads(), List.of()));
        assertEquals(2, vtep.tags().get(PROXY_TAG.source()));
    }

    private FlowTable withFlowsOf(IpAddress... locals) {
        FlowTable flows = registry.vtep("silk-vtep").enforcement().flows();
        IpPackets packets = new IpPackets(1, 2);
        for (IpAddress local : locals) {
            byte[] frame = packets.udp(local.toString(), 53, AWAY.toString(), 53);
            UnsafeBuffer buffer = new UnsafeBuffer(frame);
            FrameLayout layout = new FrameLayout();
            layout.parse(buffer, 0, frame.length);
            FlowKey key = new FlowKey();
            key.read(buffer, layout);
            flows.depart(key, 0);
            flows.arrive(key, 0);
        }
        return flows;
    }

    private static boolean holds(FlowTable flows, IpAddress local) {
        return flows.mayHold(new IpPrefix(local, local.bits()));
    }

    @Test
    void forgetsTheFlowsOfWhatHasAnotherTagOrAppOrIsGone() {
        registry.addSilk();
        startWith(SET);
        FlowTable flows = withFlowsOf(PROXY, BACKEND);
        tell(new PolicySet(
                List.of(new Tag(PROXY_TAG.source(), 2)), SET.rules(), SET.apps(), SET.workloads(), List.of()));
        Await.until("no flow of the one with another tag", () -> !holds(flows, PROXY));
        assertTrue(holds(flows, BACKEND));
        withFlowsOf(PROXY);
        tell(new PolicySet(
                List.of(new Tag(PROXY_TAG.source(), 2)),
                List.of(),
                SET.apps(),
                Map.of(PROXY, Workload.ofApp("proxy")),
                List.of("the container of the backend is gone")));
        Await.until("no flow of the one that is gone", () -> !holds(flows, BACKEND));
        assertTrue(holds(flows, PROXY), "that policies are gone takes no flow away");
    }

    @Test
    void forgetsTheFlowsOfAddressesThatAreVacated() {
        registry.addSilk();
        startWith(SET);
        FlowTable flows = withFlowsOf(PROXY, BACKEND);
        policies.forget(List.of(BACKEND, AWAY));
        assertFalse(holds(flows, BACKEND));
        assertTrue(holds(flows, PROXY));
    }

    @Test
    void operatorAllowsAndDeniesOverTheSource() {
        Vtep vtep = registry.addSilk();
        startWith(SET);
        policies.deny(List.of(tcp(1, 7778, 7778))).join();
        policies.allow(List.of(tcp(2, 80, 80))).join();
        assertEquals(
                List.of(true, false, true), List.of(allows(vtep, 1, 7777), allows(vtep, 1, 7778), allows(vtep, 2, 80)));
        assertEquals(List.of(tcp(1, 7778, 7778)), policies.denials());
        tell(new PolicySet(List.of(), List.of(), Map.of(), Map.of(), List.of()));
        assertTrue(allows(vtep, 2, 80));
        source.listener.policies(SET);
        Await.until("source's again", () -> allows(vtep, 1, 7777));
        assertFalse(allows(vtep, 1, 7778));
        policies.allow(List.of(tcp(1, 7778, 7778))).join();
        assertTrue(allows(vtep, 1, 7778));
        assertEquals(List.of(), policies.denials());
    }

    @Test
    void needsNoSource() {
        Vtep vtep = registry.addSilk();
        policies = new Policies(config(Mode.ENFORCE), registry, null, VerdictSink.NONE);
        policies.start();
        policies.allow(List.of(tcp(1, 80, 80))).join();
        policies.refresh();
        assertTrue(allows(vtep, 1, 80));
        assertTrue(policies.status().current());
        assertNull(policies.status().source());
        assertFalse(Files.exists(directory.resolve("state")));
    }

    @Test
    void switchesModeLive() {
        Vtep vtep = registry.addSilk();
        startWith(SET);
        for (Mode mode : List.of(Mode.LOG, Mode.NETFILTER, Mode.OFF, Mode.ENFORCE)) {
            var flows = vtep.enforcement().flows();
            policies.mode(mode).join();
            assertEquals(mode, vtep.enforcement().mode());
            assertEquals(mode, policies.status().mode());
            assertEquals(flows, vtep.enforcement().flows());
            assertTrue(allows(vtep, 1, 7777));
        }
    }

    @Test
    void modeThatCannotBeHadChangesNothing() {
        Vtep vtep = registry.addSilk();
        startWith(SET);
        registry.failure = new OperatorException(OperatorException.Kind.OS_ERROR, "there is no nft");
        CompletableFuture<Void> change = policies.mode(Mode.NETFILTER);
        CompletionException e = assertThrows(CompletionException.class, change::join);
        assertEquals("there is no nft", e.getCause().getMessage());
        assertEquals(Mode.ENFORCE, vtep.enforcement().mode());
        Await.until("trouble", () -> "there is no nft".equals(policies.status().trouble()));
        assertEquals(Mode.ENFORCE, policies.status().mode());
        registry.failure = null;
        policies.allow(List.of(tcp(2, 80, 80))).join();
        assertTrue(allows(vtep, 2, 80));
        assertNull(policies.status().trouble());
    }

    @Test
    void refusesToStartUnguarded() {
        registry.failure = new OperatorException(OperatorException.Kind.OS_ERROR, "there is no nft");
        assertEquals(
                "there is no nft",
                assertThrows(OperatorException.class, () -> start(Mode.NETFILTER))
                        .getMessage());
    }

    @Test
    void staysWithWhatWasKnownWhenTheSourceFails() {
        Vtep vtep = registry.addSilk();
        startWith(SET);
        source.listener.failed("policy server does not answer");
        Await.until("stale", () -> !policies.status().current());
        assertEquals("policy server does not answer", policies.status().trouble());
        assertEquals(1, policies.status().failures());
        assertTrue(allows(vtep, 1, 7777));
        source.listener.confirmed();
        Await.until("current", () -> policies.status().current());
        assertNull(policies.status().trouble());
    }

    @Test
    void startsFromWhatWasSavedAndSaysSo() {
        Vtep vtep = registry.addSilk();
        startWith(SET);
        restart();
        assertTrue(allows(vtep, 1, 7777));
        assertEquals(SET.tags(), policies.tags());
        assertEquals(SET.rules(), policies.rules());
        assertEquals(SET.skipped(), policies.status().skipped());
        assertEquals("h1", policies.workload(BACKEND).container());
        assertEquals("proxy", policies.workload(1).app());
        assertFalse(policies.status().current());
        assertTrue(policies.status().ageMillis() >= 0);
    }

    @Test
    void doesNotStartFromAnotherSource() {
        startWith(SET);
        policies.close();
        source = new MemoryPolicies("policy-server https://x:1");
        start(Mode.ENFORCE);
        assertEquals(List.of(), policies.rules());
    }

    @Test
    void startsWithNothingIfWhatWasSavedIsDamaged() throws IOException {
        Path saved = directory.resolve("state").resolve("policies.json");
        Files.createDirectories(saved.getParent());
        for (String text : List.of(
                "",
                "{",
                "[]",
                "{\"source\": \"file p.yml\", \"vtep\": \"silk-vtep\"}",
                "{\"source\": \"file p.yml\", \"vtep\": \"silk-vtep\", \"confirmed\": \"2026-01-01T00:00:00Z\","
                        + " \"tags\": [{\"source\": \"x\", \"tag\": 1}], \"policies\": [], \"apps\": {},"
                        + " \"workloads\": {}, \"skipped\": []}")) {
            Files.writeString(saved, text);
            start(Mode.ENFORCE);
            assertEquals(List.of(), policies.rules());
            policies.close();
        }
    }

    @Test
    void savesAgainAfterAnErrorOfTheThreadThatSaves() {
        source.failuresToSave.set(1);
        startWith(SET);

        Path saved = directory.resolve("state").resolve("policies.json");
        Await.until("the policies are saved", () -> Files.exists(saved));
    }

    @Test
    void aChangeThatMeetsAnErrorIsAnsweredWithIt() {
        registry.addSilk();
        startWith(SET);
        registry.error = new AssertionError("thrown by a test");

        CompletionException failure = assertThrows(
                CompletionException.class, () -> policies.mode(Mode.LOG).join());

        assertSame(registry.error, failure.getCause());
        registry.error = null;
        policies.mode(Mode.LOG).join();
        assertEquals(Mode.LOG, policies.status().mode());
    }

    @Test
    void whatCannotBeSavedIsInForceAllTheSame() throws IOException {
        Vtep vtep = registry.addSilk();
        Files.writeString(directory.resolve("state"), "a file where the directory would be");
        startWith(SET);
        assertTrue(allows(vtep, 1, 7777));
        Await.until("trouble", () -> policies.status().trouble() != null);
        assertTrue(
                policies.status().trouble().contains("cannot be written"),
                policies.status().trouble());
        assertTrue(policies.status().current());
    }

    @Test
    void changesThatComeTogetherComeIntoForceTogether() {
        Vtep vtep = registry.addSilk();
        startWith(SET);
        List<CompletableFuture<Void>> changes = new ArrayList<>();
        for (int port = 1; port <= 2000; port++) {
            changes.add(policies.allow(List.of(tcp(3, port, port))));
        }
        changes.forEach(CompletableFuture::join);
        assertTrue(allows(vtep, 3, 1) && allows(vtep, 3, 2000));
        assertEquals(2000, policies.status().allowed());
        assertTrue(
                policies.status().changes() < 1000,
                () -> "tables: " + policies.status().changes());
    }

    @Test
    void takes50000Policies() {
        Vtep vtep = registry.addSilk();
        start(Mode.ENFORCE);
        List<PolicyRule> rules = IntStream.range(0, 50_000)
                .mapToObj(i -> new PolicyRule(
                        new Policy(
                                1 + i % 2500,
                                IpAddress.ofIpv4(0x0aff_7e00 + i / 2500),
                                Protocol.TCP,
                                1024 + i % 100,
                                1024 + i % 100),
                        "from to",
                        "source"))
                .toList();
        PolicySet set = new PolicySet(List.of(), rules, Map.of(), Map.of(), List.of());
        source.listener.policies(set);
        Await.until("50,000 policies", () -> policies.status().policies() == 50_000);
        long begin = ProcessCpu.nanos();
        policies.deny(List.of(tcp(1, 1024, 1024))).join();
        long millis = (ProcessCpu.nanos() - begin) / 1_000_000;
        assertFalse(allows(vtep, 1, 1024));
        assertTrue(millis < 3000, () -> "one change among 50,000 policies took " + millis + " ms of a processor");
    }

    @Test
    void noPacketIsJudgedByHalfOfAChange() throws InterruptedException {
        Vtep vtep = registry.addSilk();
        startWith(SET);
        AtomicBoolean ended = new AtomicBoolean();
        AtomicLong wrong = new AtomicLong();
        AtomicLong looks = new AtomicLong();
        Thread agent = new Thread(() -> {
            while (!ended.get()) {
                var enforcement = vtep.enforcement();
                boolean always = enforcement.policies().allows(1, BACKEND.high(), BACKEND.low(), 6, 7777);
                boolean never = enforcement.policies().allows(9, BACKEND.high(), BACKEND.low(), 6, 7777);
                boolean one = enforcement.policies().allows(2, BACKEND.high(), BACKEND.low(), 6, 80);
                boolean other = enforcement.policies().allows(2, BACKEND.high(), BACKEND.low(), 6, 90);
                wrong.addAndGet(!always || never || one != other ? 1 : 0);
                looks.incrementAndGet();
            }
        });
        agent.start();
        List<Policy> both = Arrays.asList(tcp(2, 80, 80), tcp(2, 90, 90));
        for (int i = 0; i < 300; i++) {
            (i % 2 == 0 ? policies.allow(both) : policies.deny(both)).join();
        }
        ended.set(true);
        agent.join();
        assertEquals(0, wrong.get());
        assertTrue(looks.get() > 0);
    }

    @Test
    void explainsWhatLetsAPacketIn() {
        registry.addSilk();
        startWith(SET);
        Explanation found = policies.explain(PROXY, BACKEND, Protocol.TCP, 7778);
        assertEquals("p.yml:3 lets tag 1 (proxy) open tcp 7778 of 10.255.126.3 (backend)", found.reason());
        assertTrue(found.passes() && found.here());
        assertEquals(1, found.tag());
        assertEquals(SET.rules().get(0), found.rule());
        assertEquals("proxy", found.from().app());
        assertEquals("h1", found.to().container());
    }

    @Test
    void explainsWhyAPacketIsRefused() {
        registry.addSilk();
        startWith(SET);
        policies.deny(List.of(tcp(1, 7779, 7779))).join();
        Explanation lack = policies.explain(PROXY, BACKEND, Protocol.TCP, 80);
        assertEquals("no policy lets tag 1 (proxy) open tcp 80 of 10.255.126.3 (backend)", lack.reason());
        assertFalse(lack.passes());
        assertNull(lack.rule());
        assertEquals(
                "no policy lets packets without a tag open icmp of 10.255.126.3 (backend)",
                policies.explain(AWAY, BACKEND, Protocol.ICMP, 0).reason());
        Explanation denied = policies.explain(1, BACKEND, Protocol.TCP, 7779);
        assertEquals("an operator denied tag 1 (proxy) tcp 7779 of 10.255.126.3 (backend)", denied.reason());
        assertEquals(tcp(1, 7779, 7779), denied.denial());
        assertFalse(denied.passes());
    }

    @Test
    void explainsWhereNothingIsJudged() {
        start(Mode.ENFORCE);
        assertEquals(
                "there is no VTEP silk-vtep at present",
                policies.explain(PROXY, BACKEND, Protocol.TCP, 80).reason());
        registry.addSilk();
        tell(SET);
        assertEquals(
                "no policy lets tag 1 (proxy) open tcp 80 of 10.255.44.8; but 10.255.44.8 is not on this host, and its"
                        + " own host judges",
                policies.explain(PROXY, AWAY, Protocol.TCP, 80).reason());
        assertTrue(policies.explain(BACKEND, BACKEND, Protocol.TCP, 80)
                .reason()
                .endsWith("; but both are on this host, and what stays on it does not pass the VTEP"));
        IpAddress host = IpAddress.parse("10.255.126.0");
        assertTrue(policies.explain(PROXY, host, Protocol.TCP, 80).passes());
        policies.mode(Mode.LOG).join();
        Explanation logged = policies.explain(PROXY, BACKEND, Protocol.TCP, 80);
        assertTrue(logged.passes());
        assertTrue(logged.reason().endsWith(", but mode is log: it passes, and is counted"), logged.reason());
        policies.mode(Mode.NETFILTER).join();
        assertEquals(
                "mode is netfilter: the host's own rules judge tag 1 (proxy) by their mark",
                policies.explain(PROXY, BACKEND, Protocol.TCP, 80).reason());
        policies.mode(Mode.OFF).join();
        assertEquals(
                "mode is off: nothing is judged",
                policies.explain(PROXY, BACKEND, Protocol.TCP, 80).reason());
    }

    @Test
    void endsItsSource() {
        startWith(SET);
        policies.refresh();
        assertEquals(1, source.refreshes);
        policies.close();
        assertTrue(source.closed);
        CompletableFuture<Void> late = policies.allow(List.of());
        CompletionException e = assertThrows(CompletionException.class, late::join);
        assertEquals("the daemon is stopping", e.getCause().getMessage());
    }
}
