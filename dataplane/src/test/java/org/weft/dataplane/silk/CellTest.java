package org.weft.dataplane.silk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.host.CellTable.Refused;
import org.weft.dataplane.host.CellTable.Verdict;
import org.weft.dataplane.host.StateFile;
import org.weft.dataplane.policy.Enforcement;
import org.weft.dataplane.policy.Enforcement.Mode;
import org.weft.dataplane.policy.Enforcement.Refusal;
import org.weft.dataplane.policy.Enforcement.Spoofing;
import org.weft.dataplane.policy.VerdictSink;
import org.weft.dataplane.silk.CellStatus.Phase;
import org.weft.dataplane.silk.container.ContainerGuard.Repair;
import org.weft.dataplane.silk.container.HostRepair;
import org.weft.dataplane.silk.lease.Lease;
import org.weft.dataplane.silk.source.Contact;
import org.weft.dataplane.table.PolicyTable;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.OperatorException;
import org.weft.dataplane.vtep.OperatorException.Kind;
import org.weft.encap.IpAddress;
import org.weft.testing.Await;
import org.weft.testing.LogLines;
import org.weft.testing.MemoryRegistry;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class CellTest {
    private static final String OTHER = "10.0.16.16 10.255.77.0/24";
    private static final Lease PEER = MemoryLeases.lease(MemoryCell.PEER);

    @TempDir
    private Path directory;

    private MemoryCell memory;

    @BeforeEach
    void open() {
        memory = new MemoryCell(new MemoryRegistry(), directory);
    }

    @AfterEach
    void close() {
        memory.close();
    }

    /** As a daemon that starts again on the same host, whose device is gone. */
    private void restart() {
        memory.close();
        open();
    }

    private void startWith(String own, String... others) {
        memory.start();
        memory.leases.say(own, others);
        memory.await("the lease is in force", status -> isOwn(status, own));
    }

    private static boolean isOwn(CellStatus status, String lease) {
        return MemoryLeases.lease(lease).equals(status.own());
    }

    private CellStatus status() {
        memory.catchUp();
        return memory.cell.status();
    }

    private List<Remote> remotes() {
        return memory.registry.vtep(MemoryCell.VTEP).fdb().entry(PEER.mac()).remotes();
    }

    private Path state() {
        return directory.resolve("leases.json");
    }

    // Up

    @Test
    void waitsForALease() {
        memory.start();

        assertEquals(Phase.WAITING, status().phase());
        assertFalse(status().hasLease());
        assertEquals(-1, status().ageMillis());
        assertNull(memory.registry.vtep(MemoryCell.VTEP));
    }

    @Test
    void comesUpWithItsLease() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);

        assertEquals(Phase.CURRENT, status().phase());
        assertEquals(List.of(PEER), status().leases());
        assertNull(status().trouble());
        assertEquals(MemoryLeases.lease(MemoryCell.OWN), memory.tenants.lease);
        assertEquals(1450, memory.tenants.mtu);
        assertEquals(
                MemoryLeases.lease(MemoryCell.OWN).mac(),
                memory.registry.vtep(MemoryCell.VTEP).config().mac());
        assertEquals(1, memory.routes.size());
    }

    @Test
    void skipsAndNamesABadLeaseOnly() {
        startWith(MemoryCell.OWN, MemoryCell.PEER, "10.0.16.15 10.99.0.0/24", "10.0.16.17 10.255.99.0/25");

        assertEquals(List.of(PEER), status().leases());
        assertEquals(
                List.of(
                        "memory: overlay_subnet 10.99.0.0/24 is not in the overlay 10.255.0.0/16, 10.254.0.0/16",
                        "memory: overlay_subnet 10.255.99.0/25 overlaps 10.255.99.0/24 of 10.0.16.16"),
                status().skipped().stream().map(skipped -> skipped.reason()).toList());
    }

    @Test
    void namesABadLeaseBeforeItHasALeaseItself() {
        try (LogLines log = LogLines.of(KnownLeases.class)) {
            memory.start();
            memory.leases.say(null, MemoryCell.PEER, "10.0.16.15 10.99.0.0/24");

            String reason = "memory: overlay_subnet 10.99.0.0/24 is not in the overlay 10.255.0.0/16, 10.254.0.0/16";
            memory.await("skipped", status -> status.skipped().size() == 1);
            assertEquals(reason, status().skipped().get(0).reason());
            assertEquals(List.of("lease skipped: " + reason), log.lines());
            assertNull(status().own());
        }
    }

    @Test
    void triesAgainForADeviceThatCannotBeHad() {
        memory.registry.failure = new OperatorException(Kind.CANNOT_CREATE, "silk-memory is somebody else's");
        try (LogLines log = LogLines.of(OwnLease.class)) {
            memory.start();
            memory.leases.say(MemoryCell.OWN, MemoryCell.PEER);
            String sentence = "the device of 10.255.99.0/24 is unavailable: silk-memory is somebody else's";
            memory.await("the trouble", status -> sentence.equals(status.trouble()));
            assertEquals(Phase.WAITING, status().phase());
            int attempts = memory.registry.attempts();
            memory.await("another attempt", status -> memory.registry.attempts() > attempts + 1);
            assertEquals(List.of(sentence), log.lines());
        }

        memory.registry.failure = null;
        memory.await("up", status -> status.hasLease() && status.trouble() == null);
        assertEquals(List.of(PEER), status().leases());
    }

    @Test
    void makesADeviceAgainThatWasRemoved() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.registry.remove(memory.registry.vtep(MemoryCell.VTEP));
        memory.routes.forget();

        memory.await("up again", status -> memory.registry.vtep(MemoryCell.VTEP) != null && memory.routes.size() == 1);
        assertEquals(List.of(new Remote(PEER.underlay())), remotes());
    }

    @Test
    void routesAnewOverADeviceThatSomebodyMadeAgain() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.routes.forget();
        memory.registry.ifindex = 6;

        memory.await("the route", status -> memory.routes.size() == 1);
        assertEquals(1, status().totals().repaired());
    }

    // Others' leases

    @Test
    void followsALeaseToAnotherHostAtOnce() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.routes.takeWritten();

        memory.leases.say(MemoryCell.OWN, "10.0.16.15 10.255.43.0/24");

        assertEquals(1, status().totals().moved());
        assertEquals(List.of(new Remote(IpAddress.parse("10.0.16.15"))), remotes());
        assertEquals(List.of(), memory.routes.takeWritten(), "the route stays as it is");
    }

    @Test
    void isCutOffWhenTheKernelRefusesAllRoutes() {
        memory.routes.occupy(PEER.subnet(), true);
        startWith(MemoryCell.OWN, MemoryCell.PEER);

        memory.await("cut off", status -> status.obstacle() != null);
        assertEquals(
                "the kernel refuses the routes to all other hosts: ip route add 10.255.43.0/24 via 10.255.43.0 dev"
                        + " silk-memory src 10.255.99.0: File exists",
                status().obstacle());
        assertEquals(status().obstacle(), status().trouble());

        memory.leases.say(MemoryCell.OWN, MemoryCell.PEER, "10.0.16.15 10.255.44.0/24");
        memory.await("another host is reachable", status -> status.obstacle() == null);
        assertEquals(1, status().failures().size());
    }

    @Test
    void saysWhatAForcedPassFound() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.routes.removeRoute(PEER.subnet());

        assertEquals(1, memory.cell.plan().join().changes().size());
        assertEquals(0, memory.leases.refreshes.get());
        Cell.Pass pass = memory.cell.converge().join();
        assertEquals(
                "repaired 10.255.43.0/24: 10.0.16.14 ee:ee:0a:ff:2b:00, route",
                pass.changes().get(0).toString());
        assertEquals(1, memory.leases.refreshes.get());
        assertEquals(List.of(), memory.cell.plan().join().changes());
    }

    @Test
    void namesWhatTheKernelRefusesUntilItDoesNot() {
        memory.routes.occupy(PEER.subnet(), true);
        startWith(MemoryCell.OWN, MemoryCell.PEER, "10.0.16.15 10.254.1.0/24");

        List<String> refused =
                List.of("ip route add 10.255.43.0/24 via 10.255.43.0 dev silk-memory src 10.255.99.0: File exists");
        assertEquals(refused, status().failures());
        assertEquals(1, memory.routes.size(), "the other lease is in force");

        memory.routes.occupy(PEER.subnet(), false);
        assertTrue(memory.cell.converge().join().refused().isEmpty());
        assertEquals(List.of(), status().failures());
    }

    // The guard of containers

    @Test
    void guardsContainersBeforeItHasALease() {
        memory.start();
        memory.catchUp();

        assertEquals(
                List.of(new Refused(new TreeSet<>(Set.of(4789)), Verdict.ACCEPT, Verdict.ACCEPT)),
                memory.tenants.table.installed);
    }

    @Test
    void guardsThePortsOfAllVtepsAndFollowsTheModeOfItsOwn() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.registry.add("other", Map.of("id", "2", "dstport", "8472"));
        memory.registry.guard(
                MemoryCell.VTEP,
                new Enforcement(
                        Mode.ENFORCE, Refusal.REJECT, Spoofing.OFF, 24, PolicyTable.EMPTY, null, VerdictSink.NONE),
                List.of());

        Refused last = new Refused(new TreeSet<>(Set.of(4789, 8472)), Verdict.REJECT, Verdict.ACCEPT);
        Await.until("the rules follow", () -> memory.tenants.table.installed.contains(last));
    }

    @Test
    void repairsTheGuardWithAForcedPass() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.tenants.table.flushed = true;

        assertEquals(
                new Repair("inet weft-memory-cell", null),
                memory.cell.converge().join().guard());
        assertFalse(memory.tenants.table.flushed);
        assertNull(memory.cell.converge().join().guard());
        memory.close();
        assertFalse(memory.tenants.table.removed, "containers outlive the daemon");
    }

    @Test
    void putsBackWhatOthersChangedOnTheDevice() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        List<HostRepair> expected =
                List.of(new HostRepair("device", MemoryCell.VTEP, List.of("MTU 900 and not 1410"), null));
        memory.registry.deviations = List.of("MTU 900 and not 1410");

        assertEquals(expected, memory.cell.plan().join().host());
        long repaired = status().totals().repaired();
        assertEquals(expected, memory.cell.converge().join().host());
        assertTrue(memory.registry.host.contains("restore " + MemoryCell.VTEP), memory.registry.host::toString);
        assertEquals(List.of(), memory.cell.plan().join().host());
        assertEquals(repaired + 1, status().totals().repaired());
    }

    @Test
    void namesWhatTheKernelDoesNotLetItPutBack() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.registry.deviations = List.of("down");
        memory.registry.failure = new OperatorException(Kind.OS_ERROR, "out of luck");

        assertEquals(
                List.of(new HostRepair("device", MemoryCell.VTEP, List.of("down"), "out of luck")),
                memory.cell.converge().join().host());
        memory.registry.failure = null;
    }

    @Test
    void convergesWhenUpkeepFailsInAnUnexpectedWay() {
        memory.tenants.upkeepFailure = new IndexOutOfBoundsException("Index 1 out of bounds\nfor length 1");
        try (LogLines log = LogLines.of(Upkeep.class)) {
            startWith(MemoryCell.OWN, MemoryCell.PEER);
            memory.await("the route", status -> memory.routes.size() == 1);
            memory.routes.forget();

            String reason = "java.lang.IndexOutOfBoundsException: Index 1 out of bounds";
            assertEquals(
                    List.of(new HostRepair("host", "of containers", List.of("could not be compared"), reason)),
                    memory.cell.converge().join().host());
            assertEquals(1, memory.routes.size());
            assertEquals(
                    List.of("not repaired host of containers: could not be compared: " + reason),
                    log.lines(),
                    "once for several passes");
        }
    }

    @Test
    void countsARepairThatFailsInAnUnexpectedWayAsRefused() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        long repaired = status().totals().repaired();
        memory.registry.failure = new IllegalStateException("out of luck");
        memory.registry.deviations = List.of("down");

        assertEquals(
                List.of(new HostRepair(
                        "device", MemoryCell.VTEP, List.of("down"), "java.lang.IllegalStateException: out of luck")),
                memory.cell.converge().join().host());
        assertEquals(repaired, status().totals().repaired());
        memory.registry.failure = null;
    }

    @Test
    void saysNothingOfConnectedContainersWhenTheLeaseIsLost() {
        try (LogLines log = LogLines.of(Obstacles.class)) {
            memory.registry.mac = 0x021122334455L;
            startWith(MemoryCell.OWN, MemoryCell.PEER);
            memory.await("cut off", status -> status.obstacle() != null);
            String obstacle = status().obstacle();

            memory.leases.lose("10.255.99.0/24 is of 10.0.16.17 now");

            memory.await("no obstacle", status -> status.obstacle() == null);
            assertEquals(List.of("containers are cut off: " + obstacle), log.lines());
        }
    }

    // A source that does not answer

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

    // What is saved

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

    // The own lease

    @Test
    void givesUpALostLeaseAndAcquiresAnother() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);

        memory.leases.lose("10.255.99.0/24 is of 10.0.16.17 now");

        assertEquals(Phase.LOST, status().phase());
        assertEquals("10.255.99.0/24 is of 10.0.16.17 now; another is acquired", status().trouble());
        assertFalse(status().hasLease());
        assertNull(memory.registry.vtep(MemoryCell.VTEP), "it is not on the wire any more");
        assertNull(memory.tenants.lease);
        assertFalse(Files.exists(state()), "it would come up with it again");
        assertEquals(1, memory.leases.acquisitions.get());

        memory.leases.say(OTHER, MemoryCell.PEER);
        memory.await("the other", status -> isOwn(status, OTHER));
        assertEquals(Phase.CURRENT, status().phase());
        assertNull(status().trouble());
    }

    @Test
    void acquiresAnotherOnceTheContainersOfALostLeaseAreGone() {
        startWith(MemoryCell.OWN);
        memory.tenants.size(2);

        memory.leases.lose("it is taken");

        assertEquals(
                "it is taken; containers in it (2) are cut off, another is acquired once they are gone",
                status().trouble());
        assertEquals(0, memory.leases.acquisitions.get());
        memory.tenants.goUnnoticed();
        memory.tenants.goUnnoticed();
        Await.until("another is acquired", () -> memory.leases.acquisitions.get() == 1);
    }

    @Test
    void acquiresAgainWhenWhatWasAcquiredIsLostToo() {
        startWith(MemoryCell.OWN);
        memory.leases.lose("it is taken");
        memory.catchUp();
        assertEquals(1, memory.leases.acquisitions.get());

        memory.leases.lose("the other is taken as well");

        Await.until("another is acquired", () -> memory.leases.acquisitions.get() == 2);
        assertEquals("the other is taken as well; another is acquired", status().trouble());
    }

    @Test
    void takesAnotherSubnetAtOnceWithoutContainers() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);

        memory.leases.say(OTHER, MemoryCell.PEER);

        assertEquals(MemoryLeases.lease(OTHER), status().own());
        assertEquals(List.of(PEER), status().leases());
    }

    @Test
    void keepsASubnetUntilItsContainersAreGone() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.tenants.size(1);

        memory.leases.say(OTHER, MemoryCell.PEER);

        assertEquals(MemoryLeases.lease(MemoryCell.OWN), status().own());
        assertEquals(
                "the lease is 10.255.77.0/24 now, but containers (1) are in 10.255.99.0/24, which stays in force until"
                        + " they are gone",
                status().trouble());
        memory.tenants.goUnnoticed();
        memory.await("the other", status -> isOwn(status, OTHER) && status.trouble() == null);
    }

    @Test
    void leavesASubnetThatAnotherHostHasAtOnceAlsoWithContainers() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.tenants.size(1);
        memory.leases.say(OTHER, MemoryCell.PEER);
        assertEquals(MemoryLeases.lease(MemoryCell.OWN), status().own());

        String rival = "10.0.16.17 10.255.99.0/24";
        try (LogLines log = LogLines.of(OwnLease.class)) {
            memory.leases.say(OTHER, MemoryCell.PEER, rival);
            assertEquals(MemoryLeases.lease(OTHER), status().own());
            assertEquals(
                    "containers (1) in 10.255.99.0/24 are cut off: another host has it, and this one 10.255.77.0/24",
                    log.lines().get(0));
        }
        assertEquals(List.of(PEER, MemoryLeases.lease(rival)), status().leases());
        assertNull(status().trouble());
    }

    @Test
    void givesNoAddressesOfASubnetThatIsGoneWhileTheNextHasNoDevice() {
        startWith(MemoryCell.OWN);
        memory.registry.failure = new OperatorException(Kind.CANNOT_CREATE, "no");

        memory.leases.say(OTHER);

        assertEquals("the device of 10.255.77.0/24 is unavailable: no", status().trouble());
        assertNull(memory.tenants.lease);
        memory.registry.failure = null;
        memory.await("the other", status -> isOwn(status, OTHER));
        assertEquals(MemoryLeases.lease(OTHER), memory.tenants.lease);
    }

    @Test
    void takesWhatIsSaidAfterALossForWhatComesAfterIt() {
        startWith(MemoryCell.OWN);
        synchronized (memory.routes) {
            memory.cell.plan(); // waits for the routes, and what is said next for its end
            memory.leases.say(MemoryCell.OWN, MemoryCell.PEER);
            memory.leases.lose("it is taken");
            memory.leases.say(OTHER, MemoryCell.PEER);
        }

        assertEquals(MemoryLeases.lease(OTHER), status().own());
        assertEquals(Phase.CURRENT, status().phase());
    }

    @Test
    void keepsTheContainersSubnetAlsoWhenItsDeviceCannotBeHadAtStart() {
        startWith(MemoryCell.OWN);
        restart();
        memory.tenants.size(1);
        memory.registry.failure = new OperatorException(Kind.CANNOT_CREATE, "no");
        memory.start();
        memory.leases.say(OTHER);
        memory.await(
                "the trouble",
                status -> status.trouble() != null && status.trouble().endsWith("is unavailable: no"));

        memory.registry.failure = null;
        memory.await("the subnet of the containers", status -> isOwn(status, MemoryCell.OWN));
    }

    @Test
    void namesALeaseOfOneAddressThatIsASubnetAndTheOtherWayRound() {
        startWith(MemoryCell.OWN);

        memory.leases.say("10.0.16.16 10.255.0.9/32");

        String sentence =
                "the lease of this host is 10.255.0.9/32, which is one address, but single-ip is false: change one of"
                        + " them";
        assertEquals(sentence, status().trouble());
        assertEquals(MemoryLeases.lease(MemoryCell.OWN), status().own(), "it stays in force");
        memory.leases.say(MemoryCell.OWN);
        assertNull(status().trouble());

        try (MemoryCell single = new MemoryCell(new MemoryRegistry(), directory.resolve("single"), true)) {
            single.start();
            single.leases.say(MemoryCell.OWN);
            single.await("the trouble", status -> status.trouble() != null);
            assertTrue(single.cell.status().trouble().contains("which is a subnet, but single-ip is true"));
            assertNull(single.cell.status().own());
        }
    }

    // Drain

    @Test
    void drainsAtOnceWithoutContainers() throws InterruptedException {
        startWith(MemoryCell.OWN, MemoryCell.PEER);

        memory.cell.drain(Duration.ofMinutes(1)).join();

        assertTrue(memory.stopped.await(10, TimeUnit.SECONDS));
        assertTrue(memory.leases.released);
        assertNull(memory.registry.vtep(MemoryCell.VTEP));
        assertFalse(Files.exists(state()));
        assertTrue(memory.tenants.table.removed, "there are no containers to guard any more");
    }

    @Test
    void drainsWhenTheLastContainerHasLeft() throws InterruptedException {
        startWith(MemoryCell.OWN);
        memory.tenants.size(2);

        memory.cell.drain(Duration.ofMinutes(1)).join();

        assertEquals(Phase.DRAINING, status().phase());
        assertTrue(memory.tenants.draining);
        assertTrue(status().drainMillis() > 50_000 && status().drainMillis() <= 60_000);
        assertTrue(status().hasLease(), "those that are left are connected");
        memory.tenants.size(1);
        memory.tenants.goUnnoticed();
        assertTrue(memory.stopped.await(10, TimeUnit.SECONDS));
        assertTrue(memory.leases.released);
    }

    @Test
    void goesOnWhenContainersStayLongerThanTheTimeout() {
        startWith(MemoryCell.OWN, MemoryCell.PEER);
        memory.tenants.size(1);

        memory.cell.drain(Duration.ofMillis(50)).join();

        memory.await("as before", status -> status.phase() == Phase.CURRENT);
        assertFalse(memory.tenants.draining);
        assertFalse(memory.leases.released);
        assertEquals(-1, status().drainMillis());
        assertEquals(List.of(PEER), status().leases());
    }

    @Test
    void goesOnWhenDrainingIsCancelled() {
        startWith(MemoryCell.OWN);
        memory.tenants.size(1);
        memory.cell.drain(Duration.ofMinutes(1)).join();

        memory.cell.cancelDrain().join();
        memory.tenants.size(0);

        assertEquals(Phase.CURRENT, status().phase());
        assertFalse(memory.tenants.draining);
        assertEquals(1, memory.stopped.getCount());
    }

    @Test
    void endsAlsoIfNobodyTakesTheLeaseBack() throws InterruptedException {
        try (LogLines log = LogLines.of(Cell.class)) {
            startWith(MemoryCell.OWN);
            memory.leases.releaseFailure = new OperatorException(Kind.UNAVAILABLE, "memory is silent");

            memory.cell.drain(Duration.ofMinutes(1)).join();

            assertTrue(memory.stopped.await(10, TimeUnit.SECONDS));
            assertNull(memory.registry.vtep(MemoryCell.VTEP));
            assertEquals(List.of("drained, but the lease could not be given back: memory is silent"), log.lines());
        }
    }

    @Test
    void comesUpNoMoreOnceItIsDrained() throws InterruptedException {
        startWith(MemoryCell.OWN);
        memory.cell.drain(Duration.ofMinutes(1)).join();
        assertTrue(memory.stopped.await(10, TimeUnit.SECONDS));

        memory.leases.say(MemoryCell.OWN, MemoryCell.PEER);
        memory.leases.lose("it was given back");

        assertEquals(Phase.DRAINING, status().phase());
        assertNull(status().own());
        assertEquals(0, memory.leases.acquisitions.get());
    }

    @Test
    void answersNoMoreOnceItIsClosed() {
        memory.start();
        memory.close();

        CompletionException failure =
                assertThrows(CompletionException.class, () -> memory.cell.plan().join());
        assertEquals("the cell is stopping", failure.getCause().getMessage());
        assertNotNull(memory.cell.status());
    }
}
