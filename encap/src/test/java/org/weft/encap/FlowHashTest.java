package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FlowHashTest {
    private static final int IPV6_HEADER = 14;

    private final FrameLayout layout = new FrameLayout();

    private int hash(UnsafeBuffer frame) {
        layout.parse(frame, 0, frame.capacity());
        return FlowHash.of(frame, layout);
    }

    private static UnsafeBuffer tcpFrame() {
        return Bytes.seed("2-source-silk-vtep");
    }

    private static UnsafeBuffer ipv6Fragment(String nextHeader, String fragmentField) {
        return Bytes.hex("eeee0aff8400 eeee0aff6300 86dd 60000000 0010 2c 40"
                + "fd000000000000000000000000000001" + "fd000000000000000000000000000002"
                + nextHeader + "00" + fragmentField + "00000007" + "0601000000000000");
    }

    @Test
    void oneFlowHasOneHash() {
        UnsafeBuffer frame = tcpFrame();
        int first = hash(frame);
        new Ipv4Header().wrap(frame, 14).identification(1).ttl(1).tos(3).updateChecksum();
        new TcpHeader().wrap(frame, 34).sequenceNumber(1).window(1).checksum(1);
        EthernetHeader.destination(frame, 0, 1);
        assertEquals(first, hash(frame));
    }

    @ParameterizedTest
    @CsvSource({"23", "26", "29", "30", "33", "34", "35", "36", "37"})
    void everyByteOfAddressesProtocolAndPortsCounts(int index) {
        UnsafeBuffer frame = tcpFrame();
        int first = hash(frame);
        frame.putByte(index, (byte) (frame.getByte(index) ^ 0x17));
        assertNotEquals(first, hash(frame));
    }

    @Test
    void fragmentsOfAPacketHashAlike() {
        UnsafeBuffer first = tcpFrame();
        UnsafeBuffer later = tcpFrame();
        new Ipv4Header().wrap(first, 14).fragment(Ipv4Header.MORE_FRAGMENTS, 0);
        new Ipv4Header().wrap(later, 14).fragment(0, 1400);
        later.putInt(34, 0x12345678);
        assertEquals(hash(first), hash(later));
        assertNotEquals(hash(tcpFrame()), hash(first));
    }

    @Test
    void fragmentsOfAnIpv6PacketWithOptionsHashAlike() {
        assertEquals(hash(ipv6Fragment("3c", "0001")), hash(ipv6Fragment("3c", "0010")));
    }

    @Test
    void hashesMacsOfWhatIsNotIp() {
        UnsafeBuffer frame = tcpFrame();
        frame.putByte(12, (byte) 0x88);
        int first = hash(frame);
        frame.putByte(40, (byte) 1);
        assertEquals(first, hash(frame));
        EthernetHeader.source(frame, 0, 0xeeee0aff6301L);
        assertNotEquals(first, hash(frame));
    }

    @Test
    void hashesMacsOfCutIpHeader() {
        UnsafeBuffer cut = new UnsafeBuffer(tcpFrame(), 0, 33);
        int first = hash(cut);
        assertNotEquals(0, first);
        EthernetHeader.destination(cut, 0, 1);
        assertNotEquals(first, hash(cut));
    }

    @Test
    void isZeroWithoutEthernetHeader() {
        assertEquals(0, hash(Bytes.dirty(13)));
    }

    /** Expected collisions of a perfect hash are about one; clustered ports would give thousands. */
    @Test
    void spreadsNeighbouringFlowsOver32Bits() {
        UnsafeBuffer frame = tcpFrame();
        TcpHeader tcp = new TcpHeader().wrap(frame, 34);
        int[] hashes = new int[100_000];
        for (int i = 0; i < hashes.length; i++) {
            tcp.sourcePort(i & 0xffff);
            new Ipv4Header().wrap(frame, 14).sourceAddress(0x0aff6300 + (i >> 16));
            hashes[i] = hash(frame);
        }
        assertTrue(Arrays.stream(hashes).distinct().count() > hashes.length - 20);
    }

    @Test
    void spreadsConsecutivePortsEvenlyOverTheSenderPool() {
        UnsafeBuffer frame = tcpFrame();
        TcpHeader tcp = new TcpHeader().wrap(frame, 34);
        int[] hits = new int[256];
        for (int port = 0; port < 65_536; port++) {
            tcp.sourcePort(port);
            hits[FlowHash.sourcePort(hash(frame), 0, 256)]++;
        }
        double chiSquare = 0;
        for (int count : hits) {
            chiSquare += (count - 256) * (count - 256) / 256.0;
        }
        // 255 degrees of freedom: mean 255, standard deviation 22.6; six of them.
        assertTrue(chiSquare < 391, "chi-square " + chiSquare);
    }

    @Test
    void flippingAnyAddressBitFlipsHalfOfTheHash() {
        UnsafeBuffer frame = Bytes.hex("eeee0aff8400 eeee0aff6300 86dd 60000000 0008 11 40"
                + "fd000000000000000000000000000001" + "fd000000000000000000000000000002" + "0001000200080000");
        SplittableRandom random = new SplittableRandom(40);
        for (int bit = 0; bit < 32 * 8; bit++) {
            int index = IPV6_HEADER + 8 + bit / 8;
            int flipped = 0;
            for (int i = 0; i < 200; i++) {
                frame.putInt(54, random.nextInt());
                int before = hash(frame);
                frame.putByte(index, (byte) (frame.getByte(index) ^ 1 << bit % 8));
                flipped += Integer.bitCount(before ^ hash(frame));
            }
            assertTrue(flipped > 200 * 13 && flipped < 200 * 19, "bit " + bit + ": " + flipped / 200.0);
        }
    }

    /** Worked out apart from this code from the kernel's udp_flow_src_port. */
    @ParameterizedTest
    @CsvSource({
        "0x00000000, 32768, 60999, 32768",
        "0xffffffff, 32768, 60999, 32768",
        "0xffff0000, 32768, 60999, 60998",
        "0x00008000, 32768, 60999, 46883",
        "0x12345678, 1000, 2000, 1266",
        "0xdeadbeef, 5000, 5000, 5000"
    })
    void choosesThePortTheKernelWould(String hash, int min, int max, int port) {
        assertEquals(port, FlowHash.sourcePort(Long.decode(hash).intValue(), min, max));
    }
}
