package org.weft.dataplane.control;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.unix.PeerCredentials;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.timeout.ReadTimeoutHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.VtepRegistry;
import org.weft.dataplane.config.UnderlayMtu;
import org.weft.dataplane.vtep.OperatorException;
import org.weft.dataplane.vtep.OperatorException.Kind;

/**
 * The daemon's control socket, and its optional TCP addresses for metrics and for silk-cni. Owns the control thread; whatever else has to
 * touch the {@link VtepRegistry} or write tables is handed to {@link #call}.
 */
public final class ControlServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);
    private static final WriteBufferWaterMark WATER_MARK = new WriteBufferWaterMark(256 * 1024, 1024 * 1024);

    /** Longer than scrapes are apart; strangers must not use up our file descriptors. */
    private static final int TCP_IDLE_SECONDS = 300;

    private static final int THREAD_IDLE_SECONDS = 60;

    private final EventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("weft-control"), EpollIoHandler.newFactory());
    private final EventLoop loop = group.next();

    /** Listening sockets and connections. */
    private final ChannelGroup channels = new DefaultChannelGroup(loop, true);

    /** So many operations on containers may hang before others wait for them. */
    private static final int CONTAINER_THREADS = 32;

    /** Where containers are attached and detached; an operation that hangs does not keep those on others back. */
    private final ThreadPoolExecutor containers = new ThreadPoolExecutor(
            CONTAINER_THREADS,
            CONTAINER_THREADS,
            THREAD_IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> new Thread(task, "weft-containers"));

    private final VtepRegistry registry;
    private final LocalCell local;
    private final MetricsRoutes metricsRoutes;
    private final ControlRoutes controlRoutes;

    /** Packets that ended captures lost; written and read on the control thread. */
    private long captureLosses;

    /**
     * Opens the socket; a socket left by a dead daemon is replaced.
     *
     * @param local null without a cell
     * @param policy null without policies
     * @throws OperatorException if another daemon answers on it, or it cannot be made
     */
    public ControlServer(
            VtepRegistry registry, UnderlayMtu underlayMtu, Path socket, LocalCell local, LocalPolicy policy) {
        this.registry = registry;
        this.local = local;
        containers.allowCoreThreadTimeOut(true);
        Metrics metrics = new Metrics(registry, () -> captureLosses, local, policy);
        PolicyOperations policies = new PolicyOperations(policy);
        metricsRoutes = new MetricsRoutes(metrics, new Health(registry, local, policy));
        controlRoutes = new ControlRoutes(
                registry,
                new Operations(registry, underlayMtu, policies),
                metricsRoutes,
                new CellRoutes(local, containers),
                new PolicyRoutes(policies),
                lost -> captureLosses += lost);
        try {
            channels.add(new ControlSocket(socket).bind(group, new Connections<>(controlRoutes, channels)));
        } catch (RuntimeException e) {
            stopThread();
            throw e;
        }
        LOG.info("control socket {} is open", socket);
    }

    /**
     * Answers {@code /metrics}, {@code /healthz} and {@code /readyz}, and nothing else, on TCP too.
     *
     * @param address port 0 takes any
     * @return what it listens on
     * @throws OperatorException if it cannot
     */
    public InetSocketAddress listenForMetrics(InetSocketAddress address) {
        InetSocketAddress bound =
                listen(address, metricsRoutes, "metrics cannot be served", "choose another metrics: HOST:PORT");
        LOG.info("metrics are at http:/{}{}", bound, MetricsRoutes.PATH);
        return bound;
    }

    /**
     * Answers silk-cni, which asks for the cell's subnet and MTU.
     *
     * @param address port 0 takes any
     * @return what it listens on
     * @throws OperatorException if it cannot
     */
    public InetSocketAddress listenForNetworkInfo(InetSocketAddress address) {
        InetSocketAddress bound = listen(
                address,
                new NetworkInfoRoutes(registry, local),
                "silk-cni cannot be answered",
                "stop silk-daemon if it still runs, or choose another cell: network-info: HOST:PORT");
        LOG.info("silk-cni is answered at http:/{}", bound);
        return bound;
    }

    private InetSocketAddress listen(InetSocketAddress address, Routes routes, String failure, String advice) {
        ChannelFuture bound = new ServerBootstrap()
                .group(group)
                .channel(EpollServerSocketChannel.class)
                .option(ChannelOption.SO_REUSEADDR, true)
                .childHandler(new Connections<>(routes, channels))
                .bind(address)
                .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new OperatorException(
                    Kind.UNAVAILABLE,
                    failure + " on " + address.getHostString() + ":" + address.getPort() + " (" + reason(bound.cause())
                            + "): " + advice,
                    bound.cause());
        }
        channels.add(bound.channel());
        return (InetSocketAddress) bound.channel().localAddress();
    }

    private static String reason(Throwable cause) {
        return cause instanceof UnresolvedAddressException ? "no such host" : cause.getMessage();
    }

    /** Runs something on the control thread and waits for it. Not to be called from that thread. */
    public <T> T call(Callable<T> task) {
        return loop.submit(task).syncUninterruptibly().getNow();
    }

    /** Runs something on the control thread, again and again until {@link #close}. */
    public void repeat(Runnable task, long periodMillis) {
        loop.scheduleWithFixedDelay(task, periodMillis, periodMillis, TimeUnit.MILLISECONDS);
    }

    /** Answers no more, removes the socket's file and ends the control thread. */
    @Override
    public void close() {
        if (!group.isShuttingDown()) {
            channels.close().awaitUninterruptibly();
            stopThread();
        }
    }

    /** A container that is being attached is attached to its end, or undone when the daemon starts again. */
    private void stopThread() {
        containers.shutdown();
        try {
            containers.awaitTermination(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        group.shutdownGracefully(0, 2, TimeUnit.SECONDS).syncUninterruptibly();
    }

    /** Sets up each connection. */
    private static final class Connections<C extends Channel> extends ChannelInitializer<C> {
        private final Routes routes;
        private final ChannelGroup channels;

        Connections(Routes routes, ChannelGroup channels) {
            this.routes = routes;
            this.channels = channels;
        }

        @Override
        protected void initChannel(C channel) throws IOException {
            channels.add(channel);
            channel.config().setWriteBufferWaterMark(WATER_MARK);
            channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
            if (!(channel instanceof EpollDomainSocketChannel)) {
                channel.pipeline().addLast(new ReadTimeoutHandler(TCP_IDLE_SECONDS));
            }
            RequestGate gate = new RequestGate();
            channel.pipeline().addLast(new HttpServerCodec(), gate, new HttpExchanges(routes, gate, client(channel)));
        }

        private static String client(Channel channel) throws IOException {
            if (channel instanceof EpollDomainSocketChannel local) {
                PeerCredentials peer = local.peerCredentials();
                return "uid " + peer.uid() + " pid " + peer.pid();
            }
            return String.valueOf(channel.remoteAddress());
        }
    }
}
