package org.weft.control.http;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.group.ChannelGroup;
import java.net.InetSocketAddress;
import java.nio.channels.UnresolvedAddressException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A TCP address that is served from when it can be bound. Another process may hold the port, or the address may not be there
 * yet: then packets pass without this listener, and it tries again.
 */
public final class TcpListener {
    private static final Logger LOG = LoggerFactory.getLogger(TcpListener.class);

    private static final long FIRST_RETRY_MILLIS = 1000;
    private static final long LONGEST_RETRY_MILLIS = 30_000;

    /**
     * What is served.
     *
     * @param name for metrics
     * @param failure how a sentence begins that says it is not
     * @param advice how that sentence ends
     * @param success what is logged in front of the address
     */
    public record Service(String name, Routes routes, String failure, String advice, String success) {}

    private final Service service;
    private final String host;
    private final int port;
    private final EventLoopGroup group;
    private final ChannelGroup channels;
    private final ConnectionLimit limit = new ConnectionLimit(ConnectionLimit.Bounds.TCP);
    private volatile InetSocketAddress bound;
    private volatile String trouble;
    private long retryMillis = FIRST_RETRY_MILLIS;

    /**
     * A listener that is not bound.
     *
     * @param address {@code host:port}, an IPv6 address in brackets; port 0 takes any
     * @param channels the listening socket and its connections are put there, and end with it
     */
    public TcpListener(Service service, String address, EventLoopGroup group, ChannelGroup channels) {
        int colon = address.lastIndexOf(':');
        this.service = service;
        this.host = address.substring(0, colon).replaceAll("[\\[\\]]", "");
        this.port = Integer.parseInt(address.substring(colon + 1));
        this.group = group;
        this.channels = channels;
    }

    /** Tries to bind on the calling thread, and if that fails again and again on the retries' threads. */
    public void open(ScheduledExecutorService retries) {
        String failed;
        try {
            failed = bind();
        } catch (RuntimeException | Error e) {
            LOG.error("{} on {}:{}", service.failure(), host, port, e);
            failed = e.toString();
        }
        if (failed == null) {
            trouble = null;
            LOG.info("{} http:/{}", service.success(), bound);
            return;
        }
        String sentence = service.failure() + " on " + host + ":" + port + " (" + failed + ")";
        if (!sentence.equals(trouble)) {
            trouble = sentence;
            LOG.warn("{}: Weft runs without it and tries again; {}", sentence, service.advice());
        }
        try {
            retries.schedule(() -> open(retries), retryMillis, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("the control server is closed");
        }
        retryMillis = Math.min(2 * retryMillis, LONGEST_RETRY_MILLIS);
    }

    /** Why it failed, null if it did not. A name is looked up each time. */
    private String bind() {
        ChannelFuture binding = new ServerBootstrap()
                .group(group)
                .channel(EpollServerSocketChannel.class)
                .option(ChannelOption.SO_REUSEADDR, true)
                .childHandler(new Connections<>(service.routes(), channels, limit))
                .bind(new InetSocketAddress(host, port))
                .awaitUninterruptibly();
        if (!binding.isSuccess()) {
            Throwable cause = binding.cause();
            return cause instanceof UnresolvedAddressException ? "no such host" : cause.getMessage();
        }
        bound = (InetSocketAddress) binding.channel().localAddress();
        AcceptFailures.report(binding.channel(), host + ":" + port);
        channels.add(binding.channel());
        return null;
    }

    public String name() {
        return service.name();
    }

    /** What it listens on; null as long as it does not. */
    public InetSocketAddress bound() {
        return bound;
    }

    /** Why it is not bound, in half a sentence; null if it is. */
    public String trouble() {
        return trouble;
    }

    /** As of {@link ConnectionLimit#evictions}. */
    public long evictions() {
        return limit.evictions();
    }
}
