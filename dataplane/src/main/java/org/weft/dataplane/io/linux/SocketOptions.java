package org.weft.dataplane.io.linux;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.Errno;

/** Options of one socket that neither Netty nor the JDK knows. */
final class SocketOptions {
    // include/uapi/asm-generic/socket.h
    private static final int SOL_SOCKET = 1;
    private static final int SO_SNDBUF = 7;
    private static final int SO_RCVBUF = 8;
    private static final int SO_NO_CHECK = 11;
    private static final int SO_REUSEPORT = 15;
    private static final int SO_BINDTODEVICE = 25;
    private static final int SO_ATTACH_FILTER = 26;
    private static final int SO_SNDBUFFORCE = 32;
    private static final int SO_RCVBUFFORCE = 33;
    private static final int SO_MEMINFO = 55;

    // include/uapi/linux/sock_diag.h: an array of 32-bit numbers
    private static final int SK_MEMINFO_DROPS = 8;
    private static final int SK_MEMINFO_VARS = 9;

    // include/uapi/linux/in.h
    static final int IPPROTO_IP = 0;
    static final int IP_TOS = 1;
    static final int IP_TTL = 2;
    static final int IP_MTU_DISCOVER = 10;
    static final int IP_RECVTOS = 13;
    private static final int IP_FREEBIND = 15;

    /**
     * DF clear: what exceeds the MTU of the route, or of the path as routers tell it, is fragmented. The same for IPv6,
     * where routers do not fragment: what is sent longer than the path takes never arrives.
     */
    static final int IP_PMTUDISC_DONT = 0;

    /** DF set: what exceeds that MTU is refused. */
    static final int IP_PMTUDISC_DO = 2;

    // include/uapi/linux/in6.h
    static final int IPPROTO_IPV6 = 41;
    private static final int IPV6_MTU_DISCOVER = 23;
    private static final int IPV6_V6ONLY = 26;
    static final int IPV6_HOPLIMIT = 52;
    static final int IPV6_RECVTCLASS = 66;
    static final int IPV6_TCLASS = 67;
    private static final int IPV6_AUTOFLOWLABEL = 70;
    private static final int IPV6_FREEBIND = 78;

    // include/uapi/linux/udp.h
    static final int IPPROTO_UDP = 17;
    static final int UDP_NO_CHECK6_TX = 101;
    static final int UDP_NO_CHECK6_RX = 102;

    /** Since Linux 4.18. */
    static final int UDP_SEGMENT = 103;

    /** Since Linux 5.0. */
    static final int UDP_GRO = 104;

    // include/uapi/linux/filter.h: struct sock_fprog, and struct sock_filter "ret #0"
    private static final int FILTER_PROGRAM_LENGTH = 16;
    private static final int FILTER_LENGTH = 8;
    private static final long BPF_RET_K = 0x06;

    private final int fd;
    private final String subject;

    /** @param subject names the socket in errors */
    SocketOptions(int fd, String subject) {
        this.fd = fd;
        this.subject = subject;
    }

