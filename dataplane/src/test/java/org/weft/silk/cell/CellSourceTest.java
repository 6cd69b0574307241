package org.weft.silk.cell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.file.StateFile;
import org.weft.operator.OperatorException;
import org.weft.silk.cell.CellStatus.Phase;
import org.weft.silk.source.Contact;
import org.weft.testing.Await;
import org.weft.testing.LogLines;

/** A cell keeps what it knows while its source is silent, over restarts too. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class CellSourceTest extends CellFixture {
    @Test
    void keepsEverythingWhileTheSourceIsSilent() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.routes.takeWritten();

        memory.leases.fail("silence");

        assertEquals(Phase.STALE, status().phase());
        assertEquals("silence", status().trouble());
        assertTrue(status().hasLease());
        assertEquals(List.of(PEER), status().leases());
        assertEquals(List.of(), memory.routes.takeWritten());

        memory.leases.confirm();
        assertEquals(Phase.CURRENT, status().phase());
        assertNull(status().trouble());
    }

    @Test
    void saysOnceThatASourceFlaps() {
        try (LogLines log = LogLines.of(Contact.class)) {
            startWith(MemoryCell.OWN);
            for (int i = 0; i < 3; i++) {
                memory.leases.fail("silence");
            }
            memory.leases.confirm();
            memory.leases.confirm();
            assertEquals(3, status().totals().sourceFailures());
            assertEquals(List.of("memory: silence", "memory: answers again"), log.lines());
        }
    }

    @Test
    void comesUpWithWhatItKnewLastWhenTheSourceIsDown() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        restart();

        memory.start();
        memory.leases.fail("silence");
        memory.await("up", CellStatus::hasLease);

        assertEquals(Phase.STALE, status().phase());
        assertEquals(MemoryLeases.lease(MemoryCell.OWN), status().own());
        assertEquals(List.of(PEER), status().leases());
        assertTrue(status().ageMillis() >= 0);
        assertEquals(MemoryLeases.lease(MemoryCell.OWN), memory.leases.held, "the source is to keep it");
    }

    @Test
    void savesLeasesWhenTheyChange() throws IOException {
        startWith(MemoryCell.OWN);
        memory.leases.say(MemoryCell.OWN, MemoryCell.PEER);

        memory.await("the lease is on disk", status -> saved().contains("10.255.43.0/24"));
    }

    private String saved() {
        try {
            return Files.exists(state()) ? Files.readString(state()) : "";
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "null",
                "[]",
                "{\"confirmed\":\"2026-11-20T10:00:00Z\"}",
                "{\"confirmed\":\"yesterday\",\"own\":{\"underlay_ip\":\"10.0.16.16\",\"overlay_subnet\":\"10.255.99.0/24\"},\"leases\":[]}",
                "{\"confirmed\":\"2026-11-20T10:00:00Z\",\"own\":{\"underlay_ip\":\"10.0.16.16\",\"overlay_subnet\":\"10.255.99.0/24\"},\"leases\":[null]}",
            })
    void asksForTheLeaseAgainWhereASavedOneIsDamagedAndKeepsContainers(String text) throws IOException {
        Files.writeString(state(), text);
        memory.tenants.size(1);
        try (LogLines log = LogLines.of(StateFile.class)) {
            startWith(MemoryCell.OWN);
            assertEquals(1, log.lines().size());
            assertTrue(
                    log.lines()
                            .get(0)
                            .matches("\\Q" + state() + "\\E is damaged \\([^\"]+\\) and was put aside as"
                                    + " leases.json.damaged-\\S+: the lease is asked for again; containers stay if it is"
                                    + " the same"),
                    log.lines()::toString);
        }
        assertEquals(1, memory.tenants.size());
    }

    @Test
    void forgetsWhatWasSavedForAnotherUnderlayAddress() throws IOException {
        Files.writeString(
                state(),
                """
                {"confirmed":"2026-11-20T10:00:00Z","leases":[],
                "own":{"underlay_ip":"10.0.16.99","overlay_subnet":"10.255.99.0/24"}}""");
        memory.start();

        assertEquals(Phase.WAITING, status().phase());
    }

    @Test
    void keepsContainersFromLosingTheirOverlay() throws IOException {
        Files.writeString(
                state(),
                """
                {"confirmed":"2026-11-20T10:00:00Z","leases":[],
                "own":{"underlay_ip":"10.0.16.16","overlay_subnet":"10.99.0.0/24"}}""");
        memory.tenants.size(2);

        OperatorException failure = assertThrows(OperatorException.class, memory::start);

        assertTrue(
                failure.getMessage().contains("there are containers (2): put the overlay back"), failure.getMessage());
    }

    @Test
    void isOfNoNegativeAgeWhenTheClockWasSetBackOverARestart() throws IOException {
        Files.writeString(
                state(),
                """
                {"confirmed":"%s","leases":[],"own":{"underlay_ip":"10.0.16.16","overlay_subnet":"10.255.99.0/24"}}"""
                        .formatted(Instant.now().plus(Duration.ofDays(3650))));
        memory.start();
        memory.await("up", CellStatus::hasLease);

        assertEquals(Phase.STALE, status().phase());
        assertEquals(0, status().ageMillis());

        memory.leases.say(MemoryCell.OWN, MemoryCell.PEER);
        memory.await("the right time is on disk", status -> !saved().contains("\"confirmed\": \"203"));
    }

    @Test
    void goesOnWithoutADisk() throws IOException {
        Files.createDirectory(state());
        Files.createFile(state().resolve("in-the-way"));
        Files.move(state(), directory.resolve("aside"));
        startWith(MemoryCell.OWN);
        Files.delete(state());
        Files.move(directory.resolve("aside"), state());
        try (LogLines log = LogLines.of(Autosave.class)) {
            memory.leases.say(MemoryCell.OWN, MemoryCell.PEER);
            Await.until("a warning", () -> !log.lines().isEmpty());
            memory.leases.say(MemoryCell.OWN);
            assertEquals(0, status().leases().size());
            assertEquals(1, log.lines().size(), log.lines()::toString);
        }
    }
}
