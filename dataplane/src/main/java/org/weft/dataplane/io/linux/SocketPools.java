package org.weft.dataplane.io.linux;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.weft.dataplane.io.Errno;
import org.weft.encap.IpAddress;

/**
 * The sending sockets of a process. Senders with equal {@link SenderOptions} share a pool, whatever their
 * VTEP and thread are: the kernel's vxlan has no sending socket of its own either. Thread-safe; no
 * packet thread calls it.
 */
public class SocketPools {
    /** A socket of this process that has a source port. */
    private record Holder(IpAddress local, int fd) {
        /** Whether the kernel refuses the address as long as this socket has the port. */
        boolean covers(IpAddress address) {
            return local.isIpv4() == address.isIpv4() && (local.equals(address) || local.isAny() || address.isAny());
        }
    }

    private final Map<SenderOptions, SocketPool> pools = new HashMap<>();

    /** The sockets of this process, by source port. */
    private final Map<Integer, List<Holder>> holders = new HashMap<>();

    /**
     * Opens a pool, or shares an open one. The caller gives it back with {@link #giveBack}.
     *
     * @throws LinuxException in a sentence for the operator; no socket is left open
     */
    synchronized SocketPool take(SenderOptions options) {
        SocketPool pool = pools.get(options);
        if (pool == null) {
            pool = new SocketPool(options, this);
            pools.put(options, pool);
        }
        pool.users++;
        return pool;
    }

    /** Closes the sockets of a pool that has no other user. */
    synchronized void giveBack(SocketPool pool) {
        if (--pool.users == 0) {
            pools.remove(pool.options());
            pool.close();
        }
    }

    /** The maximum number of sockets that a further sender would open. */
    public synchronized int missing(SenderOptions options) {
        return pools.containsKey(options) ? 0 : options.sockets();
    }

    /**
     * Binds a socket to a port that is free, or that other sockets of this process have, for
     * example those of VTEPs with other checksums. The sockets let others join (SO_REUSEPORT) only
     * while this method binds.
     *
     * @return 0 or a negative errno
     */
    synchronized int bind(int fd, IpAddress local, int port) {
        int result = SocketPool.bind(fd, local, port);
        List<Holder> present = holders.getOrDefault(port, List.of());
        if (result == -Errno.EADDRINUSE && present.stream().anyMatch(holder -> holder.covers(local))) {
            reusePort(fd, present, true);
            try {
                result = SocketPool.bind(fd, local, port);
            } finally {
                reusePort(fd, present, false);
            }
        }
        if (result == 0) {
            holders.computeIfAbsent(port, same -> new ArrayList<>(1)).add(new Holder(local, fd));
        }
        return result;
    }

    private static void reusePort(int fd, List<Holder> present, boolean on) {
        new SocketOptions(fd, "source port").reusePort(on);
        present.forEach(holder -> new SocketOptions(holder.fd(), "source port").reusePort(on));
    }

    /** Closes a socket that {@link #bind} has bound to a port. */
    synchronized void close(int fd, int port) {
        List<Holder> present = holders.get(port);
        present.removeIf(holder -> holder.fd() == fd);
        if (present.isEmpty()) {
            holders.remove(port);
        }
        LibC.close(fd);
    }
}
