package org.weft.control;

import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.control.cell.CellRoutes;
import org.weft.control.cell.LocalCell;
import org.weft.control.cell.NetworkInfoRoutes;
import org.weft.control.http.ConnectionLimit;
import org.weft.control.http.ConnectionLimit.Bounds;
import org.weft.control.http.Connections;
import org.weft.control.http.ControlSocket;
import org.weft.control.http.TcpListener;
import org.weft.control.http.TcpListener.Service;
import org.weft.control.policy.LocalPolicy;
import org.weft.control.policy.PolicyOperations;
import org.weft.control.policy.PolicyRoutes;
import org.weft.dataplane.vtep.UnderlayMtu;
import org.weft.dataplane.vtep.VtepRegistry;
import org.weft.dataplane.watchdog.Heartbeat;
import org.weft.dataplane.watchdog.Heartbeats;
import org.weft.dataplane.watchdog.ThreadNames;
import org.weft.operator.OperatorException;

/**
 * The daemon's control socket, and its optional TCP addresses for metrics and for silk-cni.
 *
 * <p>Owns three kinds of thread. {@code weft-control} handles every request of the control socket.
 * {@code weft-metrics} answers on the TCP addresses, also while a change holds the other thread up.
 * Up to 32 threads attach and detach containers. The methods are for the thread that starts and ends
 * the daemon.
 */
