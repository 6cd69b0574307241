package org.weft.control.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.host.Descriptors;

/**
 * The connections of one listener: bounds their number, and the time that one request and its answer may take. A new
 * connection takes the place of the one that has been idle longest, so that strangers who keep theirs cannot lock others
 * out. All of it happens on the thread of the connections; any thread may ask for evictions.
 */
public final class ConnectionLimit {
    private static final Logger LOG = LoggerFactory.getLogger(ConnectionLimit.class);

    /** So many are let in without asking how many file descriptors are left. */
    private static final int FEW = 8;

    private static final byte[] FULL =
            ("HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
                            + "{\"applied\":0,\"errors\":[{\"error\":\"too many connections are open here, and each of them"
                            + " waits for an answer: close some\",\"exit\":69}]}\n")
                    .getBytes(StandardCharsets.US_ASCII);

    /**
     * What a listener bears.
     *
     * @param most connections at a time
     * @param request from a request's first byte, or from the connection's begin, until its answer is sent; null: any time.
     *     Where it is set a request under way may lose its place, too
     * @param idle how long a connection may wait for a further request; null: for ever
     */
    public record Bounds(int most, Duration request, Duration idle) {
        /** Root's own: captures and uploads last as long as they last. */
        public static final Bounds CONTROL = new Bounds(256, null, null);

        /** Anybody may connect. Idle connections stay for longer than scrapes are apart. */
        static final Bounds TCP = new Bounds(64, Duration.ofSeconds(10), Duration.ofMinutes(5));
    }

    private final Bounds bounds;

    /** In the order in which they became so. */
    private final Set<Connection> idle = new LinkedHashSet<>();

    private final Set<Connection> busy = new LinkedHashSet<>();
    private volatile long evictions;

    public ConnectionLimit(Bounds bounds) {
        this.bounds = bounds;
    }

    /** Connections that lost their place to newer ones, or were refused for want of a place. */
    long evictions() {
        return evictions;
    }

    /** Puts HTTP's codec into the pipeline of a new connection, and the limits on both sides of it. */
    void add(ChannelPipeline pipeline) {
        Connection connection = new Connection();
        pipeline.addLast(connection, new HttpServerCodec(), connection.exchanges);
    }

    private boolean isFull() {
        int open = idle.size() + busy.size();
        return open >= bounds.most() || bounds.request() != null && open >= FEW && Descriptors.areScarce();
    }

    /** Makes room for one more; false if there is none. */
    private boolean makeRoom() {
        if (!isFull()) {
            return true;
        }
        evictions++;
        Set<Connection> lasting = !idle.isEmpty() ? idle : bounds.request() != null ? busy : Set.of();
        if (lasting.isEmpty()) {
            return false;
        }
        lasting.iterator().next().end("a newer connection takes its place");
        return true;
    }

    /** One connection, as bytes. */
    private final class Connection extends ChannelInboundHandlerAdapter {
        private final Exchanges exchanges = new Exchanges(this);
        private ChannelHandlerContext context;
        private Future<?> deadline;

        @Override
        public void channelActive(ChannelHandlerContext active) {
            context = active;
            if (makeRoom()) {
                occupy();
                active.fireChannelActive();
            } else {
                active.writeAndFlush(Unpooled.wrappedBuffer(FULL)).addListener(ChannelFutureListener.CLOSE);
            }
        }

        @Override
        public void channelRead(ChannelHandlerContext here, Object message) {
            if (idle.contains(this)) {
                occupy();
            } else if (!busy.contains(this)) {
                ReferenceCountUtil.release(message); // it found no place
                return;
            }
            here.fireChannelRead(message);
        }

        @Override
        public void channelInactive(ChannelHandlerContext here) {
            leave();
            here.fireChannelInactive();
        }

        private void occupy() {
            idle.remove(this);
            busy.add(this);
            within(bounds.request(), "its request and the answer took too long");
        }

        private void rest() {
            if (busy.remove(this)) {
                idle.add(this);
                within(bounds.idle(), "it was idle for too long");
            }
        }

        private void within(Duration limit, String reason) {
            stopClock();
            if (limit != null) {
                deadline = context.executor().schedule(() -> end(reason), limit.toMillis(), TimeUnit.MILLISECONDS);
            }
        }

        private void end(String reason) {
            LOG.debug("connection of {} is closed: {}", context.channel().remoteAddress(), reason);
            leave();
            context.close();
        }

        private void leave() {
            stopClock();
            idle.remove(this);
            busy.remove(this);
        }

        private void stopClock() {
            if (deadline != null) {
                deadline.cancel(false);
            }
        }
    }

    /** The same connection as requests and answers. */
    private static final class Exchanges extends ChannelDuplexHandler {
        private final Connection connection;
        private int open;
        private boolean receiving;

        Exchanges(Connection connection) {
            this.connection = connection;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (message instanceof HttpRequest) {
                open++;
                receiving = true;
            }
            boolean whole = message instanceof LastHttpContent;
            context.fireChannelRead(message);
            if (whole) {
                receiving = false;
                settle();
            }
        }

        @Override
        public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
            boolean interim = message instanceof HttpResponse response
                    && response.status().codeClass() == HttpStatusClass.INFORMATIONAL;
            if (message instanceof LastHttpContent && !interim) {
                promise.addListener(sent -> {
                    open--;
                    settle();
                });
            }
            context.write(message, promise);
        }

        private void settle() {
            if (open == 0 && !receiving) {
                connection.rest();
            }
        }
    }
}
