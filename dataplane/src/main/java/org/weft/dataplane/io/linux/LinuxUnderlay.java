package org.weft.dataplane.io.linux;

import io.netty.channel.ChannelFuture;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.unix.Errors.NativeIoException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.Underlay;
import org.weft.encap.IpAddress;

/** The receiving UDP socket on the VXLAN port. Its channel belongs to a worker; {@link #receive} to one thread. */
public final class LinuxUnderlay implements Underlay {
    private static final Logger LOG = LoggerFactory.getLogger(LinuxUnderlay.class);

    /** How many datagrams one call can take. */
    private static final int BATCH = 64;

    private static final int RECEIVE_BUFFER_LENGTH = 32 << 20;

    /** A payload starts this much in front of a frame: its VXLAN header, so that the inner frame is where frames are. */
    private static final int VXLAN_HEADER_LENGTH = 8;

    private static final int MAX_PAYLOAD_LENGTH = VXLAN_HEADER_LENGTH + FrameSlab.MAX_FRAME_LENGTH;

    private final EpollDatagramChannel channel;
    private final SocketOptions options;
    private final String dev;
    private final IpAddress local;
    private final int port;
    private final int tosLevel;
    private final int tosType;
    private final MessageVector messages = new MessageVector(BATCH);

    /** Memory address that each message is received into. */
    private final long[] payloads = new long[BATCH];

    private final Frame frame = new Frame();

    private volatile boolean gro;
    private volatile String groTrouble;

    /** -1 once closed: the kernel gives the number to another file. */
    private int fd;

    private LinuxUnderlay(EpollDatagramChannel channel, SocketOptions options, String dev, int fd, IpAddress local) {
        boolean ipv4 = local.isIpv4();
        this.local = local;
        this.port = channel.localAddress().getPort();
        this.channel = channel;
        this.options = options;
        this.dev = dev;
        this.fd = fd;
        this.tosLevel = ipv4 ? SocketOptions.IPPROTO_IP : SocketOptions.IPPROTO_IPV6;
        this.tosType = ipv4 ? SocketOptions.IP_TOS : SocketOptions.IPV6_TCLASS;
        for (int i = 0; i < BATCH; i++) {
            messages.resetForReceive(i);
        }
        gro(true);
    }

    /**
     * Binds the socket. Not from the worker's own thread.
     *
     * @param local underlay address; any IPv6 address makes the socket IPv6 only
     * @param dev the only interface to receive from, or null
     * @param port UDP port; 0 lets the kernel choose, see {@link #port()}
     * @param ipv6ZeroChecksum whether datagrams with a UDP checksum of zero are taken over IPv6
     * @throws LinuxException in a sentence for the operator
     */
    public static LinuxUnderlay bind(Worker worker, IpAddress local, String dev, int port, boolean ipv6ZeroChecksum) {
        return bind(List.of(worker), local, dev, port, ipv6ZeroChecksum).get(0);
    }

    /**
     * Binds a socket for each worker to the same port (SO_REUSEPORT). The kernel shares flows out among them by both
     * addresses and ports, so a flow stays with one.
     *
     * @throws LinuxException as above, also if only sockets of others have the port; no socket is left open
     */
    public static List<LinuxUnderlay> bind(
            List<Worker> workers, IpAddress local, String dev, int port, boolean ipv6ZeroChecksum) {
        List<LinuxUnderlay> sockets = new ArrayList<>();
        try {
            for (Worker worker : workers) {
                boolean first = sockets.isEmpty();
                int shared = first ? port : sockets.get(0).port();
                sockets.add(bind(worker, local, dev, shared, ipv6ZeroChecksum, !first));
                if (first && workers.size() > 1) {
                    // Not before the bind, which would then succeed beside a socket of another process.
                    sockets.get(0).options.reusePort(true);
                }
            }
            return List.copyOf(sockets);
        } catch (Throwable e) {
            sockets.forEach(LinuxUnderlay::close);
            throw e;
        }
    }

    private static LinuxUnderlay bind(
            Worker worker, IpAddress local, String dev, int port, boolean ipv6ZeroChecksum, boolean reusePort) {
        boolean ipv4 = local.isIpv4();
        String subject = ipv4 ? local + ":" + port : "[" + local + "]:" + port;
        EpollDatagramChannel channel =
                new EpollDatagramChannel(ipv4 ? SocketProtocolFamily.INET : SocketProtocolFamily.INET6);
        try {
            channel.config().setAutoRead(false);
            worker.loop().register(channel).syncUninterruptibly();
            SocketOptions options = new SocketOptions(channel.fd().intValue(), "socket " + subject);
            configure(options, ipv4, dev, ipv6ZeroChecksum, subject);
            if (reusePort) {
                options.reusePort(true);
            }
            ChannelFuture bound = channel.bind(new InetSocketAddress(local.toInetAddress(), port));
            if (bound.awaitUninterruptibly().cause() != null) {
                throw bindFailure(bound.cause(), subject);
            }
            int fd = LinuxException.check(LibC.duplicate(channel.fd().intValue()), "fcntl F_DUPFD_CLOEXEC", subject);
            return new LinuxUnderlay(channel, options, dev, fd, local);
        } catch (Throwable e) {
            if (channel.isRegistered()) {
                channel.close().awaitUninterruptibly();
            } else {
                channel.unsafe().closeForcibly();
            }
            throw e;
        }
    }

