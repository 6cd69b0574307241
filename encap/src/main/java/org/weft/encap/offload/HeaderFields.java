package org.weft.encap.offload;

import java.nio.ByteOrder;
import org.agrona.UnsafeApi;
import org.agrona.concurrent.UnsafeBuffer;

/** Where the fields are that differ between segments, and headers copied by words. */
final class HeaderFields {
    static final int IPV4_TOTAL_LENGTH = 2;
    static final int IPV4_ID = 4;
    static final int IPV4_FRAGMENT = 6;
    /** TTL and protocol. */
    static final int IPV4_TTL = 8;

    static final int IPV4_CHECKSUM = 10;
    static final int IPV4_ADDRESSES = 12;
    static final int IPV6_PAYLOAD_LENGTH = 4;
    static final int TCP_SEQUENCE = 4;
    static final int TCP_ACKNOWLEDGMENT = 8;
    /** Behind the data offset, in the same 16 bits. */
    static final int TCP_FLAGS = 12;

    static final int TCP_WINDOW = 14;
    static final int TCP_URGENT = 18;
    static final int UDP_LENGTH = 4;

    private static final int WORD = Long.BYTES;
    private static final boolean LITTLE_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

    private HeaderFields() {}

    /** An unsigned 16-bit field in network order. */
    static int unsignedShort(UnsafeBuffer buffer, int offset) {
        return buffer.getShort(offset, ByteOrder.BIG_ENDIAN) & 0xffff;
    }

    /** As the other, of memory whose bounds were checked. */
    static int unsignedShort(byte[] base, long address) {
        short value = UnsafeApi.getShort(base, address);
        return (LITTLE_ENDIAN ? Short.reverseBytes(value) : value) & 0xffff;
    }

    /** A 32-bit field in network order, of memory whose bounds were checked. */
    static int word(byte[] base, long address) {
        int value = UnsafeApi.getInt(base, address);
        return LITTLE_ENDIAN ? Integer.reverseBytes(value) : value;
    }

    /** A 32-bit word in network order, as a summand of a checksum. */
    static long unsignedInt(UnsafeBuffer buffer, int offset) {
        return buffer.getInt(offset, ByteOrder.BIG_ENDIAN) & 0xffff_ffffL;
    }

    static void putShort(UnsafeBuffer buffer, int offset, int value) {
        buffer.putShort(offset, (short) value, ByteOrder.BIG_ENDIAN);
    }

    /** Writes to memory, unchecked: to an array, or without one to an address. */
    static void putShort(byte[] base, long address, int value) {
        UnsafeApi.putShort(base, address, LITTLE_ENDIAN ? Short.reverseBytes((short) value) : (short) value);
    }

    /** Writes to memory, unchecked: to an array, or without one to an address. */
    static void putInt(byte[] base, long address, int value) {
        UnsafeApi.putInt(base, address, LITTLE_ENDIAN ? Integer.reverseBytes(value) : value);
    }

    /**
     * Copies at least 8 bytes between places that do not overlap, unchecked. Written out because {@code putBytes} costs more
     * than the 50 to 80 bytes of a header are worth (OffloadBenchmark).
     */
    static void copy(byte[] source, long from, byte[] target, long to, int length) {
        int last = length - WORD;
        for (int i = 0; i < last; i += WORD) {
            UnsafeApi.putLong(target, to + i, UnsafeApi.getLong(source, from + i));
        }
        UnsafeApi.putLong(target, to + last, UnsafeApi.getLong(source, from + last));
    }
}
