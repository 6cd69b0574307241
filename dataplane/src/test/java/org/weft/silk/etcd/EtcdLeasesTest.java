package org.weft.silk.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;
import org.weft.encap.IpPrefix;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseTable;
import org.weft.silk.lease.Overlay;
import org.weft.testing.EtcdServer;
import org.weft.testing.RequiresEtcd;

@RequiresEtcd
class EtcdLeasesTest {
    @TempDir
    private static Path directory;

    private static EtcdServer etcd;

    private final List<Host> hosts = new ArrayList<>();
    private String prefix;
    private Host.Setup setup;

    @BeforeAll
    static void startEtcd() {
        etcd = EtcdServer.start(directory);
    }

    @AfterAll
    static void endEtcd() {
        etcd.close();
    }

    @BeforeEach
    void ownPrefix(TestInfo test) {
        prefix = "/" + test.getTestMethod().orElseThrow().getName();
        setup = Host.Setup.of(prefix, etcd.url());
    }

    @AfterEach
    void closeHosts() {
        hosts.forEach(Host::close);
    }

    private Host start(Host.Setup of, int number) {
        return start(of, number, null);
    }

    private Host start(Host.Setup of, int number, Lease held) {
        Host host = of.start(number, held);
        hosts.add(host);
        return host;
    }

    private static Lease lease(int host, String subnet) {
        return new Lease(Host.underlay(host), IpPrefix.parse(subnet), 0xeeee_0aff_0000L);
    }

    private String value(String key) {
        return etcd.control("get --print-value-only " + prefix + key).strip();
    }

    @Test
    void writesALeaseAsSilkDoes() {
        Host host = start(setup, 0x100e, lease(0x100e, "10.255.43.0/24"));
        assertEquals("10.255.43.0/24", host.subnet());
        assertEquals(
                "{\"underlay_ip\":\"10.0.16.14\",\"overlay_subnet\":\"10.255.43.0/24\","
                        + "\"overlay_hardware_addr\":\"ee:ee:0a:ff:2b:00\"}",
                value("/leases/10.255.43.0-24"));
        assertEquals("10.255.43.0-24", value("/underlay/10.0.16.14"));
        assertEquals("10.0.16.14", value("/alive/10.255.43.0-24"));
    }

    /** etcd sends them all in one answer of 80 MB if it is asked for them. */
    @Test
    void hugeValuesOfAnotherHostKeepNobodyOut(@TempDir Path data) throws Exception {
        EtcdServer full = EtcdServer.start(data);
        Host.Setup patient = Host.Setup.of(prefix, full.url()).timeout(Duration.ofSeconds(10));
        Host running = start(patient, 1);
        // Not in the subnet that this host has taken by chance.
        String network = running.subnet().startsWith("10.255.200.") ? "10.255.201." : "10.255.200.";
        String huge = "x".repeat(1 << 20);
        Gateway other = new Gateway(full.url(), HttpClient.newHttpClient(), null, null, Duration.ofSeconds(10));
        long lasting = other.grant(Duration.ofHours(1));
        Keys keys = new Keys(prefix);
        for (int i = 0; i < 60; i++) {
            other.commit(new Transaction().put(keys.lease(network + i + "-32"), huge, lasting));
        }

        Host joining = start(patient, 2);

        String sentence = "its value has 1048576 bytes, and that of a lease at most 4095: delete it";
        for (Host host : List.of(running, joining)) {
            host.heard().await("both hosts", heard -> heard.subnets()
                    .containsAll(Set.of(running.subnet(), joining.subnet())));
            host.heard()
                    .await(
                            "the others' keys",
                            heard -> heard.all().stream()
                                            .filter(record -> sentence.equals(record.fault()))
                                            .count()
                                    == 60);
        }
        full.close();
    }

    @Test
    void manyHostsThatClaimAtOnceHaveOneSubnetEach() {
        IntStream.rangeClosed(1, 40).forEach(number -> start(setup, number));
        Set<String> subnets = new HashSet<>();
        hosts.forEach(host -> subnets.add(host.subnet()));
        assertEquals(40, subnets.size());
        for (Host host : hosts) {
            host.heard().await("all others", heard -> heard.subnets().equals(subnets));
            assertEquals(Set.of(host.own()), host.heard().everOwn());
        }
    }

