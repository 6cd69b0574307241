package org.weft.it;

import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Sends a TCP super-frame over IPv4, with VLAN tags, out of a device as the host's stack would (PACKET_VNET_HDR). */
final class TcpSuperFrame {
    private static final NativeLibrary LIBC = NativeLibrary.getInstance("c");
    private static final int AF_PACKET = 17;
    private static final int SOCK_RAW = 3;
    private static final int SOL_PACKET = 263;
    private static final int PACKET_VNET_HDR = 15;
    private static final int ETH_P_ALL = 0x0300;

    private static final int VNET_LENGTH = 10;
    private static final int NEEDS_CSUM = 1;
    private static final int GSO_TCPV4 = 1;
    private static final int IP_LENGTH = 20;
    private static final int TCP_LENGTH = 20;
    private static final int TCP_CHECKSUM = 16;

    private TcpSuperFrame() {}

    /**
     * Sends it.
     *
     * @param frame an IPv4 TCP packet without options behind so many tags; its TCP checksum is that of the pseudo-header
     * @param size of the segments' payload
     */
    static void send(Netns from, String device, byte[] frame, int tags, int size) {
        int transport = 14 + 4 * tags + IP_LENGTH;
        byte[] message = ByteBuffer.allocate(VNET_LENGTH + frame.length)
                .order(ByteOrder.nativeOrder())
                .put((byte) NEEDS_CSUM)
                .put((byte) GSO_TCPV4)
                .putShort((short) (transport + TCP_LENGTH))
                .putShort((short) size)
                .putShort((short) transport)
                .putShort((short) TCP_CHECKSUM)
                .put(frame)
                .array();
        from.call(() -> {
            int fd = call("socket", AF_PACKET, SOCK_RAW, ETH_P_ALL);
            try {
                Memory one = new Memory(Integer.BYTES);
                one.setInt(0, 1);
                call("setsockopt", fd, SOL_PACKET, PACKET_VNET_HDR, one, Integer.BYTES);
                Memory name = name(call("if_nametoindex", device));
                return call("sendto", fd, message, (long) message.length, 0, name, (int) name.size());
            } finally {
                call("close", fd);
            }
        });
    }

    private static int call(String function, Object... arguments) {
        int result = LIBC.getFunction(function, Function.C_CONVENTION).invokeInt(arguments);
        if (result < 0) {
            throw new AssertionError(function + ": errno " + Native.getLastError());
        }
        return result;
    }

    /** struct sockaddr_ll. */
    private static Memory name(int index) {
        Memory name = new Memory(20);
        name.clear();
        name.setShort(0, (short) AF_PACKET);
        name.setShort(2, (short) 0);
        name.setInt(4, index);
        return name;
    }
}
