package org.weft.fuzz;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What the kernel makes of a super-frame (tcp_gso_segment, __udp_gso_segment): bytes one by one, every checksum computed
 * over all that it covers.
 */
final class Cut {
    private static final int TCP_V4 = 1;
    private static final int TCP_V6 = 4;
    private static final int UDP = 5;
    private static final int MAX_HEADER = 256;

    private Cut() {}

    /** Whether a super-frame is what its virtio-net header says, in whole, with some payload. */
    static boolean isPossible(Parsed parsed, int gsoType, int gsoSize) {
        int type = gsoType & ~0x80;
        boolean typeFits =
                switch (type) {
                    case TCP_V4 -> parsed.ipv4 && parsed.protocol == Parsed.TCP;
                    case TCP_V6 -> parsed.ipv6 && parsed.protocol == Parsed.TCP;
                    case UDP -> (parsed.ipv4 || parsed.ipv6) && parsed.protocol == Parsed.UDP;
                    default -> false;
                };
        if (!typeFits || gsoSize == 0 || !parsed.hasTcpOrUdp() || !parsed.repeatable) {
            return false;
        }
        byte[] frame = parsed.frame;
        int packet = frame.length - parsed.network;
        boolean networkAgrees = parsed.ipv4
                ? Octets.get16(frame, parsed.network + 2) == packet
                : Octets.get16(frame, parsed.network + 4) == packet - 40;
        boolean transportAgrees =
                type != UDP || Octets.get16(frame, parsed.transport + 4) == frame.length - parsed.transport;
        return networkAgrees && transportAgrees && parsed.headers() < frame.length && parsed.headers() <= MAX_HEADER;
    }

    /** The frames that a possible super-frame is cut into. */
    static List<byte[]> segments(Parsed whole, int gsoSize) {
        List<byte[]> segments = new ArrayList<>();
        int headers = whole.headers();
        int end = whole.frame.length;
        for (int from = headers; from < end; from += gsoSize) {
            int to = Math.min(end, from + gsoSize);
            segments.add(segment(whole, segments.size(), from, to));
        }
        return segments;
    }

    private static byte[] segment(Parsed whole, int index, int from, int to) {
        int headers = whole.headers();
        byte[] frame = Arrays.copyOf(whole.frame, headers + to - from);
        System.arraycopy(whole.frame, from, frame, headers, to - from);
        if (whole.ipv4) {
            Octets.put16(frame, whole.network + 2, frame.length - whole.network);
            Octets.put16(frame, whole.network + 4, Octets.get16(frame, whole.network + 4) + index);
            completeIpv4(frame, whole.network, whole.transport);
        } else {
            Octets.put16(frame, whole.network + 4, frame.length - whole.network - 40);
        }
        if (whole.protocol == Parsed.TCP) {
            int sequence = Octets.get32(frame, whole.transport + 4) + from - headers;
            Octets.put32(frame, whole.transport + 4, sequence);
            boolean first = from == headers;
            boolean last = to == whole.frame.length;
            frame[whole.transport + 13] &= (byte) ((first ? 0xff : 0x7f) & (last ? 0xff : ~0x09));
        } else {
            Octets.put16(frame, whole.transport + 4, frame.length - whole.transport);
        }
        int pseudo = pseudoSum(whole, frame.length - whole.transport);
        int field = whole.checksumField();
        Octets.put16(frame, field, 0);
        int checksum = Octets.checksum(frame, whole.transport, frame.length, pseudo);
        Octets.put16(frame, field, checksum == 0 && whole.protocol == Parsed.UDP ? 0xffff : checksum);
        return frame;
    }

    static void completeIpv4(byte[] frame, int network, int end) {
        Octets.put16(frame, network + 10, 0);
        Octets.put16(frame, network + 10, Octets.checksum(frame, network, end, 0));
    }

    /** Where a routing header hides the last destination, only the sender's sum in the field knows it. */
    private static int pseudoSum(Parsed whole, int length) {
        if (!whole.rerouted) {
            return whole.pseudoSum(length);
        }
        int withoutLength =
                Octets.get16(whole.frame, whole.checksumField()) + (~(whole.frame.length - whole.transport) & 0xffff);
        return Octets.fold(withoutLength + length);
    }
}
