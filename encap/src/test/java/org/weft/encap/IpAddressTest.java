package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IpAddressTest {
    @ParameterizedTest
    @CsvSource({
        "0.0.0.0, 0x0",
        "10.255.99.3, 0x0aff6303",
        "127.0.0.1, 0x7f000001",
        "192.168.100.200, 0xc0a864c8",
        "255.255.255.255, 0xffffffff"
    })
    void readsAndPrintsIpv4(String text, String address) {
        IpAddress parsed = IpAddress.parse(text);
        assertTrue(parsed.isIpv4());
        assertEquals(Long.decode(address).intValue(), parsed.ipv4());
        assertEquals(0, parsed.high());
        assertEquals(0xffff_0000_0000L | Long.decode(address), parsed.low());
        assertEquals(text, parsed.toString());
        assertEquals(32, parsed.bits());
    }

    /** The examples of RFC 5952 sections 1, 2 and 4, and corners of the rule of the longest run. */
    @ParameterizedTest
    @CsvSource({
        "2001:db8:0:0:1:0:0:1, 2001:db8::1:0:0:1",
        "2001:0db8:0:0:1:0:0:1, 2001:db8::1:0:0:1",
        "2001:db8::1:0:0:1, 2001:db8::1:0:0:1",
        "2001:DB8:0:0:1::1, 2001:db8::1:0:0:1",
        "2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001, 2001:db8:aaaa:bbbb:cccc:dddd:eeee:1",
        "2001:db8:0:0:0:0:2:1, 2001:db8::2:1",
        "2001:db8::0:1, 2001:db8::1",
        "2001:db8:0:1:1:1:1:1, 2001:db8:0:1:1:1:1:1",
        "2001:0:0:1:0:0:0:1, 2001:0:0:1::1",
        "2001:db8:0:0:1:0:0:1, 2001:db8::1:0:0:1",
        "0:0:0:0:0:0:0:0, ::",
        "0:0:0:0:0:0:0:1, ::1",
        "1:0:0:0:0:0:0:0, 1::",
        "0:1:1:1:1:1:1:0, 0:1:1:1:1:1:1:0",
        "0:0:1:1:1:1:0:0, ::1:1:1:1:0:0",
        "1:0:0:1:0:0:0:0, 1:0:0:1::",
        "fe80::ecee:aff:feff:8400, fe80::ecee:aff:feff:8400",
        "ff02::1:ff00:2, ff02::1:ff00:2"
    })
    void readsAndPrintsIpv6(String text, String canonical) {
        IpAddress parsed = IpAddress.parse(text);
        assertFalse(parsed.isIpv4());
        assertEquals(128, parsed.bits());
        assertEquals(canonical, parsed.toString());
        assertEquals(parsed, IpAddress.parse(canonical));
    }

    @Test
    void readsBackWhateverItPrints() {
        SplittableRandom random = new SplittableRandom(5952);
        for (int i = 0; i < 20_000; i++) {
            long mask = zeroGroups(random);
            IpAddress address = new IpAddress(random.nextLong() & mask, random.nextLong() & zeroGroups(random));
            assertEquals(address, IpAddress.parse(address.toString()));
        }
    }

    private static long zeroGroups(SplittableRandom random) {
        long mask = 0;
        for (int group = 0; group < 4; group++) {
            mask |= random.nextBoolean() ? 0xffffL << 16 * group : 0;
        }
        return mask;
    }

    @Test
    void takesMappedAddressForIpv4() {
        assertEquals(IpAddress.parse("10.0.16.14"), IpAddress.parse("::ffff:10.0.16.14"));
        assertEquals("10.0.16.14", IpAddress.parse("::ffff:a00:100e").toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", "localhost", "10.0.16", "10.0.16.256", "999.1.1.1", "10.0.16.14.1", "010.0.16.14", "10.0.16.14 ",
                        "1",
                ":", ":::", "2001:db8", "2001:db8::1::2", "1:2:3:4:5:6:7:8:9", "fffff::", "::1%lo", "[::1]", "g::",
                "10.0.0.1/8", "::ffff:10.0.0.256"
            })
    void refusesWhatIsNoAddress(String text) {
        Exception e = assertThrows(IllegalArgumentException.class, () -> IpAddress.parse(text));
        assertEquals("\"" + text + "\" is not an IP address such as 10.0.16.14 or 2001:db8::1", e.getMessage());
    }

    @Test
    void tellsKindsApart() {
        assertTrue(IpAddress.parse("0.0.0.0").isAny());
        assertTrue(IpAddress.parse("::").isAny());
        assertFalse(IpAddress.parse("::1").isAny());
        assertTrue(IpAddress.parse("224.0.0.1").isMulticast());
        assertTrue(IpAddress.parse("239.255.255.255").isMulticast());
        assertFalse(IpAddress.parse("223.255.255.255").isMulticast());
        assertFalse(IpAddress.parse("240.0.0.0").isMulticast());
        assertTrue(IpAddress.parse("ff02::1").isMulticast());
        assertFalse(IpAddress.parse("fe80::1").isMulticast());
        assertTrue(IpAddress.parse("127.0.0.1").isLoopback());
        assertTrue(IpAddress.parse("127.255.255.255").isLoopback());
        assertFalse(IpAddress.parse("128.0.0.1").isLoopback());
        assertTrue(IpAddress.parse("::1").isLoopback());
        assertFalse(IpAddress.parse("::2").isLoopback());
        assertTrue(IpAddress.parse("255.255.255.255").isBroadcast());
        assertFalse(IpAddress.parse("255.255.255.254").isBroadcast());
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.16.14", "255.255.255.255", "2001:db8::1", "fe80::1", "::", "0.0.0.0"})
    void becomesTheJdksType(String text) throws Exception {
        assertEquals(InetAddress.getByName(text), IpAddress.parse(text).toInetAddress());
    }
}
