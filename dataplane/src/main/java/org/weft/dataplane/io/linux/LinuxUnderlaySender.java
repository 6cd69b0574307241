package org.weft.dataplane.io.linux;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.agrona.concurrent.UnsafeBuffer;
import org.weft.dataplane.io.UnderlaySender;
import org.weft.encap.IpAddress;

/** Sends through a pool of UDP sockets, one sendmmsg per source port of a batch. */
public final class LinuxUnderlaySender implements UnderlaySender {
    /**
     * What the sockets are like.
     *
     * @param local source address; decides between IPv4 and IPv6
     * @param dev the only interface to send through, or null
     * @param udpChecksum whether datagrams over IPv4 carry a UDP checksum
     * @param ipv6ZeroChecksum whether datagrams over IPv6 carry a UDP checksum of zero
     * @param portMin first source port; with {@code portMax} 0, the kernel's range of local ports
     * @param portMax end of the source ports, itself left out as the kernel's vxlan does
     * @param sockets how many source ports to use; fewer if the range has fewer that are free
     */
    public record Options(
            IpAddress local,
            String dev,
            boolean udpChecksum,
            boolean ipv6ZeroChecksum,
            int portMin,
            int portMax,
            int sockets) {
        public Options {
            if (portMin < 0 || portMax > 65_536 || portMin > portMax) {
                throw new IllegalArgumentException("source ports " + portMin + " to " + portMax + " are no range");
            }
            if (sockets < 1) {
                throw new IllegalArgumentException("a sender needs a socket, not " + sockets);
            }
        }
    }

    private static final int CAPACITY = 256;
    private static final int WAIT_MILLIS = 10;
    private static final int NONE = -1;

    // include/uapi/asm-generic/poll.h: struct pollfd
    private static final int POLLFD_LENGTH = 8;
    private static final int POLLFD_EVENTS_OFFSET = 4;
    private static final short POLLOUT = 4;

    private final SocketPool pool;
    private final boolean ipv4;

    /** What was added, by index. */
    private final long[] addresses = new long[CAPACITY];

    private final int[] lengths = new int[CAPACITY];
    private final long[] remoteHighs = new long[CAPACITY];
    private final long[] remoteLows = new long[CAPACITY];
    private final int[] ports = new int[CAPACITY];
    private final byte[] toses = new byte[CAPACITY];
    private final short[] ttls = new short[CAPACITY];
    private final boolean[] dontFragments = new boolean[CAPACITY];
    private final int[] tags = new int[CAPACITY];

    /** The next one of the same socket, or NONE. */
    private final int[] next = new int[CAPACITY];

    private int count;

    /** First and last of each socket, and the sockets that have any. */
    private final int[] firsts;

    private final int[] lasts;
    private final int[] used;
    private int usedCount;

    /** Whether a socket sets DF now. */
    private final boolean[] setsDontFragment;

    private final MessageVector messages = new MessageVector(CAPACITY);

    /** Whether this flush has not waited for room yet: full sockets must not hold up the receiving side one by one. */
    private boolean mayWait;

    /** Tags of the messages laid out. */
    private final int[] messageTags = new int[CAPACITY];

    /** An int for setsockopt, or a struct pollfd. */
    private final UnsafeBuffer argument = new UnsafeBuffer(ByteBuffer.allocateDirect(POLLFD_LENGTH));

    private LinuxUnderlaySender(Options options) {
        pool = new SocketPool(options);
        ipv4 = options.local().isIpv4();
        firsts = new int[pool.size()];
        lasts = new int[pool.size()];
        used = new int[pool.size()];
        setsDontFragment = new boolean[pool.size()];
        Arrays.fill(firsts, NONE);
    }

    /**
     * Opens the sockets. A receiver whose port lies in the range must be bound before.
     *
     * @throws LinuxException in a sentence for the operator; no socket is left open
     */
    public static LinuxUnderlaySender open(Options options) {
        return new LinuxUnderlaySender(options);
    }

    /** The source ports in use, ascending. */
    public int[] sourcePorts() {
        return pool.ports();
    }

    /** Binds to the interface again, after it came back with another index. */
    public void bindToDevice() {
        pool.bindToDevice();
    }

    @Override
    public int capacity() {
        return CAPACITY;
    }

    @Override
    public void add(
            long address,
            int length,
            long remoteHigh,
            long remoteLow,
            int port,
            int flowHash,
            int tos,
            int ttl,
            boolean dontFragment,
            int tag) {
        int index = count++;
        addresses[index] = address;
        lengths[index] = length;
        remoteHighs[index] = remoteHigh;
        remoteLows[index] = remoteLow;
        ports[index] = port;
        toses[index] = (byte) tos;
        ttls[index] = (short) ttl;
        dontFragments[index] = dontFragment && ipv4;
        tags[index] = tag;
        next[index] = NONE;
        append(index, socket(flowHash));
    }

