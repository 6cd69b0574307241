package org.weft.dataplane.io.linux;

import java.nio.ByteBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * A netlink socket for requests with one answer each, and the buffer of both (include/uapi/linux/netlink.h). One thread
 * uses it; nothing is allocated after it was opened.
 */
final class Netlink implements AutoCloseable {
    static final int NETLINK_ROUTE = 0;
    static final int NETLINK_XFRM = 6;

    /** struct nlmsghdr: length, type, flags, sequence, port. */
    static final int HEADER_LENGTH = 16;

    private static final int TYPE_OFFSET = 4;
    private static final int FLAGS_OFFSET = 6;
    private static final int SEQUENCE_OFFSET = 8;
    private static final int NLM_F_REQUEST = 1;
    private static final int NLMSG_ERROR = 2;

    /** struct nlattr: length with this header, type; padded to four bytes. */
    private static final int ATTRIBUTE_HEADER_LENGTH = 4;

    private static final int ATTRIBUTE_TYPE_OFFSET = 2;
    private static final int ATTRIBUTE_TYPE_MASK = 0x3fff;
    private static final int BUFFER_LENGTH = 8192;

    private final UnsafeBuffer buffer = new UnsafeBuffer(ByteBuffer.allocateDirect(BUFFER_LENGTH));
    private final int fd;
    private int length;

    /** The number of the last request; its answer has the same. */
    private int sequence;

    /** @throws LinuxException with EPROTONOSUPPORT if the kernel has no such protocol */
    Netlink(int protocol) {
        fd = LinuxException.check(
                LibC.socket(LibC.AF_NETLINK, LibC.SOCK_RAW | LibC.SOCK_CLOEXEC, protocol),
                "socket",
                "netlink protocol " + protocol);
    }

    /** Begins a request; its fixed part, all zeros, is at {@link #HEADER_LENGTH}. */
    UnsafeBuffer begin(int type, int fixedLength) {
        length = HEADER_LENGTH + fixedLength;
        buffer.setMemory(0, length, (byte) 0);
        buffer.putShort(TYPE_OFFSET, (short) type);
        buffer.putShort(FLAGS_OFFSET, (short) NLM_F_REQUEST);
        return buffer;
    }

    UnsafeBuffer buffer() {
        return buffer;
    }

    /** Adds an attribute whose length is a multiple of four. Returns where its value goes. */
    int attribute(int type, int valueLength) {
        int offset = length;
        buffer.putShort(offset, (short) (ATTRIBUTE_HEADER_LENGTH + valueLength));
        buffer.putShort(offset + ATTRIBUTE_TYPE_OFFSET, (short) type);
        length += ATTRIBUTE_HEADER_LENGTH + valueLength;
        return offset + ATTRIBUTE_HEADER_LENGTH;
    }

    /**
     * Sends the request and receives the answer, in the same buffer. Answers to requests before, which a failed read has
     * left in the socket, are skipped. Returns 0 or a negative errno.
     */
    int exchange() {
        int result = send();
        return result < 0 ? result : receive();
    }

    /** The first half of an exchange. Returns a negative errno if the kernel does not take the request. */
    int send() {
        buffer.putInt(0, length);
        buffer.putInt(SEQUENCE_OFFSET, ++sequence);
        return LibC.write(fd, buffer, 0, length);
    }

    /** The kernel has queued the answer, or made a read fail (ENOBUFS), before {@link #send} returned. */
    private int receive() {
        while (true) {
            int result = LibC.read(fd, buffer, 0, BUFFER_LENGTH);
            if (result == -Errno.EINTR) {
                continue;
            }
            if (result < HEADER_LENGTH + Integer.BYTES) {
                return result < 0 ? result : -Errno.EIO;
            }
            if (buffer.getInt(SEQUENCE_OFFSET) == sequence) {
                length = Math.min(result, buffer.getInt(0));
                return buffer.getShort(TYPE_OFFSET) == NLMSG_ERROR ? buffer.getInt(HEADER_LENGTH) : 0;
            }
        }
    }

    /** Where the value of an attribute of the answer is; 0 if it is not there. */
    int find(int type, int fixedLength) {
        return find(type, HEADER_LENGTH + fixedLength, length);
    }

    /** As above, of an attribute among those that another one holds. */
    int findIn(int value, int type) {
        int start = value - ATTRIBUTE_HEADER_LENGTH;
        return find(type, value, start + (buffer.getShort(start) & 0xffff));
    }

    private int find(int type, int from, int end) {
        int offset = from;
        while (offset + ATTRIBUTE_HEADER_LENGTH <= end) {
            int attributeLength = Math.max(ATTRIBUTE_HEADER_LENGTH, buffer.getShort(offset) & 0xffff);
            if ((buffer.getShort(offset + ATTRIBUTE_TYPE_OFFSET) & ATTRIBUTE_TYPE_MASK) == type) {
                return offset + ATTRIBUTE_HEADER_LENGTH;
            }
            offset += attributeLength + 3 & -4;
        }
        return 0;
    }

    @Override
    public void close() {
        LibC.close(fd);
    }
}
