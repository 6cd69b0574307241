package org.weft.silk.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.encap.MacAddress;

class SilkNamesTest {
    /** The containers of the specification, of its listings and of its captures. */
    @ParameterizedTest
    @CsvSource({
        "10.255.108.184, s-010255108184, ee:ee:0a:ff:6c:b8, aa:aa:0a:ff:6c:b8",
        "10.255.99.3, s-010255099003, ee:ee:0a:ff:63:03, aa:aa:0a:ff:63:03",
        "10.255.132.2, s-010255132002, ee:ee:0a:ff:84:02, aa:aa:0a:ff:84:02"
    })
    void derivesWhatTheSpecificationShowsOfContainers(String address, String veth, String inside, String outside) {
        IpAddress container = IpAddress.parse(address);

        assertEquals(veth, SilkNames.veth(container));
        assertEquals(inside, MacAddress.toString(SilkNames.containerMac(container)));
        assertEquals(outside, MacAddress.toString(SilkNames.vethMac(container)));
        assertEquals(container, SilkNames.containerOfVeth(veth));
        assertEquals(container, SilkNames.addressOfMac(MacAddress.parse(inside)));
    }

    /** The VTEPs of the specification; of the one in 10.244.126.0 it shows the MAC address only. */
    @ParameterizedTest
    @CsvSource({
        "10.255.43.0/24, 10.255.43.0, ee:ee:0a:ff:2b:00",
        "10.244.126.0/24, 10.244.126.0, ee:ee:0a:f4:7e:00",
        "10.255.99.0/24, 10.255.99.0, ee:ee:0a:ff:63:00",
        "10.255.132.0/24, 10.255.132.0, ee:ee:0a:ff:84:00",
        "10.255.43.6/24, 10.255.43.0, ee:ee:0a:ff:2b:00",
        "10.255.43.129/25, 10.255.43.128, ee:ee:0a:ff:2b:80",
        "10.255.0.7/32, 10.255.0.7, ee:ee:0a:ff:00:07"
    })
    void derivesWhatTheSpecificationShowsOfVteps(String text, String base, String mac) {
        IpPrefix subnet = IpPrefix.parse(text);

        assertEquals(IpAddress.parse(base), SilkNames.base(subnet));
        assertEquals(mac, MacAddress.toString(SilkNames.vtepMac(subnet)));
        assertEquals(IpAddress.parse(base), SilkNames.addressOfMac(MacAddress.parse(mac)));
    }

    @Test
    void knowsTheGatewayOfContainers() {
        assertEquals("169.254.0.1", SilkNames.GATEWAY.toString());
    }

    @Test
    void findsAnyAddressAgain() {
        Random random = new Random(4);
        for (int i = 0; i < 10_000; i++) {
            IpAddress address = IpAddress.ofIpv4(random.nextInt());

            assertEquals(14, SilkNames.veth(address).length());
            assertEquals(address, SilkNames.containerOfVeth(SilkNames.veth(address)));
            assertEquals(address, SilkNames.addressOfMac(SilkNames.containerMac(address)));
            assertEquals(IpAddress.ofIpv4(0), SilkNames.base(new IpPrefix(address, 0)));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "s-",
                "eth0",
                "c-010255108184",
                "s-01025510818",
                "s-0102551081840",
                "s-010256108184",
                "s-010255108999",
                "s-01025510818x",
                "S-010255108184",
                "s-010 55108184",
                "s-010255108184\n"
            })
    void knowsNoContainerOfOtherNames(String name) {
        assertNull(SilkNames.containerOfVeth(name));
    }

    @ParameterizedTest
    @ValueSource(strings = {"00:00:0a:ff:6c:b8", "ee:aa:0a:ff:6c:b8", "ff:ff:ff:ff:ff:ff", "02:00:00:00:00:01"})
    void knowsNoAddressOfOtherMacs(String mac) {
        assertNull(SilkNames.addressOfMac(MacAddress.parse(mac)));
    }

    @Test
    void tellsInsideFromOutside() {
        assertNull(SilkNames.addressOfMac(MacAddress.parse("aa:aa:0a:ff:6c:b8")));
    }

    @Test
    void refusesIpv6() {
        IpAddress address = IpAddress.parse("fd00::1");

        assertThrows(IllegalArgumentException.class, () -> SilkNames.veth(address));
        assertThrows(IllegalArgumentException.class, () -> SilkNames.containerMac(address));
        assertThrows(IllegalArgumentException.class, () -> SilkNames.vethMac(address));
        assertThrows(IllegalArgumentException.class, () -> SilkNames.base(new IpPrefix(address, 64)));
    }
}
