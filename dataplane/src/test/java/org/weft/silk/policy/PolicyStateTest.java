package org.weft.silk.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.policy.Policy;
import org.weft.dataplane.policy.Policy.Protocol;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.testing.Damage;

class PolicyStateTest {
    private static final Instant NOW = Instant.parse("2026-12-01T00:00:00Z");

    private static final PolicySet SET = new PolicySet(
            List.of(new Tag(IpPrefix.parse("10.255.99.1/32"), 7)),
            List.of(new PolicyRule(
                    new Policy(7, IpAddress.parse("10.255.99.2"), Protocol.TCP, 80, 80), "web", "policies.yml:1")),
            Map.of(7, "web"),
            Map.of(IpAddress.parse("10.255.99.1"), Workload.ofApp("web")),
            List.of());

    @TempDir
    Path directory;

    @Test
    void isNotOldAtOnce() {
        PolicyState state = saved();
        assertFalse(state.isOld(NOW));
        assertFalse(state.isOld(NOW.plusSeconds(1)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT1H", "PT-1H", "P3650D", "P-3650D"})
    void savesTheTimeAgainAndOnceOnlyWhicheverWayTheClockJumps(Duration jump) {
        PolicyState state = saved();
        Instant then = NOW.plus(jump);
        assertTrue(state.isOld(then));
        state.save("memory", "silk-vtep", then, PolicySet.EMPTY);
        assertFalse(state.isOld(then.plusSeconds(1)));
        assertEquals(then, state.load("memory", "silk-vtep").confirmed());
    }

    @ParameterizedTest
    @EnumSource
    void survivesEveryDamage(Damage damage) throws IOException {
        PolicyState state = new PolicyState(directory);
        assertTrue(state.save("file p", "silk-vtep", NOW, SET));
        Path file = directory.resolve("policies.json");
        damage.to(file);
        assertNull(state.load("file p", "silk-vtep"));
        assertFalse(Files.exists(file));
        assertTrue(state.save("file p", "silk-vtep", NOW, SET));
        assertEquals(SET, state.load("file p", "silk-vtep").set());
    }

    @Test
    void leavesTheFileOfAnotherSourceAlone() {
        PolicyState state = new PolicyState(directory);
        assertTrue(state.save("file p", "silk-vtep", NOW, SET));
        assertNull(state.load("file q", "silk-vtep"));
        assertNull(state.load("file p", "other"));
        assertEquals(SET, state.load("file p", "silk-vtep").set());
    }

    private PolicyState saved() {
        PolicyState state = new PolicyState(directory);
        assertTrue(state.save("memory", "silk-vtep", NOW, PolicySet.EMPTY));
        return state;
    }
}
