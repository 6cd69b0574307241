package org.weft.dataplane.io.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.io.Errno;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;
import org.weft.testing.Commands;
import org.weft.testing.OpenFiles;
import org.weft.testing.RequiresRoot;

/** Compares addresses and neighbours of a device with those that {@code ip} makes and shows. */
@RequiresRoot
class RtnetlinkIT {
    private static final IpPrefix IPV4 = IpPrefix.parse("198.18.255.1/20");
    private static final IpPrefix IPV6 = IpPrefix.parse("2001:2:0:ffff::1/64");
    private static final long MAC = MacAddress.parse("ee:ee:0a:ff:84:00");

    private final TapHost host = new TapHost();
    private final Rtnetlink kernel = Rtnetlink.of(host.name);

    @AfterEach
    void close() {
        kernel.close();
        host.close();
    }

    private String ip(String words) {
        return Commands.run("ip " + words + " dev " + host.name);
    }

    @Test
    void givesAnAddressAsIpAddressDoes() {
        kernel.replaceAddress(IPV4);
        kernel.replaceAddress(IPV4);
        kernel.replaceAddress(IPV6);

        String ipv4 = ip("-4 -oneline address show");
        assertTrue(ipv4.contains("inet 198.18.255.1/20 scope link " + host.name), ipv4);
        assertEquals(1, ipv4.split("198.18.255.1/20", -1).length - 1, ipv4);
        String ipv6 = ip("-6 -oneline address show");
        assertTrue(ipv6.contains("inet6 2001:2:0:ffff::1/64 scope global nodad"), ipv6);
        assertFalse(ipv6.contains("2001:2:0:ffff::1/64 scope global tentative"), ipv6);
    }

    @Test
    void listsTheAddressesOfOneDevice() {
        List<IpPrefix> expected = new ArrayList<>(List.of(new IpPrefix(host.local, 30), new IpPrefix(host.local6, 64)));
        assertEquals(expected, global());
        kernel.replaceAddress(IPV4);
        kernel.removeAddress(new IpPrefix(host.local, 30));
        kernel.removeAddress(new IpPrefix(host.local6, 64));
        assertEquals(List.of(IPV4), global());
    }

    private List<IpPrefix> global() {
        return kernel.addresses().stream()
                .filter(prefix -> !prefix.address().toString().startsWith("fe80:"))
                .toList();
    }

    /**
     * Addresses of some 60 bytes each take more than one message of an answer, and more than one
     * read.
     */
    @Test
    void listsMoreAddressesThanOneAnswerHolds() {
        List<IpPrefix> many = new ArrayList<>();
        for (int i = 1; i <= 600; i++) {
            many.add(IpPrefix.parse("198.18.%d.%d/32".formatted(200 + (i >> 8), i & 0xff)));
        }
        many.forEach(kernel::replaceAddress);
        assertTrue(kernel.addresses().containsAll(many));
        many.forEach(kernel::removeAddress);
        assertEquals(List.of(new IpPrefix(host.local, 30), new IpPrefix(host.local6, 64)), global());
    }

    @Test
    void keepsNeighboursAsIpNeighbourDoes() {
        IpAddress ipv4 = host.neighbour;
        IpAddress ipv6 = IpAddress.parse("2001:2:0:ffff::2");
        kernel.replaceNeighbour(ipv4, MAC);
        kernel.replaceNeighbour(ipv6, MAC);
        String shown = ip("neighbour show nud permanent");
        for (IpAddress address : List.of(ipv4, ipv6)) {
            assertTrue(shown.contains(address + " lladdr ee:ee:0a:ff:84:00 PERMANENT"), shown);
        }
        kernel.removeNeighbour(ipv4);
        kernel.removeNeighbour(ipv6);
        assertFalse(ip("neighbour show nud permanent").contains("ee:ee:0a:ff:84:00"));
    }

    @Test
    void tellsTheKindOfADeviceAndRemovesIt() {
        assertEquals("tun", kernel.kind());
        try (Rtnetlink loopback = Rtnetlink.of("lo")) {
            assertEquals("", loopback.kind());
        }
        kernel.remove();
        assertFalse(Link.of(host.name).exists());
    }

    @Test
    void saysWhatTheKernelSays() {
        LinuxException absent = assertThrows(LinuxException.class, () -> kernel.removeAddress(IPV4));
        assertEquals(Errno.EADDRNOTAVAIL, absent.errno());
        assertTrue(
                absent.getMessage().startsWith("RTM_DELADDR 198.18.255.1/20 on " + host.name + ": EADDRNOTAVAIL ("),
                absent.getMessage());
        assertTrue(absent.getMessage().endsWith("): ipv4: Address not found"), absent.getMessage());

        LinuxException unknown =
                assertThrows(LinuxException.class, () -> kernel.removeNeighbour(IpAddress.parse("198.18.255.9")));
        assertEquals(Errno.ENOENT, unknown.errno());
        assertEquals(
                Errno.ENODEV,
                assertThrows(LinuxException.class, () -> Rtnetlink.of("no-such-dev"))
                        .errno());
    }

    @Test
    void leavesNoDescriptorOpen() {
        Map<String, String> before = OpenFiles.now();
        try (Rtnetlink other = Rtnetlink.of(host.name)) {
            other.addresses();
        }
        assertEquals(before, OpenFiles.now());
    }
}
