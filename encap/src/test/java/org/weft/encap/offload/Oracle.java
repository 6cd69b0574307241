package org.weft.encap.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import org.pcap4j.packet.EthernetPacket;
import org.pcap4j.packet.IllegalRawDataException;
import org.pcap4j.packet.IpPacket;
import org.pcap4j.packet.IpV4Packet;
import org.pcap4j.packet.IpV6Packet;
import org.pcap4j.packet.TcpPacket;
import org.pcap4j.packet.UdpPacket;

/** pcap4j's opinion of a frame. */
final class Oracle {
    private Oracle() {}

    /** Lengths and checksums are right, and nothing is left behind the payload. */
    static void assertRight(byte[] frame) {
        EthernetPacket ethernet = decode(frame);
        IpPacket ip = ethernet.get(IpPacket.class);
        assertNotNull(ip);
        InetAddress source = ip.getHeader().getSrcAddr();
        InetAddress destination = ip.getHeader().getDstAddr();
        assertNetwork(frame, ip);
        TcpPacket tcp = ethernet.get(TcpPacket.class);
        if (tcp != null) {
            assertTrue(tcp.hasValidChecksum(source, destination, false), "TCP checksum");
        } else {
            UdpPacket udp = ethernet.get(UdpPacket.class);
            assertTrue(udp.hasValidChecksum(source, destination, false), "UDP checksum");
            assertEquals(udp.length(), udp.getHeader().getLengthAsInt());
        }
    }

    /** As {@link #assertRight}, but for the transport checksum. */
    static void assertNetworkRight(byte[] frame) {
        assertNetwork(frame, decode(frame).get(IpPacket.class));
    }

    private static void assertNetwork(byte[] frame, IpPacket ip) {
        int length = frame.length - Reference.networkOffset(frame);
        if (ip instanceof IpV4Packet ipv4) {
            assertTrue(ipv4.getHeader().hasValidChecksum(false), "IPv4 checksum");
            assertEquals(length, ipv4.getHeader().getTotalLengthAsInt());
        } else {
            assertEquals(length - 40, ((IpV6Packet) ip).getHeader().getPayloadLengthAsInt());
        }
    }

    private static EthernetPacket decode(byte[] frame) {
        try {
            return EthernetPacket.newPacket(frame, 0, frame.length);
        } catch (IllegalRawDataException e) {
            throw new AssertionError(e);
        }
    }
}
