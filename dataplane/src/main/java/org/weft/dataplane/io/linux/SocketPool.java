package org.weft.dataplane.io.linux;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.Errno;
import org.weft.encap.IpAddress;

/**
 * Sending sockets, one per source port, spread evenly over a range without ports in use. Any number
 * of threads may send at a time, because no message depends on an option that changes. Datagrams
 * with DF leave by sockets of their own on the same ports. {@link SocketPools} opens and closes a
 * pool, and its lock guards the fields that change.
 */
final class SocketPool {
    private static final int SEND_BUFFER_LENGTH = 4 << 20;

    private final SenderOptions options;
    private final SocketPools pools;
    private final int[] fds;
    private final int[] ports;
    private int size;

    /** The sockets that set DF, on the same ports; null until a sender wants them. */
    private volatile int[] dontFragmentFds;

    /** Index of the interface that the sockets are bound to; 0 if there is none. */
    private int deviceIndex;

    /** The number of senders that use the pool. */
    int users;

    /** Opens all or none. */
    SocketPool(SenderOptions options, SocketPools pools) {
        this.options = options;
        this.pools = pools;
        PortRange range = PortRange.of(options);
        int count = Math.min(options.sockets(), range.length());
        fds = new int[count];
        ports = new int[count];
        // The index is read before the sockets open, so that the pool notices an interface that
        // comes back meanwhile.
        deviceIndex = options.dev() == null ? 0 : Link.of(options.dev()).index();
        try {
            for (int i = 0; i < count; i++) {
                addFirstFree(range, i * range.length() / count, (i + 1) * range.length() / count);
            }
            if (size == 0) {
                String subject = options.local() + ", " + range;
                throw new LinuxException("bind", subject, Errno.EADDRINUSE, "no source port is free; widen srcport");
            }
        } catch (Throwable e) {
            close();
            throw e;
        }
    }

    /** Binds to the first free port of a stripe; a stripe without one gets no socket. */
    private void addFirstFree(PortRange range, int from, int to) {
        for (int i = from; i < to; i++) {
            int port = range.first() + i;
            int fd = range.reserved().get(port) ? -Errno.EADDRINUSE : open(port, SocketOptions.IP_PMTUDISC_DONT);
            if (fd >= 0) {
                fds[size] = fd;
                ports[size++] = port;
                return;
            }
        }
    }

    /** Returns a negative errno if the port is in use. */
    private int open(int port, int pathMtuDiscovery) {
        boolean ipv4 = options.local().isIpv4();
        String subject = options.local() + ", source port " + port;
        int fd = LinuxException.check(
                LibC.socket(
                        ipv4 ? LibC.AF_INET : LibC.AF_INET6,
                        LibC.SOCK_DGRAM | LibC.SOCK_NONBLOCK | LibC.SOCK_CLOEXEC,
                        0),
                "socket",
                subject,
                errno -> errno == Errno.EMFILE ? "raise the limit of open files (LimitNOFILE, ulimit -n)" : "");
        try {
            SocketOptions socket = new SocketOptions(fd, subject);
            configure(socket, ipv4);
            if (pathMtuDiscovery != SocketOptions.IP_PMTUDISC_DONT) {
                socket.set(
                        "IP_MTU_DISCOVER", SocketOptions.IPPROTO_IP, SocketOptions.IP_MTU_DISCOVER, pathMtuDiscovery);
            }
            int result = pools.bind(fd, options.local(), port);
            if (result == -Errno.EADDRINUSE) {
                LibC.close(fd);
                return result;
            }
            LinuxException.check(result, "bind", subject, LinuxUnderlay::bindAdvice);
            return fd;
        } catch (Throwable e) {
            LibC.close(fd);
            throw e;
        }
    }

    private void configure(SocketOptions socket, boolean ipv4) {
        socket.dropAll().family(ipv4).sendBuffer(SEND_BUFFER_LENGTH);
        if (ipv4 && !options.udpChecksum()) {
            socket.noChecksum();
        }
        if (!ipv4) {
            socket.noFlowLabel();
        }
        if (!ipv4 && options.ipv6ZeroChecksum()) {
            socket.noChecksum6Transmit();
        }
        if (options.dev() != null) {
            socket.device(options.dev());
        }
    }

    /** Returns 0 or a negative errno. */
    static int bind(int fd, IpAddress local, int port) {
        UnsafeBuffer name = new UnsafeBuffer(ByteBuffer.allocateDirect(SocketAddress.IPV6_LENGTH));
        return LibC.bind(fd, name, SocketAddress.put(name, 0, local, port));
    }

    SenderOptions options() {
        return options;
    }

    int size() {
        return size;
    }

    /**
     * @param dontFragment whether the socket sets DF; only after {@link #openForDontFragment}, and
     *     for IPv4
     */
    int fd(int index, boolean dontFragment) {
        return dontFragment ? dontFragmentFds[index] : fds[index];
    }

    int port(int index) {
        return ports[index];
    }

    /** Source ports, ascending. */
    int[] ports() {
        return Arrays.copyOf(ports, size);
    }

    /**
     * Opens the sockets that set DF, unless they are open.
     *
     * @throws LinuxException in a sentence for the operator; none of them is left open
     */
    void openForDontFragment() {
        synchronized (pools) {
            if (dontFragmentFds == null && options.local().isIpv4()) {
                dontFragmentFds = openAgain();
            }
        }
    }

    private int[] openAgain() {
        int[] opened = new int[size];
        int count = 0;
        try {
            for (; count < size; count++) {
                opened[count] = LinuxException.check(
                        open(ports[count], SocketOptions.IP_PMTUDISC_DO),
                        "bind",
                        options.local() + ", source port " + ports[count]);
            }
            return opened;
        } catch (Throwable e) {
            closeAll(opened, count);
            throw e;
        }
    }

    /**
     * Binds to the interface again, if it came back as another one.
     *
     * @param index that it has now
     */
    void followDevice(int index) {
        synchronized (pools) {
            if (options.dev() != null && index != deviceIndex) {
                bindToDevice(fds);
                if (dontFragmentFds != null) {
                    bindToDevice(dontFragmentFds);
                }
                deviceIndex = index;
            }
        }
    }

    private void bindToDevice(int[] sockets) {
        for (int i = 0; i < size; i++) {
            new SocketOptions(sockets[i], options.local() + ", source port " + ports[i]).device(options.dev());
        }
    }

    void close() {
        if (dontFragmentFds != null) {
            closeAll(dontFragmentFds, size);
            dontFragmentFds = null;
        }
        closeAll(fds, size);
        size = 0;
    }

    private void closeAll(int[] sockets, int count) {
        for (int i = 0; i < count; i++) {
            pools.close(sockets[i], ports[i]);
            sockets[i] = -1;
        }
    }
}
