package org.weft.silk.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ContactTest {
    private final Contact contact = new Contact("memory");

    @Test
    void knowsNothingAtFirst() {
        assertFalse(contact.isCurrent());
        assertEquals(-1, contact.ageMillis());
        assertNull(contact.trouble());
    }

    @Test
    void isCurrentOnceTheSourceHasAnswered() {
        contact.confirm();

        assertTrue(contact.isCurrent());
        assertTrue(contact.ageMillis() >= 0 && contact.ageMillis() < 10_000);
    }

    @Test
    void isNotCurrentWithWhatIsOnlyRemembered() {
        contact.remember(Instant.now().minus(Duration.ofHours(2)));

        assertFalse(contact.isCurrent());
        assertTrue(contact.ageMillis() >= Duration.ofHours(2).toMillis());
    }

    @Test
    void hasNoNegativeAgeWhenTheClockWasSetBack() {
        contact.remember(Instant.now().plus(Duration.ofDays(1)));

        assertEquals(0, contact.ageMillis());
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT1H", "PT-1H", "P3650D", "P-3650D"})
    void isCurrentAndOfItsRealAgeWhicheverWayTheClockJumps(Duration by) {
        Instant[] now = {Instant.now()};
        Contact watched = new Contact("memory", () -> now[0]);
        watched.confirm();
        now[0] = now[0].plus(by);

        assertTrue(watched.isCurrent());
        assertTrue(watched.ageMillis() >= 0 && watched.ageMillis() < 10_000, watched.ageMillis() + " ms");

        watched.confirm();
        assertEquals(now[0], watched.confirmed());
    }

    @Test
    void countsFailuresAndKeepsTheLastTroubleUntilAnAnswer() {
        contact.confirm();
        contact.fail("silence");
        contact.fail("garbage");

        assertFalse(contact.isCurrent());
        assertEquals("garbage", contact.trouble());
        assertEquals(2, contact.failures());

        contact.confirm();

        assertTrue(contact.isCurrent());
        assertNull(contact.trouble());
        assertEquals(2, contact.failures());
    }
}
