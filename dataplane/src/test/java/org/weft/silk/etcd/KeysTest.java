package org.weft.silk.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.silk.lease.SilkNames;

class KeysTest {
    private final Keys keys = new Keys("/weft");

    @Test
    void onlyExactNamesAreSubnets() {
        assertEquals(IpPrefix.parse("10.255.43.0/24"), Keys.subnet("10.255.43.0-24"));
        for (String name : List.of("", "-", "10.255.43.0", "10.255.43.0-024", "10.255.43.0/24", "fd00::-64", "x-1")) {
            assertNull(Keys.subnet(name), name);
        }
    }

    @Test
    void rangesHoldTheKeysOfAllSubnetsWithinAndContainersThoseAround() {
        Random random = new Random(3);
        for (int i = 0; i < 20_000; i++) {
            IpPrefix outer = subnet(random, 9 + random.nextInt(24));
            int address = outer.address().ipv4() | (outer.length() == 32 ? 0 : random.nextInt() >>> outer.length());
            IpPrefix inner = network(address, outer.length() + random.nextInt(33 - outer.length()));
            String key = keys.lease(Keys.name(inner));
            assertTrue(
                    keys.within(outer).stream()
                            .anyMatch(range -> range.first().compareTo(key) <= 0 && key.compareTo(range.end()) < 0),
                    inner + " in " + outer);
            if (!inner.equals(outer)) {
                assertTrue(keys.containing(inner, 8).contains(keys.lease(Keys.name(outer))), outer + " of " + inner);
            }
        }
    }

    @Test
    void transactionsStayBelowTheLimitOfEtcd() {
        for (int length = 9; length <= 32; length++) {
            IpPrefix subnet = subnet(new Random(length), length);
            int conditions =
                    keys.within(subnet).size() + keys.containing(subnet, 8).size() + 3;
            assertTrue(conditions <= 128, conditions + " for " + subnet); // etcd: --max-txn-ops
        }
    }

    private static IpPrefix subnet(Random random, int length) {
        return network(random.nextInt(), length);
    }

    private static IpPrefix network(int address, int length) {
        return new IpPrefix(SilkNames.base(new IpPrefix(IpAddress.ofIpv4(address), length)), length);
    }
}
