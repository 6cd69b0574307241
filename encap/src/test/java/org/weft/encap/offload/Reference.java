package org.weft.encap.offload;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What the kernel does with a super-frame, said as simply as can be: bytes one by one, everything computed anew. */
final class Reference {
    private Reference() {}

    /** The frames that tcp_gso_segment or __udp_gso_segment make of a super-frame. */
    static List<byte[]> segment(byte[] superFrame, int gsoSize) {
        int network = networkOffset(superFrame);
        boolean ipv4 = superFrame[network] >> 4 == 4;
        int transport = transportOffset(superFrame, network);
        int protocol = protocol(superFrame, network);
        int header = transport + (protocol == 6 ? (superFrame[transport + 12] >> 4 & 15) * 4 : 8);
        List<byte[]> frames = new ArrayList<>();
        for (int at = header; at < superFrame.length; at += gsoSize) {
            int end = Math.min(superFrame.length, at + gsoSize);
            byte[] frame = Arrays.copyOf(superFrame, header + end - at);
            System.arraycopy(superFrame, at, frame, header, end - at);
            if (ipv4) {
                putShort(frame, network + 2, frame.length - network);
                putShort(frame, network + 4, getShort(superFrame, network + 4) + frames.size());
                putShort(frame, network + 10, 0);
                int length = (frame[network] & 15) * 4;
                putShort(frame, network + 10, checksum(frame, network, network + length, 0));
            } else {
                putShort(frame, network + 4, frame.length - network - 40);
            }
            if (protocol == 6) {
                int sequence = getShort(superFrame, transport + 4) << 16 | getShort(superFrame, transport + 6);
                sequence += at - header;
                putShort(frame, transport + 4, sequence >>> 16);
                putShort(frame, transport + 6, sequence);
                if (at != header) {
                    frame[transport + 13] &= 0x7f;
                }
                if (end != superFrame.length) {
                    frame[transport + 13] &= ~9;
                }
                putShort(frame, transport + 16, 0);
                putShort(frame, transport + 16, transportChecksum(frame, network, transport, 6));
            } else {
                putShort(frame, transport + 4, frame.length - transport);
                putShort(frame, transport + 6, 0);
                int checksum = transportChecksum(frame, network, transport, 17);
                putShort(frame, transport + 6, checksum == 0 ? 0xffff : checksum);
            }
            frames.add(frame);
        }
        return frames;
    }

    static int networkOffset(byte[] frame) {
        int at = 12;
        while (getShort(frame, at) == 0x8100) {
            at += 4;
        }
        return at + 2;
    }

    static int transportOffset(byte[] frame, int network) {
        if (frame[network] >> 4 == 4) {
            return network + (frame[network] & 15) * 4;
        }
        int at = network + 40;
        int next = frame[network + 6];
        while (next != 6 && next != 17) {
            next = frame[at];
            at += (frame[at + 1] + 1) * 8;
        }
        return at;
    }

    static int protocol(byte[] frame, int network) {
        if (frame[network] >> 4 == 4) {
            return frame[network + 9];
        }
        int transport = transportOffset(frame, network);
        int at = network + 40;
        int next = frame[network + 6];
        while (at < transport) {
            next = frame[at];
            at += (frame[at + 1] + 1) * 8;
        }
        return next;
    }

    static int transportChecksum(byte[] frame, int network, int transport, int protocol) {
        boolean ipv4 = frame[network] >> 4 == 4;
        int addresses = network + (ipv4 ? 12 : 8);
        int size = ipv4 ? 4 : 16;
        byte[] source = Arrays.copyOfRange(frame, addresses, addresses + size);
        byte[] destination = Arrays.copyOfRange(frame, addresses + size, addresses + 2 * size);
        long pseudo = pseudoSum(source, destination, protocol, frame.length - transport);
        return checksum(frame, transport, frame.length, pseudo);
    }

    static long pseudoSum(byte[] source, byte[] destination, int protocol, int length) {
        return sum(source, 0, source.length) + sum(destination, 0, destination.length) + protocol + length;
    }

    static int checksum(byte[] bytes, int from, int to, long start) {
        long sum = start + sum(bytes, from, to);
        while (sum > 0xffff) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return (int) ~sum & 0xffff;
    }

    private static long sum(byte[] bytes, int from, int to) {
        long sum = 0;
        for (int i = from; i < to; i++) {
            sum += (i - from) % 2 == 0 ? (bytes[i] & 0xff) << 8 : bytes[i] & 0xff;
        }
        return sum;
    }

    static int getShort(byte[] bytes, int at) {
        return (bytes[at] & 0xff) << 8 | bytes[at + 1] & 0xff;
    }

    static void putShort(byte[] bytes, int at, int value) {
        bytes[at] = (byte) (value >>> 8);
        bytes[at + 1] = (byte) value;
    }
}
