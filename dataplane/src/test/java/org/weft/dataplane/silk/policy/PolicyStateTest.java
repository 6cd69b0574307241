package org.weft.dataplane.silk.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PolicyStateTest {
    private static final Instant NOW = Instant.parse("2026-12-01T00:00:00Z");

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

    private PolicyState saved() {
        PolicyState state = new PolicyState(directory);
        assertTrue(state.save("memory", "silk-vtep", NOW, PolicySet.EMPTY));
        return state;
    }
}
