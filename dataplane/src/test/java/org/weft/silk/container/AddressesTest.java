package org.weft.silk.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;
import org.weft.operator.OperatorException;
import org.weft.silk.lease.Lease;
import org.weft.silk.lease.SilkNames;

public class AddressesTest {
    private final Addresses addresses = of("10.255.108.0/24");

    public static Lease lease(String subnet) {
        IpPrefix prefix = IpPrefix.parse(subnet);
        return new Lease(IpAddress.parse("10.0.16.14"), prefix, SilkNames.vtepMac(prefix));
    }

    private static Addresses of(String subnet) {
        return new Addresses(lease(subnet));
    }

    private static IpAddress ip(String text) {
        return IpAddress.parse(text);
    }

    @Test
    void givesEveryAddressButTheFirstAndTheLast() {
        Set<IpAddress> given = new HashSet<>();
        for (IpAddress next = addresses.next(null, given::contains);
                next != null;
                next = addresses.next(next, given::contains)) {
            assertTrue(given.add(next));
        }
        assertEquals(254, given.size());
        assertEquals(254, addresses.size());
        assertTrue(given.contains(ip("10.255.108.1")) && given.contains(ip("10.255.108.254")));
        assertTrue(!given.contains(ip("10.255.108.0")) && !given.contains(ip("10.255.108.255")));
    }

    @Test
    void letsAFreedAddressRestUntilAllOthersHadTheirTurn() {
        assertEquals(ip("10.255.108.8"), addresses.next(ip("10.255.108.7"), used -> false));
        assertEquals(ip("10.255.108.1"), addresses.next(ip("10.255.108.254"), used -> false));
        assertEquals(ip("10.255.108.7"), addresses.next(ip("10.255.108.7"), used -> !used.equals(ip("10.255.108.7"))));
    }

    @Test
    void beginsAnewInAnotherSubnet() {
        assertEquals(ip("10.255.108.1"), addresses.next(ip("10.255.7.9"), used -> false));
    }

    @Test
    void neverGivesAUsedAddress() {
        Random random = new Random(7);
        for (int round = 0; round < 200; round++) {
            Set<IpAddress> used = new HashSet<>();
            for (int i = 0; i < random.nextInt(254); i++) {
                used.add(IpAddress.ofIpv4(ip("10.255.108.1").ipv4() + random.nextInt(254)));
            }
            IpAddress previous = IpAddress.ofIpv4(ip("10.255.108.1").ipv4() + random.nextInt(254));
            assertTrue(!used.contains(addresses.next(previous, used::contains)));
        }
    }

    @ParameterizedTest
    @CsvSource({"10.255.108.4/30,2", "10.255.108.4/31,0", "10.255.108.4/32,0", "10.255.0.0/17,32766"})
    void knowsHowManyThereAre(String subnet, long size) {
        assertEquals(size, of(subnet).size());
        if (size == 0) {
            assertNull(of(subnet).next(null, used -> false));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.255.107.255", "10.255.109.1", "192.168.0.1", "10.255.108.0", "10.255.108.255"})
    void refusesWhatNoContainerCanHave(String address) {
        String message = assertThrows(OperatorException.class, () -> addresses.require(ip(address)))
                .getMessage();
        assertTrue(message.startsWith("address " + address + " is"), message);
        assertTrue(message.endsWith("name one of 10.255.108.1 to 10.255.108.254, or none"), message);
    }

    @Test
    void saysWhyTheFirstAndTheLastAreRefused() {
        assertTrue(assertThrows(OperatorException.class, () -> addresses.require(ip("10.255.108.0")))
                .getMessage()
                .contains("is the VTEP's"));
        assertTrue(assertThrows(OperatorException.class, () -> addresses.require(ip("10.255.108.255")))
                .getMessage()
                .contains("is the broadcast address"));
    }

    @Test
    void takesBothEndsOfTheRange() {
        addresses.require(ip("10.255.108.1"));
        addresses.require(ip("10.255.108.254"));
    }
}
