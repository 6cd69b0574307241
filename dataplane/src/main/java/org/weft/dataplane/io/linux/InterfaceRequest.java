package org.weft.dataplane.io.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.agrona.concurrent.UnsafeBuffer;

/** struct ifreq (include/uapi/linux/if.h): the name of an interface, and a union of what one call takes or gives. */
final class InterfaceRequest {
    /** With the terminating zero (IFNAMSIZ). */
    static final int NAME_LENGTH = 16;

    static final int LENGTH = 40;
    private static final int DATA_OFFSET = NAME_LENGTH;

    /** struct sockaddr: sa_family, sa_data. */
    private static final int HARDWARE_ADDRESS_OFFSET = DATA_OFFSET + Short.BYTES;

    private final UnsafeBuffer buffer = new UnsafeBuffer(ByteBuffer.allocateDirect(LENGTH));

    /** Of an interface yet to be named, by its index. */
    InterfaceRequest() {}

    /** @throws IllegalArgumentException if an interface cannot have that name */
    InterfaceRequest(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
        if (bytes.length == 0 || bytes.length >= NAME_LENGTH || !name.matches("[\\x21-\\x7e&&[^/:]]+")) {
            throw new IllegalArgumentException("\"" + name + "\" is not an interface name: 1 to 15 characters,"
                    + " without spaces, slashes and colons");
        }
        buffer.putBytes(0, bytes);
    }

    /** The kernel fills it in where it is asked for a pattern such as {@code tap%d}. */
    String name() {
        return buffer.getStringWithoutLengthAscii(0, NAME_LENGTH).replaceFirst("\\00.*", "");
    }

    /** Makes a call that takes this request, and may change it. Returns 0 or a negative errno. */
    int ioctl(int fd, long call) {
        return LibC.ioctl(fd, call, buffer);
    }

    /** ifr_flags; the union's 16 bits. */
    int flags() {
        return buffer.getShort(DATA_OFFSET) & 0xffff;
    }

    InterfaceRequest flags(int flags) {
        buffer.putShort(DATA_OFFSET, (short) flags);
        return this;
    }

    /** ifr_ifindex, ifr_mtu: the union's 32 bits. */
    int value() {
        return buffer.getInt(DATA_OFFSET);
    }

    InterfaceRequest value(int value) {
        buffer.putInt(DATA_OFFSET, value);
        return this;
    }

    /** ifr_newname: another interface name in the place of the union. */
    InterfaceRequest newName(String name) {
        buffer.putBytes(DATA_OFFSET, new InterfaceRequest(name).buffer, 0, NAME_LENGTH);
        return this;
    }

    /** ifr_hwaddr, as {@link org.weft.encap.MacAddress}. */
    long hardwareAddress() {
        return (buffer.getShort(HARDWARE_ADDRESS_OFFSET, ByteOrder.BIG_ENDIAN) & 0xffffL) << 32
                | buffer.getInt(HARDWARE_ADDRESS_OFFSET + Short.BYTES, ByteOrder.BIG_ENDIAN) & 0xffff_ffffL;
    }

    InterfaceRequest hardwareAddress(int family, long mac) {
        buffer.putShort(DATA_OFFSET, (short) family);
        buffer.putShort(HARDWARE_ADDRESS_OFFSET, (short) (mac >>> 32), ByteOrder.BIG_ENDIAN);
        buffer.putInt(HARDWARE_ADDRESS_OFFSET + Short.BYTES, (int) mac, ByteOrder.BIG_ENDIAN);
        return this;
    }
}
