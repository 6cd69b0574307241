package org.weft.dataplane.io.linux;

import java.nio.ByteOrder;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.encap.IpAddress;

/** struct sockaddr_in and sockaddr_in6 (include/uapi/linux/in.h, in6.h) in a buffer. */
final class SocketAddress {
    static final int IPV4_LENGTH = 16;
    static final int IPV6_LENGTH = 28;

    private static final int FAMILY_OFFSET = 0;
    private static final int PORT_OFFSET = 2;
    private static final int IPV4_ADDRESS_OFFSET = 4;
    static final int IPV6_ADDRESS_OFFSET = 8;

    private SocketAddress() {}

    /** Writes an IPv4 address in its short form. Returns its length. */
    static int putIpv4(UnsafeBuffer buffer, int offset, long low, int port) {
        buffer.putShort(offset + FAMILY_OFFSET, (short) LibC.AF_INET);
        buffer.putShort(offset + PORT_OFFSET, (short) port, ByteOrder.BIG_ENDIAN);
        buffer.putInt(offset + IPV4_ADDRESS_OFFSET, (int) low, ByteOrder.BIG_ENDIAN);
        return IPV4_LENGTH;
    }

    /** Writes an IPv6 address without flow label and scope. Returns its length. */
    static int putIpv6(UnsafeBuffer buffer, int offset, long high, long low, int port) {
        buffer.putShort(offset + FAMILY_OFFSET, (short) LibC.AF_INET6);
        buffer.putShort(offset + PORT_OFFSET, (short) port, ByteOrder.BIG_ENDIAN);
        buffer.putLong(offset + IPV6_ADDRESS_OFFSET, high, ByteOrder.BIG_ENDIAN);
        buffer.putLong(offset + IPV6_ADDRESS_OFFSET + Long.BYTES, low, ByteOrder.BIG_ENDIAN);
        return IPV6_LENGTH;
    }

    static int put(UnsafeBuffer buffer, int offset, IpAddress address, int port) {
        return address.isIpv4()
                ? putIpv4(buffer, offset, address.low(), port)
                : putIpv6(buffer, offset, address.high(), address.low(), port);
    }

    static int port(UnsafeBuffer buffer, int offset) {
        return buffer.getShort(offset + PORT_OFFSET, ByteOrder.BIG_ENDIAN) & 0xffff;
    }

    static long high(UnsafeBuffer buffer, int offset) {
        return isIpv4(buffer, offset) ? 0 : buffer.getLong(offset + IPV6_ADDRESS_OFFSET, ByteOrder.BIG_ENDIAN);
    }

    static long low(UnsafeBuffer buffer, int offset) {
        return isIpv4(buffer, offset)
                ? IpAddress.ipv4Low(buffer.getInt(offset + IPV4_ADDRESS_OFFSET, ByteOrder.BIG_ENDIAN))
                : buffer.getLong(offset + IPV6_ADDRESS_OFFSET + Long.BYTES, ByteOrder.BIG_ENDIAN);
    }

    private static boolean isIpv4(UnsafeBuffer buffer, int offset) {
        return buffer.getShort(offset + FAMILY_OFFSET) == LibC.AF_INET;
    }
}
