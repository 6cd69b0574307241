package org.weft.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.counters.Counter;

/** The same scenarios each time; {@code scripts/fuzz} runs others. */
class FuzzTest {
    private static final long SEED = 20261201;
    private static final int SCENARIOS = 800;

    @Test
    void agentsDoAsTheModelsSayWhateverComes() {
        long packets = 0;
        Map<Counter, Long> outcomes = new EnumMap<>(Counter.class);
        for (int number = 0; number < SCENARIOS; number++) {
            Scenario scenario = new Scenario(SEED, number);
            try {
                packets += scenario.run();
            } catch (Finding finding) {
                throw new AssertionError("scripts/fuzz --seed " + SEED + " --scenario " + number, finding);
            }
            scenario.outcomes().forEach((counter, count) -> outcomes.merge(counter, count, Long::sum));
        }
        assertTrue(packets > SCENARIOS * 100L, () -> "few packets");
        assertEquals(
                "",
                Scenario.compared()
                        .filter(counter -> outcomes.get(counter) == 0)
                        .map(Counter::name)
                        .collect(Collectors.joining(" ")),
                "outcomes that no packet reached");
    }
}
