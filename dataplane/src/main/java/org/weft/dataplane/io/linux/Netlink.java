package org.weft.dataplane.io.linux;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.Errno;

/**
 * A netlink socket and the buffer for its requests and answers (include/uapi/linux/netlink.h). One
 * thread uses it. A request with one answer allocates nothing.
 */
final class Netlink implements AutoCloseable {
    static final int NETLINK_ROUTE = 0;
    static final int NETLINK_XFRM = 6;

    /** struct nlmsghdr: length, type, flags, sequence, port. */
    static final int HEADER_LENGTH = 16;

    private static final int TYPE_OFFSET = 4;
    private static final int FLAGS_OFFSET = 6;
    private static final int SEQUENCE_OFFSET = 8;
    private static final int NLM_F_REQUEST = 0x1;
    private static final int NLM_F_ACK = 0x4;
    private static final int NLM_F_DUMP = 0x300;
    static final int NLM_F_REPLACE = 0x100;
    static final int NLM_F_CREATE = 0x400;
    private static final int NLMSG_ERROR = 2;
    private static final int NLMSG_DONE = 3;

    /**
     * The answer repeats only the header of a refused request, so that the reason follows at a
     * fixed place.
     */
    private static final int NETLINK_CAP_ACK = 10;

    private static final int NETLINK_EXT_ACK = 11;
    private static final int SOL_NETLINK = 270;

    /** struct nlmsgerr with NETLINK_CAP_ACK: error, header of the request. */
    private static final int ERROR_LENGTH = Integer.BYTES + HEADER_LENGTH;

    private static final int NLMSGERR_ATTR_MSG = 1;

    /** struct nlattr: length with this header, type; padded to four bytes. */
    private static final int ATTRIBUTE_HEADER_LENGTH = 4;

    private static final int ATTRIBUTE_TYPE_OFFSET = 2;
    private static final int ATTRIBUTE_TYPE_MASK = 0x3fff;
    private static final int BUFFER_LENGTH = 8192;

    private final UnsafeBuffer buffer = new UnsafeBuffer(ByteBuffer.allocateDirect(BUFFER_LENGTH));
    private final int fd;

    /** The offsets in the buffer where the message begins and ends. */
    private int start;

    private int end;

    /** The number of the last request; its answer has the same. */
    private int sequence;

    /** Whether the kernel gives reasons (Linux 4.12). */
    private boolean explains;

    /** @throws LinuxException with EPROTONOSUPPORT if the kernel has no such protocol */
    Netlink(int protocol) {
        fd = LinuxException.check(
                LibC.socket(LibC.AF_NETLINK, LibC.SOCK_RAW | LibC.SOCK_CLOEXEC, protocol),
                "socket",
                "netlink protocol " + protocol);
    }

    /** Lets the kernel say in words why it refuses a request; see {@link #reason()}. */
    Netlink explain() {
        SocketOptions options = new SocketOptions(fd, "netlink");
        explains = options.trySet(SOL_NETLINK, NETLINK_CAP_ACK, 1) == 0
                && options.trySet(SOL_NETLINK, NETLINK_EXT_ACK, 1) == 0;
        return this;
    }

    /** Begins a request; its fixed part, all zeros, is at {@link #HEADER_LENGTH}. */
    UnsafeBuffer begin(int type, int fixedLength) {
        return begin(type, 0, fixedLength);
    }

    /** As above. The flags say what the kernel does with an entry that exists, or that does not. */
    UnsafeBuffer begin(int type, int flags, int fixedLength) {
        start = 0;
        end = HEADER_LENGTH + fixedLength;
        buffer.setMemory(0, end, (byte) 0);
        buffer.putShort(TYPE_OFFSET, (short) type);
        buffer.putShort(FLAGS_OFFSET, (short) (NLM_F_REQUEST | flags));
        return buffer;
    }

    UnsafeBuffer buffer() {
        return buffer;
    }

