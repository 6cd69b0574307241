package org.weft.control.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.weft.testing.Await;

class TcpListenerTest {
    /** Binding throws at first. */
    private static final class Group extends MultiThreadIoEventLoopGroup {
        private final AtomicInteger attempts = new AtomicInteger();

        Group() {
            super(1, EpollIoHandler.newFactory());
        }

        @Override
        public ChannelFuture register(Channel channel) {
            if (attempts.incrementAndGet() == 1) {
                throw new AssertionError("thrown by a test");
            }
            return super.register(channel);
        }
    }

    @Test
    void triesAgainAfterAnAttemptThatThrew() {
        ChannelGroup channels = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
        ScheduledExecutorService retries = Executors.newSingleThreadScheduledExecutor();
        Group group = new Group();
        TcpListener.Service service = new TcpListener.Service("test", null, "nothing answers", "", "answering on");
        TcpListener listener = new TcpListener(service, "127.0.0.1:0", group, channels);
        try {
            listener.open(retries);
            assertEquals(
                    "nothing answers on 127.0.0.1:0 (java.lang.AssertionError: thrown by a test)", listener.trouble());

            Await.until("it is bound", () -> listener.bound() != null);
            assertEquals(2, group.attempts.get());
        } finally {
            retries.shutdownNow();
            channels.close().awaitUninterruptibly();
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
    }
}
