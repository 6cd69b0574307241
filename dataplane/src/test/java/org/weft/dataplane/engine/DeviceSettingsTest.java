package org.weft.dataplane.engine;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** The part that needs no device. Integration tests have the rest. */
class DeviceSettingsTest {
    private static final long OURS = 0xeeee0aff6300L;
    private static final long THEIRS = 0x021122334455L;

    @Test
    void acceptsTheWantedMacAddress() {
        assertDoesNotThrow(() -> DeviceSettings.requireMac("silk-vtep", OURS, OURS));
    }

    @Test
    void namesBothMacAddressesIfSomethingSetsAnother() {
        OperatorException refusal =
                assertThrows(OperatorException.class, () -> DeviceSettings.requireMac("silk-vtep", OURS, THEIRS));
        assertEquals(Kind.OS_ERROR, refusal.kind());
        assertEquals(
                "silk-vtep: something sets the MAC address 02:11:22:33:44:55 instead of ee:ee:0a:ff:63:00 again and"
                        + " again: configure it to leave this device alone (systemd-networkd: a .link file with"
                        + " MACAddressPolicy=none)",
                refusal.getMessage());
    }
}
