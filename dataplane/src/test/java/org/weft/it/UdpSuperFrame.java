package org.weft.it;

import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import java.net.InetSocketAddress;
import java.nio.ByteOrder;

/** Sends datagrams of equal size in one call, as one super-frame (UDP_SEGMENT, which the JDK has not). */
final class UdpSuperFrame {
    private static final NativeLibrary LIBC = NativeLibrary.getInstance("c");
    private static final int AF_INET = 2;
    private static final int SOCK_DGRAM = 2;
    private static final int SOL_UDP = 17;
    private static final int UDP_SEGMENT = 103;

    private UdpSuperFrame() {}

    /** Sends {@code payload} cut into datagrams of {@code size} bytes, the last one shorter. */
    static void send(Netns from, InetSocketAddress to, byte[] payload, int size) {
        long sent = from.call(() -> {
            int fd = call("socket", AF_INET, SOCK_DGRAM, 0);
            try {
                Memory option = new Memory(Integer.BYTES);
                option.setInt(0, size);
                call("setsockopt", fd, SOL_UDP, UDP_SEGMENT, option, Integer.BYTES);
                Memory name = name(to);
                call("connect", fd, name, (int) name.size());
                return call("write", fd, payload, (long) payload.length);
            } finally {
                call("close", fd);
            }
        });
        if (sent != payload.length) {
            throw new AssertionError(sent + " bytes sent of " + payload.length);
        }
    }

    private static int call(String function, Object... arguments) {
        int result = LIBC.getFunction(function, Function.C_CONVENTION).invokeInt(arguments);
        if (result < 0) {
            throw new AssertionError(function + ": errno " + Native.getLastError());
        }
        return result;
    }

    /** struct sockaddr_in. */
    private static Memory name(InetSocketAddress address) {
        Memory name = new Memory(16);
        name.clear();
        name.setShort(0, (short) AF_INET);
        name.getByteBuffer(0, name.size())
                .order(ByteOrder.BIG_ENDIAN)
                .putShort(2, (short) address.getPort())
                .position(4)
                .put(address.getAddress().getAddress());
        return name;
    }
}
