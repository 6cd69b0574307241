package org.weft.fuzz;

import java.util.Arrays;

/** An Ethernet frame in the making: headers as fields, written by plain code that shares nothing with the code under test. */
final class Draft implements Cloneable {
    /** What becomes of the transport checksum. */
    enum Checksum {
        RIGHT,
        /** The sum of the pseudo-header only. */
        PARTIAL,
        ZERO,
        WRONG
    }

    long destinationMac;
    long sourceMac;
    /** TPID and TCI of each VLAN tag. */
    int[] tags = {};

    boolean ipv4 = true;
    byte[] ipOptions = {};
    /** Extension headers, the first one's number, and in the last one the protocol. */
    byte[] extensions = {};

    int firstExtension;
    int tos;
    int ttl = 63;
    int id;
    int fragmentField;
    int flowLabel;
    byte[] source = new byte[4];
    byte[] destination = new byte[4];
    int protocol = Parsed.TCP;
    int sourcePort;
    int destinationPort;
    int sequence;
    int acknowledgment;
    int flags = 0x10;
    int window = 500;
    byte[] tcpOptions = {};
    /** Of an ICMP message: type and code, checksum, rest; of other protocols nothing. */
    byte[] header = {};

    byte[] payload = {};
    Checksum checksum = Checksum.RIGHT;

    Draft copy() {
        try {
            return (Draft) clone();
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }

    private int network() {
        return 14 + 4 * tags.length;
    }

    int transport() {
        return network() + (ipv4 ? 20 + ipOptions.length : 40 + extensions.length);
    }

    int headers() {
        return transport() + transportHeader();
    }

    private int transportHeader() {
        return switch (protocol) {
            case Parsed.TCP -> 20 + tcpOptions.length;
            case Parsed.UDP -> 8;
            default -> header.length;
        };
    }

    private int checksumOffset() {
        return switch (protocol) {
            case Parsed.TCP -> 16;
            case Parsed.UDP -> 6;
            case Parsed.ICMP, Parsed.ICMPV6 -> 2;
            default -> Parsed.NONE;
        };
    }

    byte[] build() {
        byte[] frame = new byte[headers() + payload.length];
        putEthernet(frame, destinationMac, sourceMac, tags, ipv4 ? Parsed.IPV4 : Parsed.IPV6);
        System.arraycopy(payload, 0, frame, headers(), payload.length);
        if (ipv4) {
            putIpv4(frame, network());
        } else {
            putIpv6(frame, network());
        }
        putTransport(frame, transport());
        return frame;
    }

    static void putEthernet(byte[] frame, long destination, long source, int[] tags, int etherType) {
        Octets.put48(frame, 0, destination);
        Octets.put48(frame, 6, source);
        int at = 12;
        for (int tag : tags) {
            Octets.put32(frame, at, tag);
            at += 4;
        }
        Octets.put16(frame, at, etherType);
    }

    private void putIpv4(byte[] frame, int at) {
        frame[at] = (byte) (0x40 | (20 + ipOptions.length) / 4);
        frame[at + 1] = (byte) tos;
        Octets.put16(frame, at + 2, frame.length - at);
        Octets.put16(frame, at + 4, id);
        Octets.put16(frame, at + 6, fragmentField);
        frame[at + 8] = (byte) ttl;
        frame[at + 9] = (byte) protocol;
        System.arraycopy(source, 0, frame, at + 12, 4);
        System.arraycopy(destination, 0, frame, at + 16, 4);
        System.arraycopy(ipOptions, 0, frame, at + 20, ipOptions.length);
        Cut.completeIpv4(frame, at, at + 20 + ipOptions.length);
    }

    private void putIpv6(byte[] frame, int at) {
        Octets.put32(frame, at, 6 << 28 | tos << 20 | flowLabel);
        Octets.put16(frame, at + 4, frame.length - at - 40);
        frame[at + 6] = (byte) (extensions.length == 0 ? protocol : firstExtension);
        frame[at + 7] = (byte) ttl;
        System.arraycopy(source, 0, frame, at + 8, 16);
        System.arraycopy(destination, 0, frame, at + 24, 16);
        System.arraycopy(extensions, 0, frame, at + 40, extensions.length);
    }

    private void putTransport(byte[] frame, int at) {
        int length = frame.length - at;
        if (protocol == Parsed.TCP || protocol == Parsed.UDP) {
            Octets.put16(frame, at, sourcePort);
            Octets.put16(frame, at + 2, destinationPort);
        } else {
            System.arraycopy(header, 0, frame, at, header.length);
        }
        if (protocol == Parsed.TCP) {
            Octets.put32(frame, at + 4, sequence);
            Octets.put32(frame, at + 8, acknowledgment);
            Octets.put16(frame, at + 12, (20 + tcpOptions.length) / 4 << 12 | flags);
            Octets.put16(frame, at + 14, window);
            System.arraycopy(tcpOptions, 0, frame, at + 20, tcpOptions.length);
        } else if (protocol == Parsed.UDP) {
            Octets.put16(frame, at + 4, length);
        }
        int offset = checksumOffset();
        if (offset != Parsed.NONE && length >= offset + 2) {
            Octets.put16(frame, at + offset, 0);
            Octets.put16(frame, at + offset, checksum(frame, at, length));
        }
    }

    private int checksum(byte[] frame, int at, int length) {
        int pseudo = protocol == Parsed.ICMP
                ? 0
                : Octets.sum(
                        destination,
                        0,
                        destination.length,
                        Octets.sum(source, 0, source.length, Octets.fold(protocol + length)));
        int right = Octets.checksum(frame, at, frame.length, pseudo);
        return switch (checksum) {
            case RIGHT -> right == 0 && protocol == Parsed.UDP ? 0xffff : right;
            case PARTIAL -> pseudo;
            case ZERO -> 0;
            case WRONG -> right ^ 0x0100;
        };
    }

    /** The frames of this packet's fragments, none of more than {@code most} bytes of IP payload. */
    byte[][] fragments(int most) {
        byte[] whole = build();
        int start = ipv4 ? transport() : network() + 40;
        int step = Math.max(8, most & ~7);
        int count = Math.max(1, (whole.length - start + step - 1) / step);
        byte[][] fragments = new byte[count][];
        for (int i = 0; i < count; i++) {
            int from = start + i * step;
            int to = Math.min(whole.length, from + step);
            fragments[i] = ipv4 ? fragmentV4(whole, i * step, from, to) : fragmentV6(whole, i * step, from, to);
        }
        return fragments;
    }

    private byte[] fragmentV4(byte[] whole, int offset, int from, int to) {
        int start = transport();
        byte[] frame = Arrays.copyOf(whole, start + to - from);
        System.arraycopy(whole, from, frame, start, to - from);
        Octets.put16(frame, network() + 2, frame.length - network());
        Octets.put16(frame, network() + 6, offset / 8 | (to < whole.length ? 0x2000 : 0));
        Cut.completeIpv4(frame, network(), start);
        return frame;
    }

    private byte[] fragmentV6(byte[] whole, int offset, int from, int to) {
        int start = network() + 40;
        byte[] frame = new byte[start + 8 + to - from];
        System.arraycopy(whole, 0, frame, 0, start);
        frame[start] = whole[network() + 6];
        frame[network() + 6] = 44;
        Octets.put16(frame, network() + 4, frame.length - start);
        Octets.put16(frame, start + 2, offset | (to < whole.length ? 1 : 0));
        Octets.put32(frame, start + 4, id);
        System.arraycopy(whole, from, frame, start + 8, to - from);
        return frame;
    }
}
