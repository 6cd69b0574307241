package org.weft.silk.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;
import org.weft.operator.OperatorException;
import org.weft.silk.config.CellConfig;
import org.weft.silk.config.CellConfig.TlsFiles;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseRecord;
import org.weft.silk.lease.LeaseSource;
import org.weft.silk.lease.Overlay;
import org.weft.testing.CertificateAuthority;
import org.weft.testing.SilkController;

/** What a silk-controller that works, or refuses, makes of a host's lease. */
class ControllerLeasesTest {
    private static final String HOST = "10.0.16.14";
    private static final Overlay OVERLAY = new Overlay(List.of(IpPrefix.parse("10.255.0.0/16")), 24);
    private static final Lease HELD = lease("10.255.43.0/24", "ee:ee:0a:ff:2b:00");
    private static final Duration TOLERANCE = Duration.ofHours(168);

    @TempDir
    static Path directory;

    private static TlsFiles server;
    private static TlsFiles client;

    private final RecordedLeases heard = new RecordedLeases();
    private final AtomicLong clock = new AtomicLong();
    private SilkController controller;
    private ControllerLeases source;

    @BeforeAll
    static void makeCertificates() {
        CertificateAuthority authority = new CertificateAuthority(directory.resolve("pki"), "silk-ca");
        server = authority.issue("server", "DNS:localhost");
        client = authority.issue("client", "DNS:silk-daemon");
    }

    @BeforeEach
    void startController() {
        controller = new SilkController(server);
        source = source(Duration.ofMillis(20), false);
    }

    @AfterEach
    void close() {
        source.close();
        controller.close();
    }

    private static Lease lease(String subnet, String mac) {
        return new Lease(IpAddress.parse(HOST), IpPrefix.parse(subnet), MacAddress.parse(mac));
    }

    private ControllerLeases source(Duration poll, boolean singleIp) {
        var config = new CellConfig.SilkController(controller.url(), client, poll, Duration.ofSeconds(5), TOLERANCE);
        return new ControllerLeases(config, IpAddress.parse(HOST), OVERLAY, singleIp, clock::get);
    }

    private long count(String request) {
        return controller.requests().stream()
                .filter(each -> each.startsWith(request))
                .count();
    }

    @Test
    void acquiresRenewsAndListsAtOnce() {
        controller.put("10.0.16.15", "10.255.44.0/24", "ee:ee:0a:ff:2c:00");
        source.start(null, null, heard);
        RecordedLeases.Report first = heard.leases();
        assertEquals(lease("10.255.1.0/24", "ee:ee:0a:ff:01:00"), first.own());
        assertEquals(
                List.of(
                        new LeaseRecord("10.0.16.15", "10.255.44.0/24", "ee:ee:0a:ff:2c:00", "leases[0]"),
                        new LeaseRecord(HOST, "10.255.1.0/24", "ee:ee:0a:ff:01:00", "leases[1]")),
                first.all());
        String own = "\"underlay_ip\":\"10.0.16.14\"";
        assertEquals(
                List.of(
                        "PUT /leases/acquire {" + own + ",\"single_overlay_ip\":false}",
                        "PUT /leases/renew {" + own
                                + ",\"overlay_subnet\":\"10.255.1.0/24\",\"overlay_hardware_addr\":\"ee:ee:0a:ff:01:00\"}",
                        "GET /leases"),
                controller.requests().subList(0, 3));
    }

    @Test
    void acquiresASingleAddressForAHostThatIsNoCell() {
        source = source(Duration.ofMillis(20), true);
        source.start(null, null, heard);
        assertEquals(lease("10.255.0.1/32", "ee:ee:0a:ff:00:01"), heard.leases().own());
    }

    @Test
    void refusesASubnetForAHostThatIsNoCell() {
        controller.put(HOST, "10.255.43.0/24", "ee:ee:0a:ff:2b:00");
        source = source(Duration.ofMillis(20), true);
        source.start(null, null, heard);
        assertEquals(
                "the lease that " + controller.url() + " gives 10.0.16.14 cannot be used: 10.255.43.0/24 is left from"
                        + " when this host was a cell: release it (PUT /leases/release), or let it expire",
                heard.failure());
    }

    @Test
    void renewsTheLeaseThatIsHeldInsteadOfAcquiring() {
        controller.put(HOST, "10.255.43.0/24", "ee:ee:0a:ff:2b:00");
        source.start(HELD, Instant.now(), heard);
        assertEquals(HELD, heard.leases().own());
        assertEquals(0, count("PUT /leases/acquire"));
    }

