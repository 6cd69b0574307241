package org.weft.encap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The packet of the seed documents at its six hops: read field by field, and built again. */
class SeedPacketTest {
    private static final int TCP_PARTIAL = 0xfd42;
    private static final int TCP_COMPLETE = 0x0fc9;
    private static final int OUTER = EthernetHeader.LENGTH + Ipv4Header.LENGTH + UdpHeader.LENGTH + VxlanHeader.LENGTH;
    private static final byte[] OPTIONS = HexFormat.of().parseHex("0101080a000818cf000a5ccd");
    private static final byte[] MESSAGE = "cf-networking with silk!\n".getBytes(StandardCharsets.US_ASCII);

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "1-source-container-eth0,      aa:aa:0a:ff:63:03, ee:ee:0a:ff:63:03, 64, 0xa395, 0xfd42",
        "2-source-silk-vtep,           ee:ee:0a:ff:84:00, ee:ee:0a:ff:63:00, 63, 0xa495, 0xfd42",
        "5-destination-silk-vtep,      ee:ee:0a:ff:84:00, ee:ee:0a:ff:63:00, 63, 0xa495, 0x0fc9",
        "6-destination-container-eth0, ee:ee:0a:ff:84:02, aa:aa:0a:ff:84:02, 62, 0xa595, 0x0fc9"
    })
    void readsAndRebuildsInnerFrame(
            String hop, String destination, String source, int ttl, String ipChecksum, String tcpChecksum) {
        UnsafeBuffer frame = Bytes.seed(hop);
        Inner inner = new Inner(
                MacAddress.parse(destination),
                MacAddress.parse(source),
                ttl,
                Integer.decode(ipChecksum),
                Integer.decode(tcpChecksum));
        inner.assertReads(frame, 0);
        UnsafeBuffer rebuilt = Bytes.dirty(frame.capacity());
        inner.build(rebuilt, 0);
        assertEquals(Bytes.toHex(frame), Bytes.toHex(rebuilt));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "3-source-eth0,      42:01:0a:00:00:01, 42:01:0a:00:10:10",
        "4-destination-eth0, 42:01:0a:00:20:0e, 42:01:0a:00:00:01"
    })
    void readsAndRebuildsUnderlayFrame(String hop, String destination, String source) {
        UnsafeBuffer frame = Bytes.seed(hop);
        Inner inner = new Inner(0xeeee0aff8400L, 0xeeee0aff6300L, 63, 0xa495, TCP_COMPLETE);
        assertReadsOuter(frame, MacAddress.parse(destination), MacAddress.parse(source));
        inner.assertReads(frame, OUTER);
        UnsafeBuffer rebuilt = Bytes.dirty(frame.capacity());
        buildOuter(rebuilt, MacAddress.parse(destination), MacAddress.parse(source));
        inner.build(rebuilt, OUTER);
        assertEquals(Bytes.toHex(frame), Bytes.toHex(rebuilt));
    }

    @Test
    void completesChecksumThatTheContainerLeftToTheDevice() {
        UnsafeBuffer frame = Bytes.seed("2-source-silk-vtep");
        assertTrue(InternetChecksum.complete(frame, 0, frame.capacity(), 34, TcpHeader.CHECKSUM_OFFSET));
        assertEquals(Bytes.toHex(Bytes.seed("5-destination-silk-vtep")), Bytes.toHex(frame));
    }

    @Test
    void putsTheSeedsVxlanHeaderInOneStore() {
        UnsafeBuffer buffer = Bytes.dirty(VxlanHeader.LENGTH);
        VxlanHeader.put(buffer, 0, 1, 1);
        assertEquals("8800000100000100", Bytes.toHex(buffer));
    }

    private static void assertReadsOuter(UnsafeBuffer frame, long destination, long source) {
        EthernetHeader ethernet = new EthernetHeader().wrap(frame, 0);
        assertEquals(destination, ethernet.destination());
        assertEquals(source, ethernet.source());
        assertEquals(EthernetHeader.ETHERTYPE_IPV4, ethernet.etherType());
        Ipv4Header ip = new Ipv4Header().wrap(frame, ethernet.payloadOffset());
        assertEquals(0, ip.tos());
        assertEquals(127, ip.totalLength());
        assertEquals(37823, ip.identification());
        assertFalse(ip.dontFragment());
        assertFalse(ip.isFragment());
        assertEquals(64, ip.ttl());
        assertEquals(UdpHeader.PROTOCOL, ip.protocol());
        assertEquals(0xa291, ip.checksum());
        assertTrue(ip.isChecksumValid());
        assertEquals(IpAddress.parse("10.0.16.16").ipv4(), ip.sourceAddress());
        assertEquals(IpAddress.parse("10.0.32.14").ipv4(), ip.destinationAddress());
        UdpHeader udp = new UdpHeader().wrap(frame, 34);
        assertEquals(36821, udp.sourcePort());
        assertEquals(4789, udp.destinationPort());
        assertEquals(107, udp.length());
        assertEquals(0, udp.checksum());
        assertReadsVxlan(frame, 42);
    }

    private static void assertReadsVxlan(UnsafeBuffer frame, int offset) {
        VxlanHeader vxlan = new VxlanHeader().wrap(frame, offset);
        assertTrue(vxlan.hasVni());
        assertTrue(vxlan.hasGroupPolicy());
        assertFalse(vxlan.dontLearn());
        assertFalse(vxlan.policyApplied());
        assertEquals(1, vxlan.vni());
        assertEquals(1, vxlan.groupPolicyId());
        assertEquals(0x88, frame.getByte(offset) & 0xff);
    }

    private static void buildOuter(UnsafeBuffer frame, long destination, long source) {
        new EthernetHeader()
                .wrap(frame, 0)
                .destination(destination)
                .source(source)
                .etherType(EthernetHeader.ETHERTYPE_IPV4);
        new Ipv4Header()
                .wrap(frame, 14)
                .headerLength(20)
                .tos(0)
                .totalLength(127)
                .identification(37823)
                .fragment(0, 0)
                .ttl(64)
                .protocol(UdpHeader.PROTOCOL)
                .sourceAddress(IpAddress.parse("10.0.16.16").ipv4())
                .destinationAddress(IpAddress.parse("10.0.32.14").ipv4())
                .updateChecksum();
        new UdpHeader()
                .wrap(frame, 34)
                .sourcePort(36821)
                .destinationPort(4789)
                .length(107)
                .checksum(0);
        new VxlanHeader()
                .wrap(frame, 42)
                .flagsWord(VxlanHeader.FLAG_G | VxlanHeader.FLAG_I | 1)
                .vni(1);
    }

    /** What differs between the hops of the frame that crosses the overlay. */
    private record Inner(long destination, long source, int ttl, int ipChecksum, int tcpChecksum) {
        void assertReads(UnsafeBuffer frame, int offset) {
            EthernetHeader ethernet = new EthernetHeader().wrap(frame, offset);
            assertEquals(destination, ethernet.destination());
            assertEquals(source, ethernet.source());
            assertEquals(destination, EthernetHeader.destination(frame, offset));
            assertEquals(source, EthernetHeader.source(frame, offset));
            assertEquals(EthernetHeader.ETHERTYPE_IPV4, ethernet.etherType());
            assertReadsIp(frame, offset + EthernetHeader.LENGTH);
            assertReadsTcp(frame, offset + EthernetHeader.LENGTH + Ipv4Header.LENGTH);
            assertLayout(frame, offset);
        }

        private void assertReadsIp(UnsafeBuffer frame, int offset) {
            assertEquals(20, Ipv4Header.check(frame, offset, frame.capacity() - offset));
            Ipv4Header ip = new Ipv4Header().wrap(frame, offset);
            assertEquals(4, ip.version());
            assertEquals(20, ip.headerLength());
            assertEquals(0, ip.tos());
            assertEquals(77, ip.totalLength());
            assertEquals(39442, ip.identification());
            assertTrue(ip.dontFragment());
            assertFalse(ip.moreFragments());
            assertEquals(0, ip.fragmentOffset());
            assertEquals(ttl, ip.ttl());
            assertEquals(TcpHeader.PROTOCOL, ip.protocol());
            assertEquals(ipChecksum, ip.checksum());
            assertTrue(ip.isChecksumValid());
            assertEquals(IpAddress.parse("10.255.99.3").ipv4(), ip.sourceAddress());
            assertEquals(IpAddress.parse("10.255.132.2").ipv4(), ip.destinationAddress());
        }

        private void assertReadsTcp(UnsafeBuffer frame, int offset) {
            assertEquals(32, TcpHeader.check(frame, offset, frame.capacity() - offset));
            TcpHeader tcp = new TcpHeader().wrap(frame, offset);
            assertEquals(56766, tcp.sourcePort());
            assertEquals(7777, tcp.destinationPort());
            assertEquals(2356689519L, tcp.sequenceNumber() & 0xffff_ffffL);
            assertEquals(2161316842L, tcp.acknowledgmentNumber() & 0xffff_ffffL);
            assertEquals(32, tcp.headerLength());
            assertEquals(OPTIONS.length, tcp.optionsLength());
            assertEquals(TcpHeader.PSH | TcpHeader.ACK, tcp.flags());
            assertEquals(215, tcp.window());
            assertEquals(tcpChecksum, tcp.checksum());
            assertEquals(0, tcp.urgentPointer());
            byte[] payload = new byte[MESSAGE.length];
            frame.getBytes(offset + 32, payload);
            assertArrayEquals(MESSAGE, payload);
            long pseudoHeader = InternetChecksum.pseudoHeaderIpv4(frame, offset - 20, TcpHeader.PROTOCOL, 57);
            boolean complete = InternetChecksum.finish(InternetChecksum.sum(frame, offset, 57, pseudoHeader)) == 0;
            assertEquals(tcpChecksum == TCP_COMPLETE, complete);
            assertEquals(tcpChecksum == TCP_PARTIAL, InternetChecksum.fold(pseudoHeader) == tcpChecksum);
        }

        private void assertLayout(UnsafeBuffer frame, int offset) {
            FrameLayout layout = new FrameLayout();
            assertTrue(layout.parse(frame, offset, frame.capacity() - offset));
            assertTrue(layout.isIpv4());
            assertEquals(offset + 14, layout.networkOffset());
            assertEquals(offset + 34, layout.transportOffset());
            assertEquals(TcpHeader.PROTOCOL, layout.protocol());
            assertEquals(ttl, layout.ttl());
            assertTrue(layout.dontFragment());
            assertEquals(IpAddress.parse("10.255.99.3"), new IpAddress(layout.sourceHigh(), layout.sourceLow()));
        }

        void build(UnsafeBuffer frame, int offset) {
            EthernetHeader.put(frame, offset, destination, source, EthernetHeader.ETHERTYPE_IPV4);
            new Ipv4Header()
                    .wrap(frame, offset + 14)
                    .headerLength(20)
                    .tos(0)
                    .totalLength(77)
                    .identification(39442)
                    .fragment(Ipv4Header.DONT_FRAGMENT, 0)
                    .ttl(ttl)
                    .protocol(TcpHeader.PROTOCOL)
                    .sourceAddress(IpAddress.parse("10.255.99.3").ipv4())
                    .destinationAddress(IpAddress.parse("10.255.132.2").ipv4())
                    .updateChecksum();
            int tcpOffset = offset + 34;
            TcpHeader tcp = new TcpHeader()
                    .wrap(frame, tcpOffset)
                    .sourcePort(56766)
                    .destinationPort(7777)
                    .sequenceNumber((int) 2356689519L)
                    .acknowledgmentNumber((int) 2161316842L)
                    .headerLengthAndFlags(32, TcpHeader.PSH | TcpHeader.ACK)
                    .window(215)
                    .urgentPointer(0);
            frame.putBytes(tcpOffset + 20, OPTIONS);
            frame.putBytes(tcpOffset + 32, MESSAGE);
            long pseudoHeader = InternetChecksum.pseudoHeaderIpv4(frame, offset + 14, TcpHeader.PROTOCOL, 57);
            tcp.checksum(InternetChecksum.fold(pseudoHeader));
            if (tcpChecksum == TCP_COMPLETE) {
                tcp.checksum(InternetChecksum.finish(InternetChecksum.sum(frame, tcpOffset, 57, 0)));
            }
        }
    }
}