    /**
     * Lets an IPv6 socket use IPv6 only, and respects the path's MTU, as the kernel's vxlan does.
     * The local address may come later, as there: it may be missing, or duplicate address detection
     * may hold it back.
     */
    SocketOptions family(boolean ipv4) {
        if (ipv4) {
            set("IP_FREEBIND", IPPROTO_IP, IP_FREEBIND, 1);
            return set("IP_MTU_DISCOVER", IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
        }
        set("IPV6_FREEBIND", IPPROTO_IPV6, IPV6_FREEBIND, 1);
        set("IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY, 1);
        return set("IPV6_MTU_DISCOVER", IPPROTO_IPV6, IPV6_MTU_DISCOVER, IP_PMTUDISC_DONT);
    }

    /** Asks for the TOS or traffic class byte of each datagram as a control message. */
    SocketOptions receiveTos(boolean ipv4) {
        return ipv4
                ? set("IP_RECVTOS", IPPROTO_IP, IP_RECVTOS, 1)
                : set("IPV6_RECVTCLASS", IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    }

    /** Sends over IPv6 with a flow label of zero, as the kernel's vxlan does, not one made from the ports. */
    SocketOptions noFlowLabel() {
        return set("IPV6_AUTOFLOWLABEL", IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0);
    }

    /** Sends over IPv4 with a UDP checksum of zero. */
    SocketOptions noChecksum() {
        return set("SO_NO_CHECK", SOL_SOCKET, SO_NO_CHECK, 1);
    }

    /** Sends over IPv6 with a UDP checksum of zero. */
    SocketOptions noChecksum6Transmit() {
        return set("UDP_NO_CHECK6_TX", IPPROTO_UDP, UDP_NO_CHECK6_TX, 1);
    }

    /** Takes UDP checksums of zero over IPv6. */
    SocketOptions noChecksum6Receive() {
        return set("UDP_NO_CHECK6_RX", IPPROTO_UDP, UDP_NO_CHECK6_RX, 1);
    }

    /**
     * Whether other sockets of the same user with this option may bind to the port. They share its
     * flows.
     */
    SocketOptions reusePort(boolean on) {
        return set("SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, on ? 1 : 0);
    }

    /** Has datagrams of a flow that wait together handed over as one. Returns 0, or a negative errno (before Linux 5.0). */
    int receiveMerged(boolean on) {
        return trySet(IPPROTO_UDP, UDP_GRO, on ? 1 : 0);
    }

    /** Datagrams that the kernel dropped at this socket; it counts by 32 bits. */
    long drops() {
        int length = SK_MEMINFO_VARS * Integer.BYTES;
        UnsafeBuffer value = new UnsafeBuffer(ByteBuffer.allocateDirect(length + Integer.BYTES));
        value.putInt(length, length);
        LinuxException.check(LibC.getsockopt(fd, SOL_SOCKET, SO_MEMINFO, value, length), "SO_MEMINFO", subject);
        return value.getInt(SK_MEMINFO_DROPS * Integer.BYTES) & 0xffff_ffffL;
    }

    /** Binds the socket to an interface as it is now; again after it came back with another index. */
    SocketOptions device(String name) {
        byte[] bytes = (name + '\0').getBytes(StandardCharsets.US_ASCII);
        UnsafeBuffer value = new UnsafeBuffer(ByteBuffer.allocateDirect(bytes.length));
        value.putBytes(0, bytes);
        LinuxException.check(
                LibC.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, value, bytes.length),
                "SO_BINDTODEVICE " + name,
                subject,
                errno -> errno == Errno.ENODEV
                        ? "there is no such interface in this network namespace"
                        : errno == Errno.EPERM ? "needs CAP_NET_RAW, run as root" : "");
        return this;
    }

    /** Drops whatever arrives before it is queued. */
    SocketOptions dropAll() {
        return filter(BPF_RET_K);
    }

    /**
     * Lets a classic BPF program choose what the socket receives. Each instruction is a struct
     * sock_filter.
     */
    SocketOptions filter(long... instructions) {
        int length = FILTER_PROGRAM_LENGTH + FILTER_LENGTH * instructions.length;
        UnsafeBuffer program = new UnsafeBuffer(ByteBuffer.allocateDirect(length));
        program.putShort(0, (short) instructions.length);
        program.putLong(Long.BYTES, program.addressOffset() + FILTER_PROGRAM_LENGTH);
        for (int i = 0; i < instructions.length; i++) {
            program.putLong(FILTER_PROGRAM_LENGTH + FILTER_LENGTH * i, instructions[i]);
        }
        LinuxException.check(
                LibC.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program, FILTER_PROGRAM_LENGTH),
                "SO_ATTACH_FILTER",
                subject);
        return this;
    }

    /** Asks for a receive buffer beyond net.core.rmem_max, then for what is allowed. Returns the bytes granted. */
    int receiveBuffer(int bytes) {
        return buffer(bytes, SO_RCVBUFFORCE, SO_RCVBUF, "SO_RCVBUF");
    }

    /** Asks for a send buffer beyond net.core.wmem_max, then for what is allowed. Returns the bytes granted. */
    int sendBuffer(int bytes) {
        return buffer(bytes, SO_SNDBUFFORCE, SO_SNDBUF, "SO_SNDBUF");
    }

    private int buffer(int bytes, int forced, int allowed, String name) {
        if (trySet(SOL_SOCKET, forced, bytes) == -Errno.EPERM) {
            set(name, SOL_SOCKET, allowed, bytes);
        }
        // The kernel doubles what it is given, for its own bookkeeping, and tells the double.
        return get(name, SOL_SOCKET, allowed) / 2;
    }

    /** Sets an integer option; the errno, if that fails, is thrown. */
    SocketOptions set(String name, int level, int option, int value) {
        LinuxException.check(trySet(level, option, value), name, subject);
        return this;
    }

    /** Sets an integer option. Returns 0 or a negative errno. */
    int trySet(int level, int option, int value) {
        UnsafeBuffer buffer = new UnsafeBuffer(ByteBuffer.allocateDirect(Integer.BYTES));
        buffer.putInt(0, value);
        return LibC.setsockopt(fd, level, option, buffer, Integer.BYTES);
    }

    private int get(String name, int level, int option) {
        UnsafeBuffer buffer = new UnsafeBuffer(ByteBuffer.allocateDirect(2 * Integer.BYTES));
        buffer.putInt(Integer.BYTES, Integer.BYTES);
        LinuxException.check(LibC.getsockopt(fd, level, option, buffer, Integer.BYTES), name, subject);
        return buffer.getInt(0);
    }
}
