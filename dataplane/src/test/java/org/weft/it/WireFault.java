package org.weft.it;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** What is wrong with a frame that a VTEP put on the wire. */
final class WireFault {
    private static final int IP = 14;
    private static final int UDP = IP + 20;
    private static final int INNER = UDP + 16;
    private static final int FRAGMENT = 0x3fff;
    private static final int TCP = 6;

    private WireFault() {}

    /** Whether it is a VXLAN datagram over IPv4, or part of one that was fragmented. */
    static boolean isTunnelled(byte[] frame) {
        return frame.length > INNER && Bytes.u16(frame, 12) == Packets.IPV4 && Bytes.u8(frame, IP + 9) == Packets.UDP;
    }

    /** Faults of a tunnelled frame; none if it is as it should be. */
    static List<String> of(byte[] frame, int mtu) {
        List<String> faults = new ArrayList<>();
        if (frame.length > IP + mtu) {
            faults.add("longer than the MTU");
        }
        if ((Bytes.u16(frame, IP + 6) & FRAGMENT) != 0) {
            faults.add("outer fragment");
            return faults;
        }
        WirePacket packet = new WirePacket(frame);
        if (!packet.hasValidIpChecksum()) {
            faults.add("outer IP checksum");
        }
        if (packet.udpChecksum() != 0 && !packet.hasValidUdpChecksum()) {
            faults.add("outer UDP checksum");
        }
        byte[] inner = packet.inner();
        if (Bytes.u16(inner, 12) == Packets.IPV4) {
            inner(packet, inner, faults);
        }
        return faults;
    }

    private static void inner(WirePacket packet, byte[] inner, List<String> faults) {
        byte[] header = ByteBuffer.allocate(20).put(inner, IP, 20).array();
        if (Bytes.checksum(header) != 0) {
            faults.add("inner IP checksum");
        }
        int protocol = Bytes.u8(inner, IP + 9);
        boolean whole = (Bytes.u16(inner, IP + 6) & FRAGMENT) == 0;
        if (whole && (protocol == TCP || protocol == Packets.UDP) && !packet.hasValidInnerChecksum()) {
            faults.add("inner checksum of protocol " + protocol);
        }
    }
}
