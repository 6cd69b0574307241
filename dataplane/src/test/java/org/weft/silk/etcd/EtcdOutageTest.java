package org.weft.silk.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.operator.OperatorException;
import org.weft.silk.lease.Lease;
import org.weft.testing.EtcdServer;
import org.weft.testing.RequiresEtcd;

/** One etcd that dies, stands still, forgets, or is out of reach. */
@RequiresEtcd
class EtcdOutageTest {
    private static final Duration LONGER_THAN_TTL = Host.TTL.plusMillis(800);

    @TempDir
    private Path directory;

    private final List<Host> hosts = new ArrayList<>();
    private EtcdServer etcd;
    private Host.Setup setup;

    @BeforeEach
    void startEtcd() {
        etcd = EtcdServer.start(directory);
        setup = Host.Setup.of("/weft", etcd.url());
    }

    @AfterEach
    void endEtcd() {
        hosts.forEach(Host::close);
        etcd.close();
    }

    private Host start(int number) {
        return start(setup, number);
    }

    private Host start(Host.Setup of, int number) {
        Host host = of.start(number);
        hosts.add(host);
        return host;
    }

    /** Starts hosts and waits until each knows all. */
    private Map<Host, Lease> startThree() {
        Map<Host, Lease> leases = new HashMap<>();
        for (int number = 1; number <= 3; number++) {
            Host host = start(number);
            leases.put(host, host.own());
        }
        awaitAll(leases);
        return leases;
    }

    private static void awaitAll(Map<Host, Lease> leases) {
        Set<String> subnets = new TreeSet<>();
        leases.values().forEach(lease -> subnets.add(lease.subnetText()));
        leases.keySet().forEach(host -> host.heard()
                .await("all hosts", heard -> heard.subnets().containsAll(subnets)));
    }

    private static void assertUndisturbed(Map<Host, Lease> leases) {
        leases.forEach((host, lease) -> {
            assertEquals(Set.of(), host.heard().gone());
            assertEquals(Set.of(lease), host.heard().everOwn());
            assertEquals(List.of(), host.heard().losses());
        });
    }

    private static void awaitFailed(Host host) {
        host.heard().await("the failure", heard -> !heard.failures().isEmpty());
    }

    /** The one thing that can only be waited for is that time passes at etcd. */
    private static void pass(Duration duration) throws InterruptedException {
        Thread.sleep(duration.toMillis());
    }

    @Test
    void killedEtcdLeavesEverythingAsItWasAndTheDeadGoAfterItsReturn() throws InterruptedException {
        Map<Host, Lease> leases = startThree();
        Host dead = start(9);
        leases.keySet().forEach(host -> host.heard()
                .await("the fourth", heard -> heard.subnets().contains(dead.subnet())));
        etcd.kill();
        leases.keySet().forEach(EtcdOutageTest::awaitFailed);
        dead.close();
        pass(Host.TTL.dividedBy(2));
        assertUndisturbed(leases);
        etcd.start();
        leases.keySet().forEach(host -> host.heard().awaitConfirmed());
        Host late = start(4);
        leases.put(late, late.own());
        awaitAll(leases);
        leases.remove(late);
        leases.keySet().forEach(host -> host.heard()
                .await("the dead one's end", heard -> !heard.gone().isEmpty()));
        leases.forEach((host, lease) -> {
            assertEquals(Set.of(dead.subnet()), host.heard().gone());
            assertEquals(Set.of(lease), host.heard().everOwn());
            assertEquals(
                    List.of("etcd cannot be used: " + etcd.url() + " refuses the connection: nothing listens there"),
                    host.heard().failures().stream()
                            .filter(failure -> failure.endsWith("nothing listens there"))
                            .toList());
        });
    }

