package org.weft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;

class RequiresRootTest {
    @Test
    void skipsWithAReasonWhereSomethingIsMissing() {
        ConditionEvaluationResult decision = RequiresRootCondition.decide("no /dev/net/tun", false);
        assertTrue(decision.isDisabled());
        assertEquals("skipped, here is no /dev/net/tun", decision.getReason().orElseThrow());
    }

    @Test
    void neverSkipsInCi() {
        assertThrows(IllegalStateException.class, () -> RequiresRootCondition.decide("no /dev/net/tun", true));
    }

    @Test
    void runsWhereNothingIsMissing() {
        assertFalse(RequiresRootCondition.decide(null, true).isDisabled());
    }
}
