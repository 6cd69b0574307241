package org.weft.silk.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.LeaseRecord;

class RosterTest {
    private static final long SECOND = 1_000_000_000;

    private final Keys keys = new Keys("/weft");
    private final Roster roster = new Roster(Host.OVERLAY, keys, Duration.ofSeconds(1));

    /** Close to where nanoTime overflows. */
    private final long start = Long.MAX_VALUE - SECOND;

    private static Lease lease(int host) {
        return new Lease(
                Host.underlay(host),
                new IpPrefix(IpAddress.ofIpv4(0x0aff_0000 + (host << 8)), 24),
                0xeeee_0aff_0000L + (host << 8));
    }

    private KeyValue leaseKey(int host, long revision) {
        return new KeyValue(keys.lease(name(host)), Keys.value(lease(host)), revision, 1);
    }

    private KeyValue aliveKey(int host, long revision) {
        return new KeyValue(keys.alive(name(host)), "", revision, 1);
    }

    private static String name(int host) {
        return Keys.name(lease(host).subnet());
    }

    private void list(String cluster, long revision, int... hosts) {
        List<KeyValue> all = new ArrayList<>();
        for (int host : hosts) {
            all.add(leaseKey(host, 1));
            all.add(aliveKey(host, 1));
        }
        roster.replace(new Header(cluster, revision), all, start);
    }

    private void put(KeyValue kv) {
        roster.apply(new WatchStream.Change(kv, false), start);
    }

    private void delete(KeyValue kv, long at) {
        roster.apply(new WatchStream.Change(kv, true), start + at);
    }

    @Test
    void doesNotKeepAnyNumberOfKeysThatAreNoSubnets() {
        list("a", 1, 1);
        for (int i = 0; i < 1500; i++) {
            put(new KeyValue(keys.lease("junk" + i), "{}", 2 + i, 1));
            put(new KeyValue(keys.alive("junk" + i), "", 2 + i, 1));
        }
        put(leaseKey(2, 2000));
        put(aliveKey(2, 2000));

        assertEquals(1002, roster.records().size());
        assertEquals(1004, roster.size(), "with two that are alive");
        for (int i = 0; i < 1500; i++) {
            delete(new KeyValue(keys.lease("junk" + i), "", 3000 + i, 0), 0);
        }
        put(new KeyValue(keys.lease("junk"), "{}", 5000, 1));
        assertEquals(3, roster.records().size(), "there is room for others again");
    }

    private List<String> underlays() {
        return roster.records().stream().map(LeaseRecord::underlayIp).toList();
    }

    @Test
    void whoIsNotAliveGoesAfterTheReprieve() {
        list("1", 5, 1, 2);
        delete(aliveKey(1, 6), 0);
        assertEquals(SECOND, roster.untilLapse(start));
        roster.lapse(start + SECOND - 1);
        assertEquals(List.of("10.0.0.1", "10.0.0.2"), underlays());
        roster.lapse(start + SECOND);
        assertEquals(List.of("10.0.0.2"), underlays());
        put(aliveKey(1, 7));
        assertEquals(List.of("10.0.0.1", "10.0.0.2"), underlays());
    }

    @Test
    void whoIsAliveAgainInTimeStays() {
        list("1", 5, 1);
        delete(aliveKey(1, 6), 0);
        put(aliveKey(1, 7));
        roster.lapse(start + 9 * SECOND);
        assertEquals(List.of("10.0.0.1"), underlays());
        assertEquals(Long.MAX_VALUE, roster.untilLapse(start));
    }

    @Test
    void doubtKeepsWhoIsNotAliveButNotWhoGaveItsSubnetBack() {
        list("1", 5, 1, 2);
        roster.doubt(start + 5 * SECOND);
        roster.doubt(start + 3 * SECOND);
        delete(aliveKey(1, 6), 0);
        delete(aliveKey(2, 7), 0);
        delete(leaseKey(2, 7), 0);
        roster.lapse(start + 4 * SECOND);
        assertEquals(List.of("10.0.0.1"), underlays());
        roster.lapse(start + 5 * SECOND);
        assertEquals(List.of(), underlays());
    }

    @Test
    void hostsThatAreNotAliveCountAtFirstButNotAgainAfterTheyWereFoundDead() {
        roster.doubt(start + 2 * SECOND);
        roster.replace(new Header("1", 5), List.of(leaseKey(1, 1)), start);
        assertEquals(List.of("10.0.0.1"), underlays());
        roster.lapse(start + 2 * SECOND);
        assertEquals(List.of(), underlays());
        roster.replace(new Header("1", 6), List.of(leaseKey(1, 1)), start);
        assertEquals(List.of(), underlays());
    }

    @Test
    void storeThatBeginsAnewTakesNobodyAwayUntilTheDoubtEnds() {
        list("1", 5, 1, 2, 3);
        roster.doubt(start + 2 * SECOND);
        list("2", 3, 2);
        assertEquals(List.of("10.0.0.2", "10.0.0.1", "10.0.0.3"), underlays());
        put(leaseKey(3, 4));
        put(aliveKey(3, 4));
        roster.lapse(start + 2 * SECOND);
        assertEquals(List.of("10.0.0.2", "10.0.0.3"), underlays());
    }

    @Test
    void listOfTheSameStoreTakesAtOnceWhoGaveItsSubnetBack() {
        list("1", 5, 1, 2);
        roster.doubt(start + 2 * SECOND);
        list("1", 9, 2);
        assertEquals(List.of("10.0.0.2"), underlays());
    }

    @Test
    void orderOfTheKeysOfOneTransactionIsNoMatter() {
        list("1", 5);
        put(aliveKey(1, 6));
        assertEquals(List.of(), underlays());
        put(leaseKey(1, 6));
        assertEquals(List.of("10.0.0.1"), underlays());
        delete(aliveKey(1, 7), 0);
        delete(leaseKey(1, 7), 0);
        roster.lapse(start + SECOND);
        put(leaseKey(1, 8));
        assertEquals(List.of(), underlays());
        put(aliveKey(1, 8));
        assertEquals(List.of("10.0.0.1"), underlays());
    }

    @Test
    void subnetThatMovedToAnotherHostIsThatHosts() {
        list("1", 5, 1);
        Lease moved = new Lease(IpPrefix.parse("10.0.0.9").address(), lease(1).subnet(), lease(1).mac());
        put(new KeyValue(keys.lease(name(1)), Keys.value(moved), 6, 2));
        assertEquals(List.of("10.0.0.9"), underlays());
    }
}
