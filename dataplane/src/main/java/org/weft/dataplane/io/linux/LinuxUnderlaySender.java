package org.weft.dataplane.io.linux;

import java.nio.ByteBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.Closing;
import org.weft.dataplane.io.Errno;
import org.weft.dataplane.io.Outer;
import org.weft.dataplane.io.UnderlaySender;
import org.weft.dataplane.io.linux.DatagramQueue.Run;
import org.weft.encap.IpAddress;
import org.weft.encap.Ipv4Header;
import org.weft.encap.Ipv6Header;

/**
 * Sends through a pool of UDP sockets, one sendmmsg per source port of a batch. Datagrams that the
 * kernel can cut from one message leave as one message (UDP_SEGMENT), which costs about as much as
 * one datagram. Other senders may send through the same sockets at the same time.
 */
public final class LinuxUnderlaySender implements UnderlaySender {
    private static final int CAPACITY = 2048;
    private static final int SMALL_CAPACITY = 16;
    private static final int WAIT_MILLIS = 10;
    private static final int UDP_HEADER_LENGTH = 8;

    // include/uapi/asm-generic/poll.h: struct pollfd
    private static final int POLLFD_LENGTH = 8;
    private static final int POLLFD_EVENTS_OFFSET = 4;
    private static final short POLLOUT = 4;

    private final boolean ipv4;
    private final SocketPools pools;
    private final SocketPool pool;
    private final DatagramQueue queue;
    private final MessageBatch batch;

    /** The datagrams of one message that the kernel did not take as such. */
    private final MessageBatch singles;

    private final UdpSegmentation segmentation;

    /** Whether this flush has not waited for room yet: full sockets must not hold up the receiving side one by one. */
    private boolean mayWait;

    private final UnsafeBuffer pollfd = new UnsafeBuffer(ByteBuffer.allocateDirect(POLLFD_LENGTH));

    private final SenderOptions options;
    private final int capacity;
    private final boolean checksum;

    /** For super-frames; null until one is to leave uncut. */
    private volatile SuperFrameSender superFrames;

    private volatile String superFramesTrouble;

    private boolean closed;

    /** @param capacity how many datagrams fit between two flushes */
    LinuxUnderlaySender(SocketPools pools, SenderOptions options, int capacity) {
        this.pools = pools;
        this.options = options;
        this.capacity = capacity;
        ipv4 = options.local().isIpv4();
        checksum = ipv4 ? options.udpChecksum() : !options.ipv6ZeroChecksum();
        segmentation =
                new UdpSegmentation(checksum, UDP_HEADER_LENGTH + (ipv4 ? Ipv4Header.LENGTH : Ipv6Header.LENGTH));
        pool = pools.take(options);
        MessageBatch all = null;
        try {
            queue = new DatagramQueue(capacity, pool.size(), ipv4);
            all = new MessageBatch(capacity, ipv4);
            singles = new MessageBatch(Math.min(capacity, MessageBatch.MAX_SEGMENTS), ipv4);
        } catch (Throwable t) {
            if (all != null) {
                all.close();
            }
            pools.giveBack(pool);
            throw t;
        }
        batch = all;
    }

    /**
     * Opens a sender, and the sockets unless they are open. A receiver whose port lies in the range
     * must be bound before.
     *
     * @throws LinuxException in a sentence for the operator; no socket is left open
     */
    public static LinuxUnderlaySender open(SocketPools pools, SenderOptions options) {
        return new LinuxUnderlaySender(pools, options, CAPACITY);
    }

    /** As above, for few datagrams: such a sender takes less memory. */
    public static LinuxUnderlaySender openSmall(SocketPools pools, SenderOptions options) {
        return new LinuxUnderlaySender(pools, options, SMALL_CAPACITY);
    }

    /**
     * Opens the sockets that set DF, unless they are open. Call it before the first datagram with
     * DF, on the control side.
     *
     * @throws LinuxException in a sentence for the operator; the other sockets stay open
     */
    public void prepareDontFragment() {
        pool.openForDontFragment();
    }

    /** The source ports in use, ascending. */
    public int[] sourcePorts() {
        return pool.ports();
    }

    /**
     * Binds to the interface again, if it came back as another one.
     *
     * @param index that it has now
     */
    public void followDevice(int index) {
        pool.followDevice(index);
    }

    /** Whether messages are left to the kernel to cut. */
    public boolean gso() {
        return segmentation.on();
    }

    /** Switches that, from any thread. Switching on forgets what the kernel refused before. */
    public void gso(boolean on) {
        segmentation.on(on);
    }

    /** Why {@link #gso()} is off although it was not switched off, for an operator; or null. */
    public String gsoTrouble() {
        return segmentation.trouble();
    }

    /**
     * Says what super-frames leave by uncut, from any thread but by one at a time. Saying it again forgets what the kernel
     * refused before.
     *
     * @param device stays the caller's, and the same; null to cut them all. If it takes no further sender, they are cut, and
     *     {@link #tunnelGsoTrouble} says why
     */
    public void tunnelGso(TunnelDevice device) {
        SuperFrameSender current = superFrames;
        if (current != null) {
            current.on(device != null);
        } else if (device != null) {
            try {
                superFrames = new SuperFrameSender(device, options.local(), options.dev(), checksum);
            } catch (LinuxException e) {
                superFramesTrouble = e.getMessage();
            }
        }
    }

    /** Why super-frames are cut although that was not switched off, for an operator; or null. */
    public String tunnelGsoTrouble() {
        SuperFrameSender current = superFrames;
        return current == null ? superFramesTrouble : current.trouble();
    }