    @Test
    void hostsThatFightForTheLastSubnetsNeverShareOne() {
        Host.Setup few = setup.overlay(Host.overlay("10.255.0.0/21", 24));
        IntStream.rangeClosed(1, 10).forEach(number -> start(few, number));
        Set<String> subnets = new HashSet<>();
        List<Host> without = new ArrayList<>();
        for (Host host : hosts) {
            String none = "no subnet in etcd for " + Host.underlay(hosts.indexOf(host) + 1)
                    + ": all 7 subnets /24 of 10.255.0.0/21 are taken; release hosts that are no more, or give the"
                    + " overlay another network";
            // A busy machine may also make a request fail, and the host asks again.
            host.heard()
                    .await(
                            "a lease or none to be had",
                            heard -> heard.own() != null || heard.failures().contains(none));
            if (host.heard().own() == null) {
                without.add(host);
            } else {
                assertTrue(subnets.add(host.subnet()), host.subnet() + " twice");
            }
        }
        assertEquals(7, subnets.size());
        assertEquals(3, without.size());
        without.get(0).heard().await("the others", heard -> heard.subnets().size() == 7);
    }

    @Test
    void hostThatFoundNoneGetsTheFirstThatIsGivenBack() {
        Host.Setup one = setup.overlay(Host.overlay("10.255.0.0/23", 24));
        Host first = start(one, 1);
        assertEquals("10.255.1.0/24", first.subnet());
        Host second = start(one, 2);
        second.heard().await("none to be had", heard -> !heard.failures().isEmpty());
        assertEquals(Set.of("10.255.1.0/24"), second.heard().subnets());
        first.source().release();
        assertEquals("10.255.1.0/24", second.subnet());
        assertEquals(1, second.heard().failures().size());
    }

    @Test
    void subnetsOfDifferentLengthsNeverOverlap() {
        Overlay[] overlays = {
            Host.overlay("10.255.0.0/19", 24), Host.overlay("10.255.0.0/19", 26), Host.overlay("10.255.0.0/19", 22)
        };
        for (int number = 1; number <= 15; number++) {
            start(setup.overlay(overlays[number % 3]), number);
        }
        List<IpPrefix> subnets = new ArrayList<>();
        for (Host host : hosts) {
            host.heard()
                    .await(
                            "a lease or none to be had",
                            heard -> heard.own() != null || !heard.failures().isEmpty());
            if (host.heard().own() != null) {
                IpPrefix subnet = host.own().subnet();
                assertTrue(subnets.stream().noneMatch(other -> Pool.overlap(subnet, other)), subnet + " in " + subnets);
                subnets.add(subnet);
            }
        }
        assertTrue(subnets.size() >= 10, subnets.toString());
    }

    @Test
    void twoSourcesOfOneHostHaveOneSubnet() {
        IntStream.rangeClosed(1, 4).forEach(i -> start(setup, 7));
        Set<String> subnets = new HashSet<>();
        hosts.forEach(host -> subnets.add(host.subnet()));
        hosts.get(0).heard().awaitConfirmed();
        assertEquals(subnets, hosts.get(0).heard().subnets());
        assertEquals(1, subnets.size());
    }

    @Test
    void whoHasNotHeardOfAnotherDaemonOfItsHostTakesNoFurtherSubnet() throws EtcdException {
        start(setup, 7).own();
        Keys keys = new Keys(prefix);
        Roster stale = new Roster(Host.OVERLAY, keys, Host.TTL);
        stale.replace(new Header("1", 1), List.of(), System.nanoTime());
        Tenure second = new Tenure(setup.config(), Host.OVERLAY, keys, Host.underlay(7), false);
        Gateway gateway = new Cluster(setup.config(), setup.tls()).member();
        assertEquals(Tenure.Outcome.CONFLICT, second.claim(gateway, stale, null));
    }

    @Test
    void peerIsKnownWellUnderASecondAfterItsClaim() {
        Host first = start(setup, 1);
        first.own();
        Host second = start(setup, 2);
        second.own();
        long claimed = System.nanoTime();
        first.heard().await("the second host", heard -> heard.subnets().contains(second.subnet()));
        long millis = (System.nanoTime() - claimed) / 1_000_000;
        assertTrue(millis < 500, millis + " ms");
    }

    @Test
    void releasedSubnetIsGoneAtOnceAndEverywhere() {
        Host first = start(setup, 1);
        Host second = start(setup, 2);
        String subnet = second.subnet();
        first.heard().await("the second host", heard -> heard.subnets().contains(subnet));
        second.source().release();
        first.heard().await("the release", heard -> !heard.subnets().contains(subnet));
        assertFalse(etcd.control("get --prefix --keys-only " + prefix).contains("10.0.0.2"));
    }