    private static void configure(
            SocketOptions options, boolean ipv4, String dev, boolean ipv6ZeroChecksum, String subject) {
        options.family(ipv4).receiveTos(ipv4);
        if (!ipv4 && ipv6ZeroChecksum) {
            options.noChecksum6Receive();
        }
        if (dev != null) {
            options.device(dev);
        }
        int granted = options.receiveBuffer(RECEIVE_BUFFER_LENGTH);
        if (granted < RECEIVE_BUFFER_LENGTH) {
            LOG.warn(
                    "{}: receive buffer is {} KB only, bursts will be lost: raise net.core.rmem_max or run with"
                            + " CAP_NET_ADMIN",
                    subject,
                    granted >> 10);
        } else {
            LOG.info("{}: receive buffer is {} KB", subject, granted >> 10);
        }
    }

    private static RuntimeException bindFailure(Throwable cause, String subject) {
        if (cause instanceof NativeIoException e) {
            int errno = Math.abs(e.expectedErr());
            return new LinuxException("bind", subject, errno, bindAdvice(errno));
        }
        return new IllegalStateException("bind " + subject + ": " + cause.getMessage(), cause);
    }

    static String bindAdvice(int errno) {
        return switch (errno) {
            case Errno.EADDRINUSE ->
                "another socket has this port, usually the kernel's own vxlan device; find it with"
                        + " \"ip -d link show type vxlan\" or \"ss -lunp\", and remove it or choose another port";
            case Errno.EACCES ->
                "the daemon gives up the right to ports below 1024 (CAP_NET_BIND_SERVICE): choose a higher one, or lower"
                        + " net.ipv4.ip_unprivileged_port_start";
            default -> "";
        };
    }

    /** Descriptor to poll for reading; owned by this socket. */
    public int fd() {
        return fd;
    }

    @Override
    public long localHigh() {
        return local.high();
    }

    @Override
    public long localLow() {
        return local.low();
    }

    @Override
    public int port() {
        return port;
    }

    /** Binds to the interface again, after it came back with another index. */
    public void bindToDevice() {
        if (dev != null) {
            options.device(dev);
        }
    }

    /** Whether the kernel hands over the waiting datagrams of a flow as one (UDP_GRO). */
    public boolean gro() {
        return gro;
    }

    /**
     * Switches that, from any thread. Switched off, datagrams that were merged already and wait in the socket come without
     * the length of their parts: do so only before anything can have arrived.
     */
    public void gro(boolean on) {
        int result = options.receiveMerged(on);
        gro = on && result == 0;
        groTrouble = on && result < 0
                ? "the kernel refused UDP_GRO with " + Errno.name(-result) + " (" + LibC.strerror(-result) + ")"
                : null;
    }

    /** Why {@link #gro()} is off although it was not switched off, for an operator; or null. */
    public String groTrouble() {
        return groTrouble;
    }

    /**
     * Datagrams that the kernel dropped at this socket since it was opened: it had no room, or their UDP checksum was
     * wrong. The kernel counts to 4,294,967,295 and begins again.
     *
     * @throws LinuxException if the socket is closed
     */
    public long overflows() {
        return options.drops();
    }

    @Override
    public int receive(FrameSlab slab, int[] slots, int count) {
        if (fd < 0) {
            return -Errno.EBADF; // closed on this loop, by an agent before: the messages' memory is given back
        }
        int room = Math.min(count, BATCH);
        long memory = slab.buffer().addressOffset();
        for (int i = 0; i < room; i++) {
            long payload = memory + payloadOffset(slab, slots[i]);
            // Free slots are the last ones used, so most messages are as the call before left them.
            if (payloads[i] != payload) {
                payloads[i] = payload;
                messages.piece(i, payload, MAX_PAYLOAD_LENGTH);
            }
        }
        int received = messages.receive(fd, room);
        for (int i = 0; i < received; i++) {
            describe(frame.wrap(slab, slots[i]), i);
            messages.resetForReceive(i);
        }
        return received == -Errno.EAGAIN || received == -Errno.EINTR ? 0 : received;
    }

    private static int payloadOffset(FrameSlab slab, int slot) {
        return slab.offset(slot) + FrameSlab.FRAME_OFFSET - VXLAN_HEADER_LENGTH;
    }

    private void describe(Frame frame, int index) {
        UnsafeBuffer buffer = messages.buffer();
        int name = messages.name(index);
        int length = messages.transferred(index);
        int segmentLength = messages.controlInt(index, SocketOptions.IPPROTO_UDP, SocketOptions.UDP_GRO);
        frame.offset(frame.start() - VXLAN_HEADER_LENGTH)
                .length(length)
                .segmentLength(segmentLength > 0 ? segmentLength : length)
                .source(
                        SocketAddress.high(buffer, name),
                        SocketAddress.low(buffer, name),
                        SocketAddress.port(buffer, name))
                .outerTos(messages.controlByte(index, tosLevel, tosType))
                .plain();
    }

    /** Close the registration of {@link #fd} first. */
    @Override
    public void close() {
        if (fd < 0) {
            return;
        }
        LibC.close(fd);
        fd = -1;
        ChannelFuture closing = channel.close();
        if (!channel.eventLoop().inEventLoop()) {
            closing.awaitUninterruptibly();
        }
        try {
            // Does nothing to a closed channel; but an event loop that was shut down before leaves some open.
            channel.fd().close();
        } catch (IOException e) {
            LOG.warn("close: {}", e.getMessage());
        }
        messages.close();
    }
}