    private int socket(int flowHash) {
        return (int) ((flowHash & 0xffff_ffffL) * firsts.length >>> 32);
    }

    @Override
    public int sourcePort(int flowHash) {
        return pool.port(socket(flowHash));
    }

    private void append(int index, int socket) {
        if (firsts[socket] == NONE) {
            firsts[socket] = index;
            used[usedCount++] = socket;
        } else {
            next[lasts[socket]] = index;
        }
        lasts[socket] = index;
    }

    @Override
    public int flush(FailureHandler failures) {
        int sent = 0;
        mayWait = true;
        try {
            for (int i = 0; i < usedCount; i++) {
                sent += send(used[i], failures);
            }
        } finally {
            forget();
        }
        return sent;
    }

    private void forget() {
        for (int i = 0; i < usedCount; i++) {
            firsts[used[i]] = NONE;
        }
        usedCount = 0;
        count = 0;
    }

    /** Sends what one socket has to send, in runs of equal DF. */
    private int send(int socket, FailureHandler failures) {
        int sent = 0;
        int index = firsts[socket];
        while (index != NONE) {
            boolean dontFragment = dontFragments[index];
            int laidOut = 0;
            while (index != NONE && dontFragments[index] == dontFragment) {
                if (IpAddress.isIpv4(remoteHighs[index], remoteLows[index]) == ipv4) {
                    layOut(laidOut++, index);
                } else {
                    failures.onSendFailure(tags[index], Errno.EAFNOSUPPORT);
                }
                index = next[index];
            }
            if (dontFragment != setsDontFragment[socket]) {
                switchDontFragment(socket, dontFragment);
            }
            sent += sendRun(pool.fd(socket), laidOut, failures);
        }
        return sent;
    }

    private void layOut(int message, int index) {
        UnsafeBuffer buffer = messages.buffer();
        int name = messages.name(message);
        messageTags[message] = tags[index];
        messages.payload(message, addresses[index], lengths[index]);
        messages.clearControl(message);
        if (ipv4) {
            messages.nameLength(message, SocketAddress.putIpv4(buffer, name, remoteLows[index], ports[index]));
            control(message, index, SocketOptions.IPPROTO_IP, SocketOptions.IP_TOS, SocketOptions.IP_TTL);
        } else {
            messages.nameLength(
                    message, SocketAddress.putIpv6(buffer, name, remoteHighs[index], remoteLows[index], ports[index]));
            control(message, index, SocketOptions.IPPROTO_IPV6, SocketOptions.IPV6_TCLASS, SocketOptions.IPV6_HOPLIMIT);
        }
    }

    private void control(int message, int index, int level, int tosType, int ttlType) {
        if (toses[index] != 0) {
            messages.addControl(message, level, tosType, toses[index] & 0xff);
        }
        if (ttls[index] != DEFAULT_TTL) {
            messages.addControl(message, level, ttlType, ttls[index]);
        }
    }

    /** Cannot fail on a socket that took one of the values before. */
    private void switchDontFragment(int socket, boolean dontFragment) {
        argument.putInt(0, dontFragment ? SocketOptions.IP_PMTUDISC_PROBE : SocketOptions.IP_PMTUDISC_OMIT);
        LibC.setsockopt(
                pool.fd(socket),
                SocketOptions.IPPROTO_IP,
                SocketOptions.IP_MTU_DISCOVER,
                argument.addressOffset(),
                Integer.BYTES);
        setsDontFragment[socket] = dontFragment;
    }

    /** Sends the first messages laid out; waits for room once in a flush, otherwise gives up on the rest. */
    private int sendRun(int fd, int length, FailureHandler failures) {
        int sent = 0;
        int done = 0;
        while (done < length) {
            int result = LibC.sendmmsg(fd, messages.address(done), length - done, LibC.MSG_DONTWAIT);
            if (result > 0) {
                sent += result;
                done += result;
            } else if (result == -Errno.EAGAIN && mayWait) {
                mayWait = false;
                awaitRoom(fd);
            } else {
                int failed = result == -Errno.EAGAIN ? length : done + 1;
                while (done < failed) {
                    failures.onSendFailure(messageTags[done++], -result);
                }
            }
        }
        return sent;
    }

    private void awaitRoom(int fd) {
        argument.putInt(0, fd);
        argument.putInt(POLLFD_EVENTS_OFFSET, POLLOUT);
        LibC.poll(argument.addressOffset(), 1, WAIT_MILLIS);
    }

    /** What was added since the last flush is forgotten. */
    @Override
    public void close() {
        pool.close();
    }
}
