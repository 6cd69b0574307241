package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.NetworkInterface;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.io.Errno;
import org.weft.encap.IpAddress;
import org.weft.testing.OpenFiles;

class LinkTest {
    private final Link loopback = Link.of("lo");

    @Test
    void showsTheLoopbackInterface() throws Exception {
        NetworkInterface expected = NetworkInterface.getByName("lo");
        assertTrue(loopback.exists());
        assertEquals(expected.getIndex(), loopback.index());
        assertEquals(expected.getMTU(), loopback.mtu());
        assertEquals(expected.isUp(), loopback.up());
        assertTrue(loopback.running());
        assertEquals(0, loopback.mac());
    }

    @Test
    void saysThatThereIsNoSuchInterface() {
        Link missing = Link.of("weft-missing");
        assertFalse(missing.exists());
        LinuxException e = assertThrows(LinuxException.class, missing::mtu);
        assertEquals(Errno.ENODEV, e.errno());
        assertEquals(
                "SIOCGIFMTU weft-missing: ENODEV (No such device):"
                        + " there is no such interface in this network namespace",
                e.getMessage());
    }

    @Test
    void refusesNamesThatNoInterfaceCanHave() {
        for (String name : new String[] {"", "sixteen-letters-", "a b", "a/b", "a:1", "straße"}) {
            assertThrows(IllegalArgumentException.class, () -> Link.of(name), name);
        }
        assertEquals("fifteen-letters", Link.of("fifteen-letters").name());
    }

    @Test
    void findsTheInterfaceOfAnAddress() {
        assertEquals("lo", Link.nameOfAddress(IpAddress.parse("127.0.0.1")));
        assertNull(Link.nameOfAddress(IpAddress.parse("192.0.2.77")));
    }

    @Test
    void leavesNothingOpen() {
        Map<String, String> before = OpenFiles.now();
        loopback.mtu();
        Link.of("weft-missing").exists();
        assertEquals(before, OpenFiles.now());
    }
}
