package org.weft.it;

import java.nio.ByteBuffer;
import java.util.HexFormat;

/** Byte arrays as tests write them. */
final class Bytes {
    private Bytes() {}

    /** Hexadecimal digits; everything else is left out. */
    static byte[] hex(String digits) {
        return HexFormat.of().parseHex(digits.replaceAll("[^0-9a-fA-F]", ""));
    }

    static byte[] concat(byte[]... parts) {
        int length = 0;
        for (byte[] part : parts) {
            length += part.length;
        }
        ByteBuffer whole = ByteBuffer.allocate(length);
        for (byte[] part : parts) {
            whole.put(part);
        }
        return whole.array();
    }

    static int u8(byte[] bytes, int offset) {
        return bytes[offset] & 0xff;
    }

    static int u16(byte[] bytes, int offset) {
        return u8(bytes, offset) << 8 | u8(bytes, offset + 1);
    }

    /** Internet checksum over some ranges, each padded to an even length (RFC 1071). */
    static int checksum(byte[]... parts) {
        long sum = 0;
        for (byte[] part : parts) {
            for (int i = 0; i < part.length; i++) {
                sum += (long) u8(part, i) << (i % 2 == 0 ? 8 : 0);
            }
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return (int) ~sum & 0xffff;
    }
}
