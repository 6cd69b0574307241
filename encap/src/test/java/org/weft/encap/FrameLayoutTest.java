package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FrameLayoutTest {
    private static final String MACS = "eeee0aff8400 eeee0aff6300";
    private static final String IPV6_UDP = MACS + "86dd 6b800000 0008 11 3f" + "fd000000000000000000000000000001"
            + "fd000000000000000000000000000002" + "0001000200080000";

    private final FrameLayout layout = new FrameLayout();

    private boolean parse(UnsafeBuffer frame) {
        return layout.parse(frame, 0, frame.capacity());
    }

    private static UnsafeBuffer tcpFrame() {
        return Bytes.seed("2-source-silk-vtep");
    }

    @Test
    void locatesHeadersOfIpv6() {
        assertTrue(parse(Bytes.hex(IPV6_UDP)));
        assertTrue(layout.isIpv6());
        assertFalse(layout.isIpv4());
        assertEquals(14, layout.networkOffset());
        assertEquals(54, layout.transportOffset());
        assertEquals(17, layout.protocol());
        assertEquals(0xb8, layout.tos());
        assertEquals(63, layout.ttl());
        assertFalse(layout.dontFragment());
        assertEquals(IpAddress.parse("fd00::1"), new IpAddress(layout.sourceHigh(), layout.sourceLow()));
        assertEquals(IpAddress.parse("fd00::2"), new IpAddress(layout.destinationHigh(), layout.destinationLow()));
    }

    @ParameterizedTest
    @CsvSource({
        "81000001, 18",
        "88a80002, 18",
        "88a8000281000001, 22",
        "810000008100000081000000, 26",
        "8100000088a800008100000088a800008100000088a8000081000000, 42"
    })
    void looksBehindTags(String tags, int networkOffset) {
        UnsafeBuffer frame = Bytes.hex(IPV6_UDP.replace("86dd", tags + "86dd"));
        assertTrue(parse(frame));
        assertFalse(layout.endsInTag());
        assertTrue(layout.isIpv6());
        assertEquals(networkOffset, layout.networkOffset());
        assertEquals(networkOffset + 40, layout.transportOffset());
    }

    @Test
    void saysThatItStoppedAtATag() {
        assertTrue(parse(Bytes.hex(IPV6_UDP.replace("86dd", "81000000".repeat(8) + "86dd"))));
        assertTrue(layout.endsInTag());
        assertFalse(layout.isIpv6());
        assertTrue(parse(Bytes.hex(MACS + "8100" + "00")));
        assertTrue(layout.endsInTag(), "one that is cut off");
        assertFalse(parse(Bytes.hex(MACS + "81")));
        assertFalse(layout.endsInTag());
    }

    @Test
    void saysNothingOfWhatIsNotIp() {
        assertTrue(parse(Bytes.hex(MACS + "0806" + "45".repeat(28))));
        assertEquals(EthernetHeader.ETHERTYPE_ARP, layout.etherType());
        assertTrue(layout.networkComplete());
        assertFalse(layout.isIpv4());
        assertFalse(layout.isIpv6());
        assertEquals(FrameLayout.NONE, layout.transportOffset());
        assertEquals(FrameLayout.NONE, layout.protocol());
        assertEquals(0, layout.tos());
        assertEquals(0, layout.sourceHigh());
        assertEquals(0, layout.sourceLow());
    }

    @Test
    void forgetsThePreviousFrame() {
        parse(tcpFrame());
        assertFalse(parse(Bytes.hex(MACS)));
        assertEquals(FrameLayout.NONE, layout.etherType());
        assertEquals(FrameLayout.NONE, layout.networkOffset());
        assertEquals(FrameLayout.NONE, layout.transportOffset());
        assertFalse(layout.networkComplete());
        assertFalse(layout.isIpv4());
        assertFalse(layout.dontFragment());
        assertEquals(0, layout.ttl());
        assertEquals(0, layout.sourceLow());
        assertEquals(0, layout.destinationLow());
    }

    @Test
    void wantsTwentyBytesOfIpv4() {
        UnsafeBuffer frame = tcpFrame();
        for (int length = 14; length <= frame.capacity(); length++) {
            assertTrue(layout.parse(frame, 0, length));
            assertEquals(length >= 34, layout.networkComplete(), "length " + length);
            assertEquals(length >= 34, layout.isIpv4());
            assertEquals(length >= 66 ? 34 : FrameLayout.NONE, layout.transportOffset(), "length " + length);
        }
    }

    @Test
    void wantsFortyBytesOfIpv6() {
        UnsafeBuffer frame = Bytes.hex(IPV6_UDP);
        for (int length = 14; length <= frame.capacity(); length++) {
            assertTrue(layout.parse(frame, 0, length));
            assertEquals(length >= 54, layout.networkComplete(), "length " + length);
            assertEquals(length >= 54, layout.isIpv6());
            assertEquals(length >= 62 ? 54 : FrameLayout.NONE, layout.transportOffset(), "length " + length);
        }
    }

    @ParameterizedTest
    @CsvSource({"0x2000, true, true", "0x2001, true, false", "0x0001, true, false", "0x4000, false, true"})
    void findsTransportOnlyWhereItIs(String fragmentField, boolean fragment, boolean transport) {
        UnsafeBuffer frame = tcpFrame();
        int field = Integer.decode(fragmentField);
        new Ipv4Header().wrap(frame, 14).fragment(field & 0xe000, (field & 0x1fff) * 8);
        parse(frame);
        assertEquals(fragment, layout.isFragment());
        assertEquals(transport ? 34 : FrameLayout.NONE, layout.transportOffset());
        assertEquals(TcpHeader.PROTOCOL, layout.protocol());
    }

    @Test
    void skipsOptionsOfIpv4() {
        UnsafeBuffer frame =
                Bytes.hex(MACS + "0800 4600 0020 0000 0000 4011 0000 0a000001 0a000002 01010101" + "0001000200080000");
        parse(frame);
        assertEquals(38, layout.transportOffset());
    }

    @Test
    void takesPaddingForNoTransport() {
        UnsafeBuffer frame = tcpFrame();
        new Ipv4Header().wrap(frame, 14).totalLength(39);
        parse(frame);
        assertEquals(FrameLayout.NONE, layout.transportOffset());
    }

    @Test
    void takesLengthZeroForAPacketOfMoreThan64KiB() {
        UnsafeBuffer frame = tcpFrame();
        new Ipv4Header().wrap(frame, 14).totalLength(0);
        parse(frame);
        assertEquals(34, layout.transportOffset());
    }

    @Test
    void readsTosButNoTransportBehindWrongVersion() {
        UnsafeBuffer frame = tcpFrame();
        frame.putByte(14, (byte) 0x65);
        frame.putByte(15, (byte) 0xb8);
        parse(frame);
        assertTrue(layout.isIpv4());
        assertEquals(0xb8, layout.tos());
        assertEquals(FrameLayout.NONE, layout.transportOffset());
    }
}
