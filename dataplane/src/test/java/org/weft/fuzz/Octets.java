package org.weft.fuzz;

/** Numbers in network order and checksums in byte arrays, as simple as can be: shares nothing with the code under test. */
final class Octets {
    private Octets() {}

    static int get8(byte[] bytes, int at) {
        return bytes[at] & 0xff;
    }

    static int get16(byte[] bytes, int at) {
        return get8(bytes, at) << 8 | get8(bytes, at + 1);
    }

    static int get32(byte[] bytes, int at) {
        return get16(bytes, at) << 16 | get16(bytes, at + 2);
    }

    static long get48(byte[] bytes, int at) {
        return (long) get16(bytes, at) << 32 | get32(bytes, at + 2) & 0xffff_ffffL;
    }

    static long get64(byte[] bytes, int at) {
        return (long) get32(bytes, at) << 32 | get32(bytes, at + 4) & 0xffff_ffffL;
    }

    static void put16(byte[] bytes, int at, int value) {
        bytes[at] = (byte) (value >>> 8);
        bytes[at + 1] = (byte) value;
    }

    static void put32(byte[] bytes, int at, int value) {
        put16(bytes, at, value >>> 16);
        put16(bytes, at + 2, value);
    }

    static void put48(byte[] bytes, int at, long value) {
        put16(bytes, at, (int) (value >>> 32));
        put32(bytes, at + 2, (int) value);
    }

    static void put64(byte[] bytes, int at, long value) {
        put32(bytes, at, (int) (value >>> 32));
        put32(bytes, at + 4, (int) value);
    }

    /** Ones' complement sum of 16-bit words with end-around carry, from {@code start} on; a last odd byte is the upper one. */
    static int sum(byte[] bytes, int from, int to, int start) {
        int sum = start;
        for (int i = from; i < to; i += 2) {
            sum += get8(bytes, i) << 8 | (i + 1 < to ? get8(bytes, i + 1) : 0);
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return fold(sum);
    }

    static int fold(int sum) {
        int folded = sum;
        while (folded >>> 16 != 0) {
            folded = (folded & 0xffff) + (folded >>> 16);
        }
        return folded;
    }

    /** A checksum field over bytes in which the field is 0, or 0 if the field is right. */
    static int checksum(byte[] bytes, int from, int to, int start) {
        return ~sum(bytes, from, to, start) & 0xffff;
    }

    static byte[] join(byte[] first, byte[] second) {
        byte[] joined = new byte[first.length + second.length];
        System.arraycopy(first, 0, joined, 0, first.length);
        System.arraycopy(second, 0, joined, first.length, second.length);
        return joined;
    }
}
