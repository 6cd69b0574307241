package org.weft.silk.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.weft.encap.IpPrefix;
import org.weft.silk.lease.Overlay;

class PoolTest {
    private static final Overlay TWO =
            new Overlay(List.of(IpPrefix.parse("10.255.0.0/16"), IpPrefix.parse("10.250.0.0/23")), 24);

    private final Random random = new Random(7);

    private List<IpPrefix> pickAll(Pool pool) {
        List<IpPrefix> picked = new ArrayList<>();
        for (IpPrefix subnet = pool.pick(picked, random.nextDouble());
                subnet != null;
                subnet = pool.pick(picked, random.nextDouble())) {
            assertTrue(pool.contains(subnet), subnet.toString());
            picked.add(subnet);
        }
        return picked;
    }

    @Test
    void cellsGetAllBlocksButTheFirstOfEachNetwork() {
        Set<IpPrefix> picked = new HashSet<>(pickAll(new Pool(TWO, false)));
        assertEquals(256, picked.size());
        assertTrue(picked.contains(IpPrefix.parse("10.250.1.0/24")));
        assertFalse(picked.contains(IpPrefix.parse("10.250.0.0/24")));
        assertFalse(picked.contains(IpPrefix.parse("10.255.0.0/24")));
    }

    @Test
    void otherHostsGetAddressesOfTheFirstBlockOfTheFirstNetwork() {
        Pool pool = new Pool(TWO, true);
        Set<IpPrefix> picked = new HashSet<>(pickAll(pool));
        assertEquals(255, picked.size());
        assertTrue(picked.contains(IpPrefix.parse("10.255.0.255/32")));
        assertFalse(pool.contains(IpPrefix.parse("10.255.0.0/32")));
        assertFalse(pool.contains(IpPrefix.parse("10.255.1.1/32")));
        assertFalse(pool.contains(IpPrefix.parse("10.250.0.1/32")));
    }

    @Test
    void nothingIsPickedThatOverlapsALargerOrSmallerSubnet() {
        Pool pool = new Pool(Host.overlay("10.255.0.0/21", 24), false);
        List<IpPrefix> taken = List.of(
                IpPrefix.parse("10.255.4.0/22"),
                IpPrefix.parse("10.255.5.0/24"),
                IpPrefix.parse("10.255.2.128/25"),
                IpPrefix.parse("10.255.3.255/32"));
        for (int i = 0; i < 20; i++) {
            assertEquals(IpPrefix.parse("10.255.1.0/24"), pool.pick(taken, random.nextDouble()));
        }
        assertNull(new Pool(Host.overlay("10.255.0.0/22", 24), false).pick(List.of(IpPrefix.parse("10.0.0.0/8")), 0.5));
    }

    @Test
    void subnetsThatAreNotInThePoolAreNot() {
        Pool pool = new Pool(TWO, false);
        for (String subnet :
                List.of("10.255.30.10/24", "10.255.30.0/20", "10.254.1.0/24", "10.255.0.0/24", "10.255.1.1/32")) {
            assertFalse(pool.contains(IpPrefix.parse(subnet)), subnet);
        }
    }
}