    @Test
    void putsTheHeldLeaseBackIntoADatabaseThatWasLost() {
        source.start(HELD, Instant.now(), heard);
        assertEquals(HELD, heard.leases().own());
        controller.forgetAll();
        heard.clear();
        heard.next();
        assertEquals("confirmed", heard.next().kind());
        assertEquals("10.255.43.0/24", controller.lease(HOST).overlaySubnet());
    }

    @Test
    void confirmsWhatIsUnchangedAndReportsWhatIsNot() {
        source.start(HELD, Instant.now(), heard);
        heard.leases();
        assertEquals("confirmed", heard.next().kind());
        controller.put("10.0.16.15", "10.255.44.0/24", "ee:ee:0a:ff:2c:00");
        RecordedLeases.Report changed = heard.after("confirmed", "leases");
        assertEquals(2, changed.all().size());
        assertEquals(HELD, changed.own());
        controller.forget("10.0.16.15");
        assertEquals(1, heard.after("confirmed", "leases").all().size());
    }

    @Test
    void anotherOrderIsNoChange() {
        controller.put("10.0.16.15", "10.255.44.0/24", "ee:ee:0a:ff:2c:00");
        source = source(Duration.ofHours(1), false);
        source.start(HELD, Instant.now(), heard);
        assertEquals("10.0.16.15", heard.leases().all().get(0).underlayIp());
        controller.forget("10.0.16.15");
        controller.put("10.0.16.15", "10.255.44.0/24", "ee:ee:0a:ff:2c:00");
        source.refresh();
        assertEquals("confirmed", heard.next().kind());
    }

    @Test
    void passesMalformedLeasesOnAsTheyAre() {
        controller.answer(
                "/leases",
                200,
                """
                {"leases": [{"underlay_ip": "10.0.16.15", "overlay_subnet": "10.255.44.0/24"}, 7, null,
                 {"underlay_ip": 5, "overlay_subnet": null, "overlay_hardware_addr": [], "more": 1}], "more": 1}""");
        source.start(HELD, Instant.now(), heard);
        RecordedLeases.Report report = heard.leases();
        assertEquals(HELD, report.own());
        assertEquals(
                List.of(
                        new LeaseRecord("10.0.16.15", "10.255.44.0/24", null, "leases[0]"),
                        new LeaseRecord(null, null, null, "leases[1]"),
                        new LeaseRecord(null, null, null, "leases[2]"),
                        new LeaseRecord("5", null, "[]", "leases[3]")),
                report.all());
    }

    @Test
    void losesTheLeaseThatTheControllerHasOtherwise() {
        controller.put(HOST, "10.255.99.0/24", "ee:ee:0a:ff:63:00");
        source.start(HELD, Instant.now(), heard);
        assertEquals(
                "the lease 10.255.43.0/24 of 10.0.16.14 is refused for good: " + controller.url()
                        + "/leases/renew answers 409: renew-subnet-lease: lease mismatch",
                heard.loss());
    }

    @Test
    void asksNothingAfterTheLossUntilAnotherIsToBeAcquired() {
        controller.put("10.0.16.15", "10.255.43.0/24", "ee:ee:0a:ff:2b:00");
        source.start(HELD, Instant.now(), heard);
        heard.loss();
        source.refresh();
        source.acquireAnother();
        assertEquals(lease("10.255.1.0/24", "ee:ee:0a:ff:01:00"), heard.leases().own());
        assertTrue(controller.requests().get(1).startsWith("PUT /leases/acquire"), "after the renewal refused");
    }

    @Test
    void losesAHeldLeaseOutsideTheOverlay() {
        source.start(lease("10.254.43.0/24", "ee:ee:0a:fe:2b:00"), Instant.now(), heard);
        assertEquals("the lease 10.254.43.0/24 that this host held is not in the overlay any more", heard.loss());
    }

    @Test
    void renewsForTheAddressThatTheHostHasNow() {
        Lease ofOldAddress = new Lease(IpAddress.parse("10.0.16.99"), HELD.subnet(), HELD.mac());
        source.start(ofOldAddress, Instant.now(), heard);
        assertEquals(HELD, heard.leases().own());
    }