    @Test
    void etcdThatStoodStillForLongerThanTheTtlTakesNobodyAway() throws InterruptedException {
        try (Wire wire = new Wire(etcd.url())) {
            Map<Host, Lease> leases = startThree();
            Host slow = start(Host.Setup.of("/weft", wire.url()), 5);
            leases.put(slow, slow.own());
            awaitAll(leases);
            etcd.pause();
            long start = System.nanoTime();
            leases.keySet().forEach(EtcdOutageTest::awaitFailed);
            long detected = (System.nanoTime() - start) / 1_000_000;
            assertTrue(detected < 4 * Host.TIMEOUT.toMillis(), detected + " ms");
            Host late = start(4);
            pass(LONGER_THAN_TTL.minusMillis(detected));
            assertUndisturbed(leases);
            wire.cut();
            etcd.resume();
            late.own();
            pass(Host.TTL.dividedBy(2)); // while the slow one is not alive for etcd
            wire.mend();
            leases.keySet().forEach(host -> host.heard().awaitConfirmed());
            leases.put(late, late.own());
            awaitAll(leases);
            pass(Host.TTL.plusMillis(1000)); // until nobody doubts any more
            assertUndisturbed(leases);
            awaitAll(leases);
        }
    }

    @Test
    void etcdThatForgotEverythingIsToldAgain() {
        Map<Host, Lease> leases = startThree();
        etcd.kill();
        etcd.wipe();
        etcd.start();
        for (Host host : leases.keySet()) {
            Lease lease = leases.get(host);
            String key = "/weft/leases/" + Keys.name(lease.subnet());
            host.heard()
                    .await(
                            "its key",
                            heard ->
                                    isListening() && !etcd.control("get " + key).isEmpty());
        }
        leases.keySet().forEach(host -> host.heard().awaitConfirmed());
        assertUndisturbed(leases);
    }

    private boolean isListening() {
        etcd.awaitListening();
        return true;
    }

    @Test
    void hostThatIsCutOffKnowsWhatItKnewAndHasItsSubnetAfterwards() {
        try (Wire wire = new Wire(etcd.url())) {
            Host cut = start(Host.Setup.of("/weft", wire.url()), 1);
            Host witness = start(2);
            String subnet = cut.subnet();
            cut.heard().await("the other", heard -> heard.subnets().contains(witness.subnet()));
            witness.heard().await("the other", heard -> heard.subnets().contains(subnet));
            wire.cut();
            awaitFailed(cut);
            witness.heard().await("the end of its ttl", heard -> heard.gone().contains(subnet));
            assertEquals(Set.of(), cut.heard().gone());
            etcd.control("put /elsewhere 1");
            compactAll();
            Host late = start(3);
            assertNotEquals(subnet, late.subnet());
            wire.mend();
            cut.heard().await("what it missed", heard -> heard.subnets().contains(late.subnet()));
            witness.heard().await("its return", heard -> heard.subnets().contains(subnet));
            assertEquals(Set.of(cut.own()), cut.heard().everOwn());
            assertEquals(Set.of(), cut.heard().gone());
        }
    }

    private void compactAll() {
        String status = etcd.control("endpoint status --write-out=fields");
        String revision = status.lines()
                .filter(line -> line.startsWith("\"Revision\""))
                .findFirst()
                .orElseThrow()
                .replaceAll("\\D", "");
        etcd.control("compact " + revision);
    }

    @Test
    void leaseThatCannotBeRenewedForItsExpiryIsLostAndAnotherIsToBeHad() {
        Host host = start(setup.expiry(Duration.ofSeconds(2)), 1);
        Lease lease = host.own();
        etcd.kill();
        host.heard().await("the loss", heard -> !heard.losses().isEmpty());
        assertEquals(
                List.of(lease.subnetText()
                        + " could not be renewed in etcd for its expiry of 2 s: another host may have it by now"),
                host.heard().losses());
        assertFalse(host.heard().failures().isEmpty());
        host.source().acquireAnother();
        etcd.start();
        int before = host.heard().reports();
        host.heard().await("another", heard -> heard.reports() > before && heard.own() != null);
    }

    @Test
    void releaseSaysThatEtcdDoesNotTakeItAndCanBeTriedAgain() {
        Host host = start(1);
        host.own();
        etcd.pause();
        OperatorException refused =
                assertThrows(OperatorException.class, () -> host.source().release());
        assertEquals(
                "the lease was not given back to etcd (" + etcd.url()
                        + " does not answer within 500 ms); release it again,"
                        + " or it stays this host's for 604800 s",
                refused.getMessage());
        etcd.resume();
        host.source().release();
        assertEquals("", etcd.control("get --prefix /weft"));
    }
}
