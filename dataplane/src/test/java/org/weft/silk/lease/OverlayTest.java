package org.weft.silk.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

class OverlayTest {
    private static final IpPrefix FIRST = IpPrefix.parse("10.255.0.0/16");
    private static final IpPrefix SECOND = IpPrefix.parse("10.253.128.0/17");
    private static final Overlay OVERLAY = new Overlay(List.of(FIRST, SECOND), 24);

    @Test
    void findsTheNetworkOfAnAddress() {
        assertEquals(FIRST, OVERLAY.networkOf(IpAddress.parse("10.255.0.0")));
        assertEquals(FIRST, OVERLAY.networkOf(IpAddress.parse("10.255.255.255")));
        assertEquals(SECOND, OVERLAY.networkOf(IpAddress.parse("10.253.128.0")));
        assertTrue(OVERLAY.contains(IpAddress.parse("10.253.255.255")));
    }

    @Test
    void knowsWhatIsOutside() {
        for (String text : List.of("10.254.255.255", "11.0.0.0", "10.253.127.255", "10.254.0.0", "fd00::1")) {
            assertNull(OVERLAY.networkOf(IpAddress.parse(text)), text);
            assertFalse(OVERLAY.contains(IpAddress.parse(text)), text);
        }
    }

    @Test
    void everyIpv4AddressIsInANetworkOfLength0() {
        IpPrefix all = IpPrefix.parse("0.0.0.0/0");

        assertTrue(Overlay.contains(all, IpAddress.parse("255.255.255.255")));
        assertFalse(Overlay.contains(all, IpAddress.parse("::1")));
    }

    @Test
    void keepsItsNetworksWhateverBecomesOfTheList() {
        List<IpPrefix> networks = new ArrayList<>(List.of(FIRST));
        Overlay overlay = new Overlay(networks, 24);
        networks.clear();

        assertEquals(List.of(FIRST), overlay.networks());
    }
}