    @Test
    void hostKeepsItsSubnetOverARestart() {
        Host host = start(setup, 1);
        Host witness = start(setup, 2);
        String subnet = host.subnet();
        witness.heard().await("the host", heard -> heard.subnets().contains(subnet));
        host.close();
        assertEquals(subnet, start(setup, 1).subnet());
        assertEquals(Set.of(), witness.heard().gone());
    }

    @Test
    void subnetOfAnotherLengthIsGivenUpForOneOfTheConfiguredLength() {
        String before = start(setup, 1).subnet();
        hosts.get(0).close();
        Host host = start(setup.overlay(Host.overlay("10.255.0.0/16", 26)), 1);
        assertEquals(26, host.own().subnet().length());
        host.heard().await("the old one's end", heard -> !heard.subnets().contains(before));
    }

    @Test
    void heldSubnetThatAnotherHasIsNotTaken() {
        Host first = start(setup, 1, lease(1, "10.255.43.0/24"));
        first.own();
        Host second = start(setup, 2, lease(2, "10.255.43.0/24"));
        second.heard().await("the loss", heard -> !heard.losses().isEmpty());
        second.source().acquireAnother();
        assertNotEquals("10.255.43.0/24", second.subnet());
        assertEquals("10.255.43.0/24", first.subnet());
    }

    @Test
    void heldSubnetIsLostAfterItsExpiryThoughEtcdWasNeverReached() {
        Host.Setup cutOff =
                Host.Setup.of("/cut-off", URI.create("http://127.0.0.1:1")).expiry(Duration.ofSeconds(100));
        Host host = cutOff.start(1, lease(1, "10.255.43.0/24"), Instant.now().minusSeconds(88));
        hosts.add(host);
        assertEquals(List.of(), host.heard().losses(), "a tenth of the expiry is for what was not renewed yet");
        host.heard().await("the loss", heard -> !heard.losses().isEmpty());
        Host later = cutOff.start(2, lease(2, "10.255.44.0/24"), Instant.now().plusSeconds(500));
        hosts.add(later);
        later.heard().await("a failure", heard -> !heard.failures().isEmpty());
        assertEquals(List.of(), later.heard().losses(), "a clock that was set back cuts nobody off");
    }

    @Test
    void hostThatIsNoCellHasOneAddress() {
        Host.Setup single = setup.overlay(Host.overlay("10.255.0.0/16", 30)).onlyOneAddress();
        Set<String> addresses = new HashSet<>();
        for (int number = 1; number <= 3; number++) {
            addresses.add(start(single, number).subnet());
        }
        assertEquals(Set.of("10.255.0.1/32", "10.255.0.2/32", "10.255.0.3/32"), addresses);
        start(single, 4).heard().await("none to be had", heard -> !heard.failures()
                .isEmpty());
    }

    @Test
    void deadHostGoesAfterItsTtlButItsSubnetStaysTaken() {
        Host.Setup two = setup.overlay(Host.overlay("10.254.0.0/22", 24));
        Host witness = start(two, 1);
        Host dead = start(two, 2);
        String subnet = dead.subnet();
        witness.heard().await("the other", heard -> heard.subnets().contains(subnet));
        dead.close();
        witness.heard().await("its end", heard -> !heard.subnets().contains(subnet));
        Host third = start(two, 3);
        assertNotEquals(subnet, third.subnet());
        start(two, 4).heard().await("none to be had", heard -> !heard.failures().isEmpty());
        assertEquals(subnet, start(two, 2).subnet());
        witness.heard().await("its return", heard -> heard.subnets().contains(subnet));
    }

    @Test
    void whatSomebodyDeletedIsWrittenAgain() {
        Host host = start(setup, 1);
        Host witness = start(setup, 2);
        String name = Keys.name(host.own().subnet());
        witness.heard().await("the other", heard -> heard.subnets().contains(host.subnet()));
        etcd.control("del " + prefix + "/leases/" + name);
        witness.heard()
                .await(
                        "its return",
                        heard -> !heard.gone().isEmpty() && heard.subnets().contains(host.subnet()));
        etcd.control("del " + prefix + "/alive/" + name);
        host.heard().await("its being alive", heard -> !value("/alive/" + name).isEmpty());
        assertEquals(Set.of(host.own()), host.heard().everOwn());
        assertEquals(List.of(), host.heard().losses());
    }