public final class ControlServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);
    private static final int THREAD_IDLE_SECONDS = 60;

    private final EventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, threads("weft-control", false), EpollIoHandler.newFactory());
    private final EventLoop loop = group.next();

    /** Serves the TCP addresses, so that they still answer while a change hangs. */
    private final EventLoopGroup tcpGroup =
            new MultiThreadIoEventLoopGroup(1, threads("weft-metrics", false), EpollIoHandler.newFactory());

    /** Listening sockets and connections. */
    private final ChannelGroup channels = new DefaultChannelGroup(loop, true);

    private final ThreadNames names = new ThreadNames();

    /** So many operations on containers may hang before others wait for them. */
    private static final int CONTAINER_THREADS = 32;

    /** Where containers are attached and detached; an operation that hangs does not keep those on others back. */
    private final ThreadPoolExecutor containers = new ThreadPoolExecutor(
            CONTAINER_THREADS,
            CONTAINER_THREADS,
            THREAD_IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> names.thread("weft-contain-", task));

    /** Where listeners that could not be bound try again; without one there is no thread. */
    private final ScheduledThreadPoolExecutor retries =
            new ScheduledThreadPoolExecutor(1, threads("weft-listen", true));

    private final List<TcpListener> listeners = new CopyOnWriteArrayList<>();
    private final VtepRegistry registry;
    private final LocalCell local;
    private final MetricsRoutes metricsRoutes;
    private final ControlRoutes controlRoutes;

    private final Heartbeat heartbeat = Heartbeats.PROCESS.register("weft-control", Heartbeats.CONTROL);
    private final Heartbeat tcpHeartbeat = Heartbeats.PROCESS.register("weft-metrics", Heartbeats.CONTROL);

    /** Packets that ended captures lost; {@code weft-control} writes it, both event loops read it. */
    private volatile long captureLosses;

    /** Makes threads of one name, of which there is one at a time. */
    private static ThreadFactory threads(String name, boolean daemon) {
        return task -> {
            Thread thread = new FastThreadLocalThread(task, name);
            thread.setDaemon(daemon);
            return thread;
        };
    }

    /**
     * Opens the socket; a socket left by a dead daemon is replaced.
     *
     * @param local null without a cell
     * @param policy null without policies
     * @throws OperatorException if another daemon answers on it, or it cannot be made
     */
    public ControlServer(
            VtepRegistry registry, UnderlayMtu underlayMtu, Path socket, LocalCell local, LocalPolicy policy) {
        this(registry, underlayMtu, socket, local, policy, () -> null);
    }

    /**
     * As above. The cell cannot begin yet if {@code local} is null.
     *
     * @param missing a sentence about what the cell waits for, from any thread; null if no cell is
     *     to come
     */
    public ControlServer(
            VtepRegistry registry,
            UnderlayMtu underlayMtu,
            Path socket,
            LocalCell local,
            LocalPolicy policy,
            Supplier<String> missing) {
        long period = Heartbeats.PERIOD.toNanos();
        loop.scheduleWithFixedDelay(heartbeat::beat, 0, period, TimeUnit.NANOSECONDS);
        tcpGroup.scheduleWithFixedDelay(tcpHeartbeat::beat, 0, period, TimeUnit.NANOSECONDS);
        this.registry = registry;
        this.local = local;
        containers.allowCoreThreadTimeOut(true);
        Metrics metrics = new Metrics(registry, () -> captureLosses, local, policy, listeners);
        PolicyOperations policies = new PolicyOperations(policy);
        retries.setKeepAliveTime(THREAD_IDLE_SECONDS, TimeUnit.SECONDS);
        retries.allowCoreThreadTimeOut(true);
        metricsRoutes = new MetricsRoutes(metrics, new Health(registry, local, policy, listeners, missing));
        controlRoutes = new ControlRoutes(
                registry,
                new Operations(registry, underlayMtu, policies),
                metricsRoutes,
                new CellRoutes(local, missing, containers),
                new PolicyRoutes(policies),
                lost -> captureLosses += lost);
        try {
            channels.add(new ControlSocket(socket)
                    .bind(group, new Connections<>(controlRoutes, channels, new ConnectionLimit(Bounds.CONTROL))));
        } catch (RuntimeException e) {
            stopThread();
            throw e;
        }
        LOG.info("control socket {} is open", socket);
    }

    /**
     * Answers {@code /metrics}, {@code /healthz} and {@code /readyz}, and nothing else, on TCP too. If the address cannot be
     * bound, it is tried again until it can.
     *
     * @param address {@code host:port}, an IPv6 address in brackets; port 0 takes any
     * @return what it listens on; null if it does not yet
     */
    public InetSocketAddress listenForMetrics(String address) {
        return listen(
                address,
                new Service(
                        "metrics",
                        metricsRoutes,
                        "metrics cannot be served",
                        "free the address, or choose another metrics: HOST:PORT",
                        "serving metrics at"));
    }

    /**
     * Answers silk-cni, which asks for the cell's subnet and MTU. If the address cannot be bound, it is tried again until it
     * can.
     *
     * @param address as for {@link #listenForMetrics}
     * @return what it listens on; null if it does not yet
     */
    public InetSocketAddress listenForNetworkInfo(String address) {
        return listen(
                address,
                new Service(
                        "network-info",
                        new NetworkInfoRoutes(registry, local),
                        "silk-cni cannot be answered",
                        "stop silk-daemon if it still runs, or choose another cell: network-info: HOST:PORT",
                        "serving silk-cni at"));
    }

    private InetSocketAddress listen(String address, Service service) {
        TcpListener listener = new TcpListener(service, address, tcpGroup, channels);
        listeners.add(listener);
        listener.open(retries);
        return listener.bound();
    }

    /** Closes all connections, removes the socket's file and ends the threads. */
    @Override
    public void close() {
        if (!group.isShuttingDown()) {
            channels.close().awaitUninterruptibly();
            stopThread();
        }
    }

    /** A container that is being attached is attached to its end, or undone when the daemon starts again. */
    private void stopThread() {
        retries.shutdownNow();
        heartbeat.close();
        tcpHeartbeat.close();
        tcpGroup.shutdownGracefully(0, 2, TimeUnit.SECONDS).syncUninterruptibly();
        containers.shutdown();
        try {
            containers.awaitTermination(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        group.shutdownGracefully(0, 2, TimeUnit.SECONDS).syncUninterruptibly();
    }
}
