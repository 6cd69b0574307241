package org.weft.dataplane.io.linux;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.linux.LinuxUnderlaySender.Options;

/** The sockets of a sender: one per source port, spread evenly over a range, ports in use left out. */
final class SocketPool {
    private static final Path KERNEL_RANGE = Path.of("/proc/sys/net/ipv4/ip_local_port_range");
    private static final int SEND_BUFFER_LENGTH = 4 << 20;

    private final Options options;
    private final int[] fds;
    private final int[] ports;
    private int size;

    /** Opens all or none. */
    SocketPool(Options options) {
        this.options = options;
        int min = options.portMin();
        int max = options.portMax();
        if (min == 0 && max == 0) {
            int[] range = kernelRange();
            min = range[0];
            max = range[1];
        }
        int range = Math.max(1, max - min);
        int count = Math.min(options.sockets(), range);
        fds = new int[count];
        ports = new int[count];
        try {
            for (int i = 0; i < count; i++) {
                addFirstFree(min + i * range / count, min + (i + 1) * range / count);
            }
            if (size == 0) {
                String subject = options.local() + ", ports " + min + " to " + (min + range - 1);
                throw new LinuxException("bind", subject, Errno.EADDRINUSE, "no source port is free; widen srcport");
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** First and last port, the last left out as the kernel's vxlan does. */
    private static int[] kernelRange() {
        // Not readString: it begins with a short read, and a sysctl answers the first read only.
        try (BufferedReader reader = Files.newBufferedReader(KERNEL_RANGE)) {
            String[] range = reader.readLine().strip().split("\\s+");
            return new int[] {Integer.parseInt(range[0]), Integer.parseInt(range[1])};
        } catch (IOException e) {
            throw new LinuxException("open", KERNEL_RANGE.toString(), Errno.ENOENT, "set srcport instead");
        }
    }

    /** Binds to the first free port of a stripe; a stripe without one gets no socket. */
    private void addFirstFree(int from, int to) {
        for (int port = from; port < to; port++) {
            int fd = open(port);
            if (fd >= 0) {
                fds[size] = fd;
                ports[size++] = port;
                return;
            }
        }
    }

    /** Returns a negative errno if the port is in use. */
    private int open(int port) {
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
            configure(new SocketOptions(fd, subject), ipv4);
            int result = bind(fd, port);
            if (result == -Errno.EADDRINUSE) {
                LibC.close(fd);
                return result;
            }
            LinuxException.check(result, "bind", subject, LinuxUnderlay::bindAdvice);
            return fd;
        } catch (RuntimeException e) {
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

    private int bind(int fd, int port) {
        UnsafeBuffer name = new UnsafeBuffer(ByteBuffer.allocateDirect(SocketAddress.IPV6_LENGTH));
        int length = SocketAddress.put(name, 0, options.local(), port);
        return LibC.bind(fd, name, length);
    }

    int size() {
        return size;
    }

    int fd(int index) {
        return fds[index];
    }

    int port(int index) {
        return ports[index];
    }

    /** Source ports, ascending. */
    int[] ports() {
        return Arrays.copyOf(ports, size);
    }

    void bindToDevice() {
        for (int i = 0; i < size && options.dev() != null; i++) {
            new SocketOptions(fds[i], options.local() + ", source port " + ports[i]).device(options.dev());
        }
    }

    void close() {
        while (size > 0) {
            LibC.close(fds[--size]);
            fds[size] = -1;
        }
    }
}
