package org.weft.it;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Cuts IPv4 packets, in Ethernet frames, into fragments, and joins them again. */
final class Fragments {
    private static final int IP = 14;
    private static final int DATA = IP + 20;
    private static final int MORE = 0x2000;

    private Fragments() {}

    /**
     * @param length of the data in each fragment but the last, a multiple of 8
     */
    static List<byte[]> of(byte[] frame, int length) {
        List<byte[]> fragments = new ArrayList<>();
        for (int at = DATA; at < frame.length; at += length) {
            int end = Math.min(frame.length, at + length);
            int flags = (end < frame.length ? MORE : 0) | (at - DATA) / 8;
            fragments.add(packet(frame, Arrays.copyOfRange(frame, at, end), flags));
        }
        return fragments;
    }

    /** The packet that these fragments are of, in any order. */
    static byte[] join(List<byte[]> fragments) {
        List<byte[]> ordered = fragments.stream()
                .sorted(Comparator.comparingInt(fragment -> Bytes.u16(fragment, IP + 6) & 0x1fff))
                .toList();
        byte[][] data = ordered.stream()
                .map(fragment -> Arrays.copyOfRange(fragment, DATA, IP + Bytes.u16(fragment, IP + 2)))
                .toArray(byte[][]::new);
        return packet(ordered.get(0), Bytes.concat(data), 0);
    }

    private static byte[] packet(byte[] like, byte[] data, int flags) {
        ByteBuffer header = ByteBuffer.wrap(Arrays.copyOf(like, DATA));
        header.putShort(IP + 2, (short) (20 + data.length));
        header.putShort(IP + 6, (short) flags);
        header.putShort(IP + 10, (short) 0);
        byte[] ip = Arrays.copyOfRange(header.array(), IP, DATA);
        header.putShort(IP + 10, (short) Bytes.checksum(ip));
        return Bytes.concat(header.array(), data);
    }
}