    @Test
    void toleratesFailuresForThePartitionToleranceAndNoLonger() {
        source.start(HELD, Instant.now(), heard);
        heard.leases();
        clock.addAndGet(Duration.ofHours(1).toNanos());
        heard.clear();
        heard.next();
        heard.next();
        controller.answer(500, "{\"error\": \"database is locked\"}");
        heard.failure();
        clock.addAndGet(TOLERANCE.toNanos() - 1);
        heard.clear();
        assertEquals(
                controller.url() + "/leases/renew answers 500: database is locked",
                heard.next().sentence());
        clock.addAndGet(1);
        assertEquals(
                "the lease 10.255.43.0/24 of 10.0.16.14 could not be renewed for 604800 s, and no longer than 604800 s"
                        + " are tolerated: " + controller.url() + "/leases/renew answers 500: database is locked",
                heard.after("failed", "lost").sentence());

        controller.answer("/none", 500, "");
        source.acquireAnother();
        assertEquals(HELD, heard.leases().own(), "the controller kept it");
    }

    @Test
    void aHostWithoutLeaseHasNoneToLose() {
        controller.answer(500, "");
        source.start(null, null, heard);
        heard.failure();
        clock.addAndGet(TOLERANCE.multipliedBy(2).toNanos());
        assertEquals(controller.url() + "/leases/acquire answers 500", heard.failure());
        controller.behave();
        assertEquals("10.255.1.0/24", heard.after("failed", "leases").own().subnetText());
    }

    @Test
    void saysThatThePoolIsEmpty() {
        for (int i = 1; i < 256; i++) {
            controller.put("10.1.0." + i, "10.255." + i + ".0/24", null);
        }
        source.start(null, null, heard);
        assertEquals(controller.url() + "/leases/acquire answers 409: no lease available", heard.failure());
    }

    @Test
    void asksAtOnceWhenToldTo() {
        source = source(Duration.ofHours(1), false);
        source.start(HELD, Instant.now(), heard);
        heard.leases();
        source.refresh();
        assertEquals("confirmed", heard.next().kind());
    }

    @Test
    void asksAllOverOneConnection() {
        source.start(HELD, Instant.now(), heard);
        heard.leases();
        for (int poll = 0; poll < 5; poll++) {
            assertEquals("confirmed", heard.next().kind());
        }
        assertEquals(1, controller.connections());
    }

    @Test
    void givesTheLeaseBackAndRenewsItNoMore() {
        source.start(HELD, Instant.now(), heard);
        heard.leases();
        source.release();
        assertNull(controller.lease(HOST));
        List<String> requests = controller.requests();
        assertEquals("PUT /leases/release {\"underlay_ip\":\"10.0.16.14\"}", requests.get(requests.size() - 1));
    }

    @Test
    void saysThatTheLeaseCouldNotBeGivenBack() {
        source.start(HELD, Instant.now(), heard);
        heard.leases();
        controller.answer("/leases/release", 500, "{\"error\": \"database is locked\"}");
        OperatorException e = assertThrows(OperatorException.class, source::release);
        assertEquals(OperatorException.Kind.UNAVAILABLE, e.kind());
        assertEquals(
                controller.url() + "/leases/release answers 500: database is locked; the lease of 10.0.16.14 is not"
                        + " released, and stays until it expires",
                e.getMessage());
    }

    @Test
    void closingKeepsTheLeaseAndReportsNoMore() {
        controller.fallSilent();
        source.start(HELD, Instant.now(), heard);
        controller.awaitRequests(1);
        source.close();
        assertTrue(heard.isEmpty());
        assertFalse(controller.requests().toString().contains("release"));
    }

    @Test
    void aListenerThatFailsHearsAgain() {
        RecordedLeases second = new RecordedLeases();
        source.start(HELD, Instant.now(), new FailingOnce(second));
        assertEquals(HELD, second.leases().own());
    }

    /** Throws at the first report of leases. */
    private static final class FailingOnce implements LeaseSource.Listener {
        private final RecordedLeases next;
        private boolean failed;

        FailingOnce(RecordedLeases next) {
            this.next = next;
        }

        @Override
        public void leases(Lease own, List<LeaseRecord> all) {
            if (!failed) {
                failed = true;
                throw new IllegalStateException("made to fail by this test");
            }
            next.leases(own, all);
        }

        @Override
        public void confirmed() {
            next.confirmed();
        }

        @Override
        public void failed(String sentence) {
            next.failed(sentence);
        }

        @Override
        public void lost(String sentence) {
            next.lost(sentence);
        }
    }
}
