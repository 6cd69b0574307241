package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MacAddressTest {
    @ParameterizedTest
    @CsvSource({
        "00:00:00:00:00:00, 0x0",
        "ff:ff:ff:ff:ff:ff, 0xffffffffffff",
        "ee:ee:0a:ff:63:00, 0xeeee0aff6300",
        "01:23:45:67:89:ab, 0x0123456789ab"
    })
    void readsAndPrints(String text, String mac) {
        assertEquals(Long.decode(mac), MacAddress.parse(text));
        assertEquals(text, MacAddress.toString(Long.decode(mac)));
        assertEquals(Long.decode(mac), MacAddress.parse(text.toUpperCase(Locale.ROOT)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "ee:ee:0a:ff:63",
                "ee:ee:0a:ff:63:0",
                "ee:ee:0a:ff:63:00:00",
                "ee-ee-0a-ff-63-00",
                "eeee.0aff.6300",
                "ee:ee:0a:ff:63:0g",
                "ee:ee:0a:ff:63: 0",
                ":ee:ee:0a:ff:63:0",
                "ee:ee:0a:ff:63:0\uff11",
                "+1:ee:0a:ff:63:00"
            })
    void refusesWhatIsNoMacAddress(String text) {
        Exception e = assertThrows(IllegalArgumentException.class, () -> MacAddress.parse(text));
        assertEquals("\"" + text + "\" is not a MAC address such as ee:ee:0a:ff:63:00", e.getMessage());
    }

    @Test
    void tellsKindsApart() {
        assertTrue(MacAddress.isMulticast(MacAddress.BROADCAST));
        assertTrue(MacAddress.isMulticast(MacAddress.parse("33:33:00:00:00:01")));
        assertFalse(MacAddress.isMulticast(MacAddress.parse("ee:ee:0a:ff:63:01")));
        assertTrue(MacAddress.isValidSource(MacAddress.parse("ee:ee:0a:ff:63:01")));
        assertFalse(MacAddress.isValidSource(0));
        assertFalse(MacAddress.isValidSource(MacAddress.BROADCAST));
    }
}
