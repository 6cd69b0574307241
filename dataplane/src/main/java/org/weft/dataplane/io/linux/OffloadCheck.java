package org.weft.dataplane.io.linux;

import java.nio.ByteBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.Errno;
import org.weft.encap.IpAddress;

/**
 * What a trial over loopback says of the kernel's UDP offloads.
 *
 * @param gso whether a message for several datagrams may be sent (UDP_SEGMENT)
 * @param gro whether several datagrams may be received as one (UDP_GRO)
 * @param trouble a sentence why one does not work, or why the trial says nothing; null if both work
 */
public record OffloadCheck(boolean gso, boolean gro, String trouble) {
    static final IpAddress LOOPBACK = IpAddress.parse("127.0.0.1");
    private static final int SEGMENT = 1_000;

    /** The last is shorter. */
    private static final int SEGMENTS = 5;

    private static final int LENGTH = SEGMENT * SEGMENTS - SEGMENT / 2;
    private static final int WAIT_MILLIS = 40;

    // include/uapi/asm-generic/poll.h: struct pollfd
    private static final int POLLFD_LENGTH = 8;
    private static final int POLLFD_EVENTS_OFFSET = 4;
    private static final short POLLIN = 1;

    /** Sends a message of several datagrams to itself and looks at what arrives. Takes under 100 ms, mostly under 1 ms. */
    public static OffloadCheck run() {
        int receiver = -1;
        int sender = -1;
        try {
            receiver = open();
            sender = open();
            return run(sender, receiver);
        } catch (LinuxException e) {
            return untried(e.getMessage());
        } finally {
            LibC.close(sender);
            LibC.close(receiver);
        }
    }

    /** Opens a socket on a free port of the loopback address. */
    static int open() {
        int type = LibC.SOCK_DGRAM | LibC.SOCK_NONBLOCK | LibC.SOCK_CLOEXEC;
        int fd = LinuxException.check(LibC.socket(LibC.AF_INET, type, 0), "socket", "for the offload check");
        UnsafeBuffer name = new UnsafeBuffer(ByteBuffer.allocateDirect(SocketAddress.IPV4_LENGTH));
        int result = LibC.bind(fd, name, SocketAddress.put(name, 0, LOOPBACK, 0));
        if (result < 0) {
            LibC.close(fd);
            throw new LinuxException("bind", LOOPBACK.toString(), -result, "");
        }
        return fd;
    }

    private static OffloadCheck run(int sender, int receiver) {
        int merging = new SocketOptions(receiver, "offload check").receiveMerged(true);
        UnsafeBuffer sent = new UnsafeBuffer(ByteBuffer.allocateDirect(LENGTH));
        for (int i = 0; i < LENGTH; i++) {
            sent.putByte(i, (byte) (i * 31 + i / SEGMENT));
        }
        int result = send(sender, port(receiver), sent);
        if (UdpSegmentation.isRefusal(-result)) {
            return new OffloadCheck(false, merging == 0, refused("UDP_SEGMENT", -result));
        }
        if (result < 0) {
            return untried("sendmmsg: " + Errno.name(-result) + " (" + LibC.strerror(-result) + ")");
        }
        return receive(receiver, merging, sent);
    }

    /** The port that a socket is bound to. */
    static int port(int fd) {
        UnsafeBuffer name = new UnsafeBuffer(ByteBuffer.allocateDirect(SocketAddress.IPV4_LENGTH + Integer.BYTES));
        name.putInt(SocketAddress.IPV4_LENGTH, SocketAddress.IPV4_LENGTH);
        LinuxException.check(LibC.getsockname(fd, name, SocketAddress.IPV4_LENGTH), "getsockname", "offload check");
        return SocketAddress.port(name, 0);
    }

    private static int send(int fd, int port, UnsafeBuffer payload) {
        MessageVector message = new MessageVector(1);
        message.nameLength(0, SocketAddress.put(message.buffer(), message.name(0), LOOPBACK, port));
        message.piece(0, payload.addressOffset(), LENGTH);
        message.addShortControl(0, SocketOptions.IPPROTO_UDP, SocketOptions.UDP_SEGMENT, SEGMENT);
        return message.send(fd, 0, 1);
    }

    private static OffloadCheck receive(int fd, int merging, UnsafeBuffer sent) {
        UnsafeBuffer received = new UnsafeBuffer(ByteBuffer.allocateDirect(2 * LENGTH));
        MessageVector message = new MessageVector(1);
        int length = 0;
        int messages = 0;
        int segment = 0;
        while (length < LENGTH && await(fd)) {
            message.resetForReceive(0);
            message.piece(0, received.addressOffset() + length, LENGTH);
            if (message.receive(fd, 1) == 1) {
                segment = message.controlInt(0, SocketOptions.IPPROTO_UDP, SocketOptions.UDP_GRO);
                length += message.transferred(0);
                messages++;
            }
        }
        boolean whole = length == LENGTH;
        for (int i = 0; i < LENGTH && whole; i++) {
            whole = received.getByte(i) == sent.getByte(i);
        }
        if (!whole) {
            return new OffloadCheck(false, false, "over loopback, a message cut by UDP_SEGMENT arrived damaged");
        }
        if (merging < 0) {
            return new OffloadCheck(true, false, refused("UDP_GRO", -merging));
        }
        if (messages == 1 && segment == SEGMENT) {
            return new OffloadCheck(true, true, null);
        }
        return new OffloadCheck(
                true,
                false,
                "over loopback, UDP_GRO handed over " + SEGMENTS + " datagrams as " + messages
                        + " and said that each has " + segment + " bytes, not " + SEGMENT);
    }

    /** Whether something to read comes in time. */
    static boolean await(int fd) {
        UnsafeBuffer pollfd = new UnsafeBuffer(ByteBuffer.allocateDirect(POLLFD_LENGTH));
        pollfd.putInt(0, fd);
        pollfd.putShort(POLLFD_EVENTS_OFFSET, POLLIN);
        return LibC.poll(pollfd, 1, WAIT_MILLIS) > 0;
    }

    private static String refused(String option, int errno) {
        return "the kernel refused " + option + " over loopback with " + Errno.name(errno) + " (" + LibC.strerror(errno)
                + ")";
    }

    /** Without a trial both are taken to work: what does not is noticed when it is first used. */
    private static OffloadCheck untried(String why) {
        return new OffloadCheck(true, true, "UDP_SEGMENT and UDP_GRO were not tried over loopback: " + why);
    }
}
