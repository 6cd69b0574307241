package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IpPrefixTest {
    @ParameterizedTest
    @CsvSource({
        "10.255.0.0/16, 10.255.0.0, 16, 112, 10.255.0.0/16",
        "10.255.126.0/16, 10.255.126.0, 16, 112, 10.255.126.0/16",
        "10.255.99.3, 10.255.99.3, 32, 128, 10.255.99.3",
        "10.255.99.3/32, 10.255.99.3, 32, 128, 10.255.99.3",
        "0.0.0.0/0, 0.0.0.0, 0, 96, 0.0.0.0/0",
        "::/0, ::, 0, 0, ::/0",
        "2001:db8::/32, 2001:db8::, 32, 32, 2001:db8::/32",
        "fd00::1, fd00::1, 128, 128, fd00::1"
    })
    void readsAndPrints(String text, String address, int length, int mappedLength, String printed) {
        IpPrefix prefix = IpPrefix.parse(text);
        assertEquals(IpAddress.parse(address), prefix.address());
        assertEquals(length, prefix.length());
        assertEquals(mappedLength, prefix.mappedLength());
        assertEquals(printed, prefix.toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/",
                "/8",
                "10.0.0.0/",
                "10.0.0.0/33",
                "10.0.0.0/-1",
                "10.0.0.0/8/8",
                "10.0.0.0/x",
                "::/129",
                "::/+8"
            })
    void refusesWhatIsNoPrefix(String text) {
        assertThrows(IllegalArgumentException.class, () -> IpPrefix.parse(text));
    }

    @ParameterizedTest
    @CsvSource({"10.0.0.0, 33", "10.0.0.0, -1", "2001:db8::, 129"})
    void saysWhichLengthsAreRight(String address, int length) {
        IpAddress parsed = IpAddress.parse(address);
        Exception e = assertThrows(IllegalArgumentException.class, () -> new IpPrefix(parsed, length));
        assertEquals("prefix length " + length + " of " + address + " is not in 0 to " + parsed.bits(), e.getMessage());
    }

    @ParameterizedTest
    @CsvSource({
        "10.255.1.0/24, 10.255.1.255, true",
        "10.255.1.0/24, 10.255.2.0, false",
        "10.255.1.7, 10.255.1.7, true",
        "10.255.1.7, 10.255.1.6, false",
        "0.0.0.0/0, 192.0.2.1, true",
        "0.0.0.0/0, fd00::1, false",
        "fd00::/64, fd00::ffff, true",
        "fd00::/64, fd00:0:0:1::, false",
        "fd00::/8, fdff::1, true",
        "fd00::/8, fe00::1, false",
        "fd00::1:0/112, fd00::1:ffff, true",
        "fd00::1:0/112, fd00::2:0, false",
        "::/0, fd00::1, true"
    })
    void containsWhatBeginsAlike(String prefix, String address, boolean contains) {
        IpAddress other = IpAddress.parse(address);
        assertEquals(contains, IpPrefix.parse(prefix).contains(other.high(), other.low()));
    }
}