    @Test
    void claimSurvivesThatEtcdEndedWhatItWasGranted() throws EtcdException {
        Keys keys = new Keys(prefix);
        Gateway gateway = new Cluster(setup.config(), null).member();
        Roster roster = new Roster(Host.OVERLAY, keys, Host.TTL);
        Tenure tenure = new Tenure(setup.config(), Host.OVERLAY, keys, Host.underlay(1), false);
        Gateway.Listing nothing = gateway.list(keys.followed(), roster.newcomers());
        roster.replace(nothing.header(), nothing.keys(), System.nanoTime());
        assertEquals(Tenure.Outcome.HELD, tenure.claim(gateway, roster, null));
        // Those of other tests end meanwhile, by themselves.
        gateway.list(keys.followed(), roster.newcomers()).keys().stream()
                .map(KeyValue::lease)
                .distinct()
                .forEach(lease -> etcd.control("lease revoke " + Long.toHexString(lease)));
        assertEquals(Tenure.Outcome.CONFLICT, tenure.claim(gateway, roster, null));
        assertEquals(Tenure.Outcome.HELD, tenure.claim(gateway, roster, null));
    }

    @Test
    void subnetThatIsGivenToAnotherIsLost() {
        Host host = start(setup, 1);
        Lease lease = host.own();
        String key = prefix + "/leases/" + Keys.name(lease.subnet());
        etcd.control("put " + key + " " + Keys.value(new Lease(Host.underlay(99), lease.subnet(), lease.mac())));
        host.heard().await("the loss", heard -> !heard.losses().isEmpty());
        assertEquals(
                List.of(lease.subnetText() + " is no longer this host's: etcd key " + key + " gives it to 10.0.0.99"),
                host.heard().losses());
        host.heard().await("no lease", heard -> heard.own() == null);
        host.source().acquireAnother();
        assertNotEquals(lease.subnetText(), host.subnet());
    }

    @Test
    void garbageIsNamedAndDisturbsNothing() {
        Host host = start(setup, 1, lease(1, "10.255.43.0/24"));
        host.own();
        etcd.control("put " + prefix + "/leases/10.255.7.0-24 garbage");
        etcd.control(
                "put " + prefix + "/leases/10.255.8.0-24 {\"underlay_ip\":[1],\"overlay_subnet\":\"10.255.8.0/24\"}");
        etcd.control("put " + prefix + "/leases/nonsense " + Keys.value(lease(5, "10.255.9.0/24")));
        etcd.control("put " + prefix + "/alive/nonsense {");
        etcd.control("put " + prefix + "/between 1");
        Host second = start(setup, 2);
        second.own();
        host.heard().await("garbage and the second", heard -> heard.all().size() == 5);
        LeaseTable table = LeaseTable.of(Host.OVERLAY, host.own(), host.heard().all());
        assertEquals(2, table.leases().size());
        assertEquals(
                List.of(
                        "etcd key " + prefix + "/leases/10.255.7.0-24: underlay_ip is missing",
                        "etcd key " + prefix + "/leases/10.255.8.0-24: underlay_ip is missing",
                        "etcd key " + prefix + "/leases/nonsense: \"10.255.9.0/24 (its key says otherwise)\" is not a"
                                + " prefix such as 10.255.0.0/16"),
                table.skipped().stream().map(LeaseTable.Skipped::reason).toList());
    }

    @Test
    void compactionIsNoMatter() {
        Host host = start(setup, 1);
        host.own();
        etcd.control("put /elsewhere 1");
        String put = etcd.control("put /elsewhere 2 --write-out=fields");
        String revision = put.lines()
                .filter(line -> line.startsWith("\"Revision\""))
                .findFirst()
                .orElseThrow()
                .replaceAll("\\D", "");
        etcd.control("compact " + revision);
        Host second = start(setup, 2);
        host.heard().await("the second host", heard -> heard.subnets().contains(second.subnet()));
        assertEquals(List.of(), host.heard().failures());
    }

    @Test
    void memberThatIsNotThereIsPassedOver() {
        Host.Setup oneIsWrong = Host.Setup.of(prefix, URI.create("http://127.0.0.1:1"), etcd.url());
        IntStream.rangeClosed(1, 6).forEach(number -> start(oneIsWrong, number));
        for (Host host : hosts) {
            host.own();
            assertEquals(List.of(), host.heard().failures());
        }
    }

    @Test
    void reasonsAreSaidOnceAndNameTheMembers() {
        Host host = start(
                Host.Setup.of(prefix, URI.create("http://127.0.0.1:1"), URI.create("http://no.such.name.invalid:2379")),
                1);
        host.heard().await("the failure", heard -> !heard.failures().isEmpty());
        host.source().refresh();
        host.source().refresh();
        assertNull(host.heard().own());
        assertEquals(
                List.of("etcd cannot be used: http://127.0.0.1:1 refuses the connection: nothing listens there;"
                        + " the name in http://no.such.name.invalid:2379 is not known to this host's resolver"),
                host.heard().failures());
    }
}
