package org.weft.silk.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.weft.dataplane.host.CellTable.Refused;
import org.weft.dataplane.host.CellTable.Verdict;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.policy.PolicyTable;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;
import org.weft.silk.config.PolicyConfig.HostAccess;
import org.weft.silk.container.ContainerGuard.Repair;
import org.weft.testing.LogLines;

class ContainerGuardTest {
    private static final Set<Integer> PORTS = Set.of(4789);
    private static final OperatorException NO_NFT =
            new OperatorException(Kind.UNAVAILABLE, "the command nft does not run: install nftables");

    private final MemoryCellTable table = new MemoryCellTable();

    private ContainerGuard guard(boolean dnat, boolean host) {
        return new ContainerGuard(table, new HostAccess(dnat, host));
    }

    private static Enforcement enforcement(Mode mode, Refusal refusal) {
        return new Enforcement(mode, refusal, Spoofing.OFF, 24, PolicyTable.EMPTY, null, VerdictSink.NONE);
    }

    private static Refused refused(Verdict forwarded, Verdict host) {
        return new Refused(new TreeSet<>(PORTS), forwarded, host);
    }

    private Refused last() {
        return table.installed.get(table.installed.size() - 1);
    }

    @Test
    void laysItsRulesOnceAndAgainWhenTheyAreToBeOthers() {
        ContainerGuard guard = guard(false, true);
        guard.follow(PORTS, Enforcement.NONE);
        guard.follow(PORTS, Enforcement.NONE);
        assertEquals(List.of(refused(Verdict.ACCEPT, Verdict.ACCEPT)), table.installed);

        guard.follow(Set.of(8472, 4789), Enforcement.NONE);
        assertEquals(new TreeSet<>(Set.of(4789, 8472)), last().ports());
        assertNull(guard.trouble());
    }

    @ParameterizedTest
    @EnumSource(names = "ENFORCE", mode = EnumSource.Mode.EXCLUDE)
    void refusesNothingOfTheHostUnlessPoliciesAreEnforced(Mode mode) {
        guard(false, false).follow(PORTS, enforcement(mode, Refusal.REJECT));
        assertEquals(refused(Verdict.ACCEPT, Verdict.ACCEPT), last());
    }

    @Test
    void refusesTheWaysByTheHostAsPoliciesRefuseWhileTheyAreEnforced() {
        ContainerGuard guard = guard(false, false);
        guard.follow(PORTS, enforcement(Mode.ENFORCE, Refusal.REJECT));
        assertEquals(refused(Verdict.REJECT, Verdict.REJECT), last());
        guard.follow(PORTS, enforcement(Mode.ENFORCE, Refusal.DROP));
        assertEquals(refused(Verdict.DROP, Verdict.DROP), last());
        guard.follow(PORTS, enforcement(Mode.LOG, Refusal.DROP));
        assertEquals(refused(Verdict.ACCEPT, Verdict.ACCEPT), last());
    }

    @Test
    void letsThroughWhatItIsTold() {
        guard(true, true).follow(PORTS, enforcement(Mode.ENFORCE, Refusal.REJECT));
        assertEquals(refused(Verdict.ACCEPT, Verdict.ACCEPT), last());
    }

    @Test
    void repairsWhatSomebodyTookAway() {
        ContainerGuard guard = guard(false, true);
        guard.follow(PORTS, Enforcement.NONE);
        assertNull(guard.keep());
        table.flushed = true;
        assertEquals(new Repair(table.name(), null), guard.plan());
        assertTrue(table.flushed, "a plan changes nothing");
        assertEquals(new Repair(table.name(), null), guard.keep());
        assertNull(guard.plan());
        assertEquals(1, guard.repairs());
    }

    @Test
    void saysOnceThatItCannotAndTriesAgain() {
        ContainerGuard guard = guard(false, true);
        table.failure = NO_NFT;
        String sentence = "containers can forge sources and tags, as nothing keeps them from UDP port 4789: "
                + NO_NFT.getMessage();
        try (LogLines log = LogLines.of(ContainerGuard.class)) {
            guard.follow(PORTS, Enforcement.NONE);
            guard.follow(PORTS, Enforcement.NONE);
            assertEquals(new Repair(table.name(), sentence), guard.keep());
            assertEquals(sentence, guard.trouble());
            assertEquals(List.of(sentence), log.lines());

            table.failure = null;
            assertNotNull(guard.keep());
            assertNull(guard.trouble());
            assertEquals(0, guard.repairs(), "it was never there before");
            assertEquals(
                    "containers are kept from forging sources and tags, by table inet weft-memory-cell",
                    log.lines().get(1));
        }
    }

    @Test
    void doesNotTryEachSecondWhatFailed() {
        ContainerGuard guard = guard(false, true);
        table.failure = NO_NFT;
        guard.follow(PORTS, Enforcement.NONE);
        table.failure = null;
        guard.follow(PORTS, Enforcement.NONE);
        assertEquals(List.of(), table.installed);
    }

    @Test
    void laysNothingBeforeItKnowsWhatNorAfterItsEnd() {
        ContainerGuard guard = guard(false, true);
        assertNull(guard.keep());
        guard.follow(PORTS, Enforcement.NONE);
        guard.end();
        assertTrue(table.removed);
        guard.follow(Set.of(8472), Enforcement.NONE);
        assertNull(guard.keep());
        assertEquals(1, table.installed.size());
    }
}
