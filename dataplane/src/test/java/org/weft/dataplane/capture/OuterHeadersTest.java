package org.weft.dataplane.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.pcap4j.packet.IpV4Packet;
import org.pcap4j.packet.IpV6Packet;
import org.pcap4j.packet.UdpPacket;
import org.weft.dataplane.counters.Counter;
import org.weft.encap.IpAddress;

/** pcap4j says whether the headers put in front of a datagram are right. */
class OuterHeadersTest {
    private static final int TOS = 0xb9;

    private static byte[] captured(String source, String destination, int length) throws Exception {
        Capture capture = new Capture();
        byte[] payload = new byte[length];
        for (int i = 0; i < length; i++) {
            payload[i] = (byte) (i * 31 + 7);
        }
        IpAddress from = IpAddress.parse(source);
        IpAddress to = IpAddress.parse(destination);
        try (CaptureSession session = capture.open(CaptureFilter.ANY)) {
            capture.datagram(
                    new Sighting()
                            .of("silk-vtep", true)
                            .source(from.high(), from.low(), 54321)
                            .destination(to.high(), to.low(), 4790)
                            .tos(TOS),
                    Counter.TX_SENT,
                    new UnsafeBuffer(payload),
                    0,
                    length);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            session.drain(out, 1);
            Pcapng.Block block = Pcapng.packets(out.toByteArray()).get(0);
            byte[] packet = block.packet();
            assertEquals(1, block.networkInterface());
            assertEquals(packet.length, block.originalLength());
            assertTrue(Arrays.equals(payload, Arrays.copyOfRange(packet, packet.length - length, packet.length)));
            return packet;
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 58, 59, 1432, 65_507})
    void areRightOverIpv4(int length) throws Exception {
        byte[] packet = captured("10.0.32.12", "10.0.16.14", length);
        IpV4Packet ip = IpV4Packet.newPacket(packet, 0, packet.length);
        assertTrue(ip.getHeader().hasValidChecksum(false));
        assertEquals("10.0.32.12", ip.getHeader().getSrcAddr().getHostAddress());
        assertEquals("10.0.16.14", ip.getHeader().getDstAddr().getHostAddress());
        assertEquals((byte) TOS, ip.getHeader().getTos().value());
        assertEquals(packet.length, ip.getHeader().getTotalLengthAsInt());
        UdpPacket udp = ip.get(UdpPacket.class);
        assertEquals(54321, udp.getHeader().getSrcPort().valueAsInt());
        assertEquals(4790, udp.getHeader().getDstPort().valueAsInt());
        assertEquals(length + 8, udp.getHeader().getLengthAsInt());
        assertEquals(0, udp.getHeader().getChecksum());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 58, 59, 1432, 65_507})
    void areRightOverIpv6(int length) throws Exception {
        byte[] packet = captured("fd00::12", "fd00:1:2:3:4:5:6:7", length);
        IpV6Packet ip = IpV6Packet.newPacket(packet, 0, packet.length);
        assertEquals(IpAddress.parse("fd00::12").toInetAddress(), ip.getHeader().getSrcAddr());
        assertEquals((byte) TOS, ip.getHeader().getTrafficClass().value());
        assertEquals(length + 8, ip.getHeader().getPayloadLengthAsInt());
        UdpPacket udp = ip.get(UdpPacket.class);
        assertEquals(54321, udp.getHeader().getSrcPort().valueAsInt());
        assertEquals(4790, udp.getHeader().getDstPort().valueAsInt());
        assertTrue(
                udp.hasValidChecksum(ip.getHeader().getSrcAddr(), ip.getHeader().getDstAddr(), false));
    }
}
