package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

class Ipv6ExtensionHeadersTest {
    private static final String HOP_BY_HOP_THEN = "%s 00 0502 0000 0100";
    private static final String TCP = "06";

    private final Ipv6ExtensionHeaders extensions = new Ipv6ExtensionHeaders();

    private static UnsafeBuffer packet(int nextHeader, String... rest) {
        String fixed = "60000000 0000 %02x 40".formatted(nextHeader) + "00".repeat(32);
        return Bytes.hex(fixed + String.join("", rest));
    }

    private void walk(UnsafeBuffer packet) {
        extensions.walk(packet, 0, packet.capacity());
    }

    @Test
    void findsProtocolRightBehindTheHeader() {
        walk(packet(17, "0000000000000000"));
        assertEquals(17, extensions.protocol());
        assertEquals(40, extensions.upperLayerOffset());
        assertFalse(extensions.isFragment());
    }

    @Test
    void walksEveryKindOfExtension() {
        String hopByHop = HOP_BY_HOP_THEN.formatted("3c");
        String destinationOptions = "2b 01" + "00".repeat(14);
        String routing = "33 00" + "00".repeat(6);
        String authentication = "06 04" + "00".repeat(22);
        walk(packet(0, hopByHop, destinationOptions, routing, authentication, "00".repeat(20)));
        assertEquals(6, extensions.protocol());
        assertEquals(40 + 8 + 16 + 8 + 24, extensions.upperLayerOffset());
        assertFalse(extensions.isFragment());
    }

    @Test
    void findsUpperLayerOfFirstFragment() {
        walk(packet(44, TCP + "00 0001 00000007", "00".repeat(20)));
        assertEquals(6, extensions.protocol());
        assertEquals(48, extensions.upperLayerOffset());
        assertTrue(extensions.isFragment());
    }

    @Test
    void findsNoUpperLayerInLaterFragment() {
        walk(packet(44, TCP + "00 0008 00000007", "00".repeat(20)));
        assertEquals(6, extensions.protocol());
        assertEquals(Ipv6ExtensionHeaders.NONE, extensions.upperLayerOffset());
        assertTrue(extensions.isFragment());
    }

    @Test
    void forgetsThePreviousPacket() {
        walk(packet(44, TCP + "00 0008 00000007"));
        walk(packet(17, "0000000000000000"));
        assertFalse(extensions.isFragment());
        assertEquals(40, extensions.upperLayerOffset());
    }

    @Test
    void stopsAtNoNextHeader() {
        walk(packet(59, "00000000"));
        assertEquals(Ipv6ExtensionHeaders.NONE, extensions.upperLayerOffset());
    }

    @Test
    void stopsWhereTheChainIsCut() {
        UnsafeBuffer packet = packet(0, HOP_BY_HOP_THEN.formatted("3c"), "06 01" + "00".repeat(14), "00".repeat(20));
        for (int length = 40; length <= packet.capacity(); length++) {
            extensions.walk(packet, 0, length);
            int expected = length < 64 ? Ipv6ExtensionHeaders.NONE : 64;
            assertEquals(expected, extensions.upperLayerOffset(), "length " + length);
        }
    }

    @Test
    void givesUpOnEndlessChains() {
        walk(packet(60, "3c00000000000000".repeat(8000)));
        assertEquals(Ipv6ExtensionHeaders.NONE, extensions.upperLayerOffset());
    }
}
