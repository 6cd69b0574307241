package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NeighbourDiscoveryTest {
    private static final String ETHERNET = "3333ff000002 eeee0aff6300 86dd";
    private static final String IPV6 = "6b800000 0020 3a ff";
    private static final String SOURCE = "fd000000000000000000000000000001";
    private static final String GROUP = "ff0200000000000000000001ff000002";
    private static final String TARGET = "fd000000000000000000000000000002";
    private static final String SOLICITATION = "8700 1234 00000000" + TARGET;
    private static final String SOURCE_OPTION = "0101 eeee0aff6399";
    private static final String REQUEST = ETHERNET + IPV6 + SOURCE + GROUP + SOLICITATION + SOURCE_OPTION;
    private static final long ANSWER = 0xeeee0aff8400L;

    private final NeighbourDiscovery discovery = new NeighbourDiscovery();

    private boolean reads(UnsafeBuffer frame) {
        return discovery.readSolicitation(frame, 0, frame.capacity());
    }

    private static UnsafeBuffer withOptions(String options) {
        UnsafeBuffer frame = Bytes.hex(ETHERNET + IPV6 + SOURCE + GROUP + SOLICITATION + options);
        new Ipv6Header().wrap(frame, 14).payloadLength(frame.capacity() - 54);
        return frame;
    }

    @Test
    void readsSolicitation() {
        assertTrue(reads(Bytes.hex(REQUEST)));
        assertEquals(IpAddress.parse("fd00::1"), new IpAddress(discovery.sourceHigh(), discovery.sourceLow()));
        assertEquals(IpAddress.parse("fd00::2"), new IpAddress(discovery.targetHigh(), discovery.targetLow()));
        assertEquals(0xeeee0aff6399L, discovery.requesterMac());
        assertFalse(discovery.isDuplicateAddressDetection());
    }

    @Test
    void takesTheFramesSourceWithoutOption() {
        assertTrue(reads(withOptions("")));
        assertEquals(0xeeee0aff6300L, discovery.requesterMac());
        assertTrue(reads(withOptions("0e02" + "00".repeat(14))));
        assertEquals(0xeeee0aff6300L, discovery.requesterMac());
    }

    @Test
    void findsSourceOptionBehindOthers() {
        assertTrue(reads(withOptions("0e02" + "00".repeat(14) + SOURCE_OPTION)));
        assertEquals(0xeeee0aff6399L, discovery.requesterMac());
    }

    @ParameterizedTest
    @CsvSource({"0100eeee0aff6399", "0102eeee0aff6399", "0e00000000000000", "0eff000000000000"})
    void refusesOptionsOfLengthZeroOrCut(String options) {
        assertFalse(reads(withOptions(options)));
    }

    @Test
    void ignoresBytesBehindThePacket() {
        assertTrue(reads(Bytes.hex(REQUEST + "0000000000")));
        assertEquals(0xeeee0aff6399L, discovery.requesterMac());
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "not IPv6,            13, 0x00",
        "version,             14, 0x50",
        "length over the end, 19, 0x21",
        "length too small,    19, 0x17",
        "not ICMPv6,          20, 0x11",
        "hop limit,           21, 254",
        "type,                54, 136",
        "code,                55, 1",
        "multicast target,    62, 0xff"
    })
    void refusesWhatIsNoAnswerableSolicitation(String what, int index, String value) {
        UnsafeBuffer frame = Bytes.hex(REQUEST);
        frame.putByte(index, Integer.decode(value).byteValue());
        assertFalse(reads(frame), what);
    }

    @Test
    void refusesLoopbackDestination() {
        UnsafeBuffer frame = Bytes.hex(REQUEST);
        new Ipv6Header().wrap(frame, 14).destination(0, 1);
        assertFalse(reads(frame));
    }

    @Test
    void refusesEveryShorterFrame() {
        UnsafeBuffer frame = Bytes.hex(REQUEST);
        for (int length = 0; length < frame.capacity(); length++) {
            assertFalse(discovery.readSolicitation(frame, 0, length), "length " + length);
        }
    }

    @Test
    void writesAdvertisementAsTheKernelDoes() {
        assertTrue(reads(Bytes.hex(REQUEST)));
        UnsafeBuffer reply = Bytes.dirty(NeighbourDiscovery.ADVERTISEMENT_FRAME_LENGTH);
        assertEquals(86, discovery.putAdvertisement(reply, 0, ANSWER, false));
        String expected = "eeee0aff6399 eeee0aff8400 86dd" + IPV6 + TARGET + SOURCE + "8800 0000 60000000" + TARGET
                + "0201 eeee0aff8400";
        assertTrue(hasValidChecksum(reply));
        reply.putShort(56, (short) 0);
        assertEquals(Bytes.toHex(Bytes.hex(expected)), Bytes.toHex(reply));
    }

    @Test
    void writesAdvertisementOverTheSolicitation() {
        UnsafeBuffer frame = Bytes.hex(REQUEST);
        UnsafeBuffer elsewhere = Bytes.dirty(86);
        assertTrue(reads(frame));
        discovery.putAdvertisement(elsewhere, 0, ANSWER, true);
        discovery.putAdvertisement(frame, 0, ANSWER, true);
        assertEquals(Bytes.toHex(elsewhere), Bytes.toHex(frame));
        assertEquals(0xe0, frame.getByte(58) & 0xff);
    }

    @Test
    void answersDuplicateAddressDetectionToAllNodes() {
        UnsafeBuffer request = withOptions("");
        new Ipv6Header().wrap(request, 14).source(0, 0);
        assertTrue(reads(request));
        assertTrue(discovery.isDuplicateAddressDetection());
        UnsafeBuffer reply = Bytes.dirty(86);
        discovery.putAdvertisement(reply, 0, ANSWER, false);
        assertEquals(0x3333_0000_0001L, EthernetHeader.destination(reply, 0));
        Ipv6Header ipv6 = new Ipv6Header().wrap(reply, 14);
        assertEquals(IpAddress.parse("ff02::1"), new IpAddress(ipv6.destinationHigh(), ipv6.destinationLow()));
        assertEquals(0x20, reply.getByte(58) & 0xff);
        assertTrue(hasValidChecksum(reply));
    }

    private static boolean hasValidChecksum(UnsafeBuffer frame) {
        long pseudoHeader = InternetChecksum.pseudoHeaderIpv6(frame, 14, NeighbourDiscovery.ICMPV6, 32);
        return InternetChecksum.finish(InternetChecksum.sum(frame, 54, 32, pseudoHeader)) == 0;
    }
}