    /** Adds an attribute. Returns where its value goes. */
    int attribute(int type, int valueLength) {
        int offset = end;
        int padded = ATTRIBUTE_HEADER_LENGTH + (valueLength + 3 & -4);
        buffer.setMemory(offset, padded, (byte) 0);
        buffer.putShort(offset, (short) (ATTRIBUTE_HEADER_LENGTH + valueLength));
        buffer.putShort(offset + ATTRIBUTE_TYPE_OFFSET, (short) type);
        end += padded;
        return offset + ATTRIBUTE_HEADER_LENGTH;
    }

    /**
     * Sends the request and receives the answer, in the same buffer. Skips answers to earlier
     * requests, which a failed read has left in the socket. Returns 0 or a negative errno.
     */
    int exchange() {
        int result = send();
        if (result >= 0) {
            result = receive();
        }
        if (result < 0) {
            return result;
        }
        end = Math.min(result, buffer.getInt(0));
        return buffer.getShort(TYPE_OFFSET) == NLMSG_ERROR ? buffer.getInt(HEADER_LENGTH) : 0;
    }

    /**
     * Sends the request and waits until the kernel has done what it says. Returns 0 or a negative
     * errno.
     */
    int acknowledged() {
        buffer.putShort(FLAGS_OFFSET, (short) (buffer.getShort(FLAGS_OFFSET) | NLM_F_ACK));
        return exchange();
    }

    /** The kernel's own reason for refusing the last request; empty if it gave none. */
    String reason() {
        int text = explains && buffer.getShort(TYPE_OFFSET) == NLMSG_ERROR ? find(NLMSGERR_ATTR_MSG, ERROR_LENGTH) : 0;
        return text == 0 ? "" : text(text);
    }

    /** The text at the value of an attribute, without the zero that ends it. */
    String text(int value) {
        byte[] bytes = new byte[(buffer.getShort(value - ATTRIBUTE_HEADER_LENGTH) & 0xffff) - ATTRIBUTE_HEADER_LENGTH];
        buffer.getBytes(value, bytes);
        return new String(bytes, StandardCharsets.US_ASCII).replace("\0", "");
    }

    /**
     * Asks for all entries of a kind, and calls the consumer for each message of the answer. Until
     * the consumer returns, {@link #fixed} and {@link #find} are about that message.
     *
     * @return 0 or a negative errno
     */
    int dump(Runnable message) {
        buffer.putShort(FLAGS_OFFSET, (short) (buffer.getShort(FLAGS_OFFSET) | NLM_F_DUMP));
        int result = send();
        while (result >= 0) {
            int received = receive();
            if (received < 0) {
                return received;
            }
            for (start = 0; start + HEADER_LENGTH <= received; start += buffer.getInt(start) + 3 & -4) {
                int length = buffer.getInt(start);
                if (length < HEADER_LENGTH || length > received - start) {
                    return -Errno.EIO;
                }
                end = start + length;
                switch (buffer.getShort(start + TYPE_OFFSET)) {
                    case NLMSG_DONE -> {
                        return 0;
                    }
                    case NLMSG_ERROR -> {
                        return buffer.getInt(start + HEADER_LENGTH);
                    }
                    default -> message.run();
                }
            }
        }
        return result;
    }

    /**
     * The first half of an exchange. Returns a negative errno if the kernel does not take the
     * request.
     */
    int send() {
        buffer.putInt(0, end);
        buffer.putInt(SEQUENCE_OFFSET, ++sequence);
        return LibC.write(fd, buffer, 0, end);
    }

    /**
     * Receives the answer to the last request. The kernel has queued the answer, or made a read
     * fail (ENOBUFS), before {@link #send} returned. Returns the bytes received or a negative
     * errno.
     */
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
                return result;
            }
        }
    }

    /** Where the fixed part of the message is. */
    int fixed() {
        return start + HEADER_LENGTH;
    }

    /** Where the value of an attribute of the message is; 0 if it is not there. */
    int find(int type, int fixedLength) {
        return find(type, start + HEADER_LENGTH + fixedLength, end);
    }

    /** As above, of an attribute among those that another one holds. */
    int findIn(int value, int type) {
        int holder = value - ATTRIBUTE_HEADER_LENGTH;
        return find(type, value, holder + (buffer.getShort(holder) & 0xffff));
    }

    private int find(int type, int from, int limit) {
        int offset = from;
        while (offset + ATTRIBUTE_HEADER_LENGTH <= limit) {
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