    /** Messages that the kernel did not take as such, and whose datagrams were sent singly. */
    public long gsoRefused() {
        return segmentation.refused();
    }

    /**
     * Says what the underlay takes, from any thread but by one at a time. Longer packets leave singly, so that the kernel
     * fragments them. Without it the sender learns what a path does not take, but not that it grew. Where a path was found
     * to take less, the route to that remote counts: the interface that has the local address need not be the one that
     * packets leave by.
     *
     * @param mtu of the interface that has the local address; 0 if it is not known
     */
    public void underlayMtu(int mtu) {
        IpAddress narrow = segmentation.narrow();
        int routed = narrow == null ? 0 : RouteQuestion.mtuTowards(options.local(), options.dev(), narrow);
        if (routed != 0 || mtu != 0) {
            segmentation.mtu(routed == 0 ? mtu : routed);
        }
    }

    @Override
    public int room() {
        return capacity - queue.count();
    }

    @Override
    public void to(Outer outer, int tag) {
        int socket = socket(outer.flowHash());
        queue.to(outer, socket, tag);
        SuperFrameSender current = superFrames;
        if (current != null) {
            current.to(outer, pool.port(socket));
        }
    }

    @Override
    public boolean sendsUncut() {
        SuperFrameSender current = superFrames;
        return current != null && current.on();
    }

    @Override
    public boolean sendUncut(long address, int length, int gsoType, int gsoSize, int transport, int headersLength) {
        return superFrames.send(address, length, gsoType, gsoSize, transport, headersLength);
    }

    @Override
    public void add(
            long headerAddress,
            int headerLength,
            int headerStride,
            long payloadAddress,
            int payloadLength,
            int segmentLength) {
        queue.add(headerAddress, headerLength, headerStride, payloadAddress, payloadLength, segmentLength);
    }

    private int socket(int flowHash) {
        return (int) ((flowHash & 0xffff_ffffL) * pool.size() >>> 32);
    }

    @Override
    public int sourcePort(int flowHash) {
        return pool.port(socket(flowHash));
    }

    @Override
    public int flush(FailureHandler failures) {
        int sent = 0;
        mayWait = true;
        try {
            for (int i = 0; i < queue.usedCount(); i++) {
                sent += send(queue.used(i), failures);
            }
        } finally {
            queue.clear();
        }
        return sent;
    }

    /** Sends what one socket has to send, in batches of equal DF. */
    private int send(int socket, FailureHandler failures) {
        int sent = 0;
        Run run = queue.first(socket);
        while (run != null) {
            boolean dontFragment = run.outer.dontFragment();
            int longestSegment = segmentation.longestSegment();
            batch.clear();
            while (run != null && run.outer.dontFragment() == dontFragment) {
                if (run.isReachable(ipv4)) {
                    batch.append(run, 0, run.count, longestSegment);
                } else {
                    for (int i = 0; i < run.count; i++) {
                        failures.onSendFailure(run.tag, Errno.EAFNOSUPPORT);
                    }
                }
                run = run.next;
            }
            sent += send(pool.fd(socket, dontFragment), batch, failures);
        }
        return sent;
    }

    /** Sends the messages laid out; waits for room once in a flush, otherwise gives up on the rest. */
    private int send(int fd, MessageBatch batch, FailureHandler failures) {
        int sent = 0;
        int done = 0;
        while (done < batch.size()) {
            int result = batch.send(fd, done);
            if (result > 0) {
                for (int end = done + result; done < end; done++) {
                    sent += batch.count(done);
                }
            } else if (result == -Errno.EAGAIN && mayWait) {
                mayWait = false;
                awaitRoom(fd);
            } else if (result == -Errno.EAGAIN) {
                while (done < batch.size()) {
                    report(batch, done++, Errno.EAGAIN, failures);
                }
            } else if (batch.count(done) > 1 && UdpSegmentation.isRefusal(-result)) {
                sent += sendSingly(fd, done++, -result, failures);
            } else {
                report(batch, done++, -result, failures);
            }
        }
        return sent;
    }

    private static void report(MessageBatch batch, int message, int errno, FailureHandler failures) {
        Run run = batch.run(message);
        int index = batch.start(message);
        for (int i = 0; i < batch.count(message); i++, index++) {
            if (index == run.count) {
                run = run.next;
                index = 0;
            }
            failures.onSendFailure(run.tag, errno);
        }
    }

    /** Sends the datagrams of a refused message one by one, ahead of the messages behind it. */
    private int sendSingly(int fd, int message, int errno, FailureHandler failures) {
        Run run = batch.run(message);
        int index = batch.start(message);
        int segment = run.length(index);
        singles.clear();
        for (int i = 0; i < batch.count(message); i++, index++) {
            if (index == run.count) {
                run = run.next;
                index = 0;
            }
            singles.append(run, index, 1, 0);
        }
        int sent = send(fd, singles, failures);
        Outer refused = batch.run(message).outer;
        segmentation.onRefusal(refused.remoteHigh(), refused.remoteLow(), errno, segment, sent > 0);
        return sent;
    }

    private void awaitRoom(int fd) {
        pollfd.putInt(0, fd);
        pollfd.putInt(POLLFD_EVENTS_OFFSET, POLLOUT);
        LibC.poll(pollfd, 1, WAIT_MILLIS);
    }

    /** Forgets datagrams that were added since the last flush. Closing it again does nothing. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        SuperFrameSender current = superFrames;
        Closing.all(
                () -> pools.giveBack(pool), current == null ? () -> {} : current::close, batch::close, singles::close);
    }
}
