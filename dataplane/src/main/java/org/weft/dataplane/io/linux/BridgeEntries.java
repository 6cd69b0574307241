package org.weft.dataplane.io.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.Errno;

/**
 * Hears of forwarding entries that {@code bridge fdb} puts on devices of this network namespace
 * (RTNLGRP_NEIGH). A TAP has no forwarding table of its own. For such a device the kernel takes an
 * entry as an address filter, leaves out the remote and reports success (ndo_dflt_fdb_add of
 * net/core/rtnetlink.c).
 *
 * <p>One thread uses it. No call waits. The socket's buffer keeps as many messages as it has room
 * for, and loses the rest.
 */
public final class BridgeEntries implements AutoCloseable {
    // include/uapi/linux/rtnetlink.h, include/uapi/linux/neighbour.h, include/linux/socket.h
    private static final int RTM_NEWNEIGH = 28;
    private static final int GROUPS = 1 << 2; // RTNLGRP_NEIGH is group 3
    private static final int AF_BRIDGE = 7;
    private static final int NTF_SELF = 0x2;
    private static final int NDA_LLADDR = 2;
    private static final int MAC_LENGTH = 6;

    /** struct nlmsghdr and struct ndmsg: family, three bytes, index, state, flags, type. */
    private static final int TYPE_OFFSET = 4;

    private static final int FAMILY_OFFSET = 16;
    private static final int INDEX_OFFSET = 20;
    private static final int ENTRY_FLAGS_OFFSET = 26;
    private static final int ATTRIBUTES_OFFSET = 28;

    /** struct sockaddr_nl: family, two bytes, port, groups. */
    private static final int ADDRESS_LENGTH = 12;

    private static final int GROUPS_OFFSET = 8;

    // include/uapi/linux/bpf_common.h: BPF_LD | BPF_B | BPF_ABS and so on
    private static final int LOAD_BYTE = 0x30;
    private static final int JUMP_IF_EQUAL = 0x15;
    private static final int JUMP_IF_SET = 0x45;
    private static final int RETURN = 0x06;

    private static final int BUFFER_LENGTH = 8192;

    /**
     * The maximum number of messages in one call, so that a flood of them does not keep the thread.
     */
    private static final int MESSAGES = 1024;

    private final UnsafeBuffer buffer = new UnsafeBuffer(ByteBuffer.allocateDirect(BUFFER_LENGTH));
    private final int fd;

    /** Learns of an entry. */
    public interface Listener {
        /** @param mac as {@link org.weft.encap.MacAddress} */
        void added(int ifindex, long mac);
    }

    /** @throws LinuxException if the kernel has no such socket; nothing is left open */
    public BridgeEntries() {
        int type = LibC.SOCK_RAW | LibC.SOCK_CLOEXEC | LibC.SOCK_NONBLOCK;
        fd = LinuxException.check(
                LibC.socket(LibC.AF_NETLINK, type, Netlink.NETLINK_ROUTE), "socket", "netlink for entries of bridges");
        try {
            filter();
            UnsafeBuffer address = new UnsafeBuffer(ByteBuffer.allocateDirect(ADDRESS_LENGTH));
            address.putShort(0, (short) LibC.AF_NETLINK);
            address.putInt(GROUPS_OFFSET, GROUPS);
            LinuxException.check(LibC.bind(fd, address, ADDRESS_LENGTH), "bind", "netlink for entries of bridges");
        } catch (LinuxException e) {
            close();
            throw e;
        }
    }

    /**
     * Keeps out IP neighbours and addresses that bridges learn, so that they take no room in the
     * socket's buffer. The type of a message is in its low byte, which x86-64 and aarch64 have
     * first.
     */
    private void filter() {
        new SocketOptions(fd, "netlink for entries of bridges")
                .filter(
                        instruction(LOAD_BYTE, 0, 0, TYPE_OFFSET),
                        instruction(JUMP_IF_EQUAL, 0, 5, RTM_NEWNEIGH),
                        instruction(LOAD_BYTE, 0, 0, FAMILY_OFFSET),
                        instruction(JUMP_IF_EQUAL, 0, 3, AF_BRIDGE),
                        instruction(LOAD_BYTE, 0, 0, ENTRY_FLAGS_OFFSET),
                        instruction(JUMP_IF_SET, 0, 1, NTF_SELF),
                        instruction(RETURN, 0, 0, BUFFER_LENGTH),
                        instruction(RETURN, 0, 0, 0));
    }

    /** struct sock_filter: code, jumps if true and if false, operand. */
    private static long instruction(int code, int ifTrue, int ifFalse, int operand) {
        return code | (long) ifTrue << 16 | (long) ifFalse << 24 | (long) operand << 32;
    }

    /**
     * Reports the entries that were added since the last call, at most a thousand. Does not wait.
     */
    public void hear(Listener listener) {
        for (int i = 0; i < MESSAGES; i++) {
            int received = LibC.read(fd, buffer, 0, BUFFER_LENGTH);
            if (received >= ATTRIBUTES_OFFSET) {
                tell(listener, Math.min(received, buffer.getInt(0)));
            } else if (received != -Errno.ENOBUFS && received != -Errno.EINTR) {
                return; // After ENOBUFS, which tells of lost ones, the others can be read.
            }
        }
    }

    private void tell(Listener listener, int end) {
        int offset = ATTRIBUTES_OFFSET;
        while (offset + Integer.BYTES + MAC_LENGTH <= end) {
            int length = buffer.getShort(offset) & 0xffff;
            if (buffer.getShort(offset + Short.BYTES) == NDA_LLADDR && length == Integer.BYTES + MAC_LENGTH) {
                long high = buffer.getShort(offset + Integer.BYTES, ByteOrder.BIG_ENDIAN) & 0xffffL;
                int low = buffer.getInt(offset + Integer.BYTES + Short.BYTES, ByteOrder.BIG_ENDIAN);
                listener.added(buffer.getInt(INDEX_OFFSET), high << Integer.SIZE | low & 0xffff_ffffL);
                return;
            }
            offset += Math.max(Integer.BYTES, length + 3 & -4);
        }
    }

    @Override
    public void close() {
        LibC.close(fd);
    }
}
