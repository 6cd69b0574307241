package org.weft.control.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.weft.control.http.ConnectionLimit.Bounds;

/** Connections in memory whose clock the test sets. */
class ConnectionLimitTest {
    private static final String REQUEST = "GET / HTTP/1.1\r\n\r\n";
    private static final Bounds TWO = new Bounds(2, Duration.ofSeconds(10), Duration.ofMinutes(5));

    @Test
    void endsRequestThatIsNotThereWithinTenSecondsHoweverItTrickles() {
        EmbeddedChannel slow = connect(new ConnectionLimit(Bounds.TCP));
        for (int second = 0; second < 9; second++) {
            send(slow, REQUEST.substring(second, second + 1));
            pass(slow, 1);
        }
        assertTrue(slow.isOpen());

        pass(slow, 1);

        assertFalse(slow.isOpen());
    }

    @Test
    void endsConnectionThatNeverAsks() {
        EmbeddedChannel silent = connect(new ConnectionLimit(Bounds.TCP));

        pass(silent, 10);

        assertFalse(silent.isOpen());
    }

    @Test
    void endsClientThatDoesNotTakeItsAnswer() {
        Stuck stuck = new Stuck();
        EmbeddedChannel deaf = connect(new ConnectionLimit(Bounds.TCP), stuck);
        send(deaf, REQUEST);
        assertEquals(1, stuck.held.size(), "the answer waits in the socket");

        pass(deaf, 10);

        assertFalse(deaf.isOpen());
    }

    @Test
    void clientMayAskAgainFiveMinutesLater() {
        EmbeddedChannel scraper = connect(new ConnectionLimit(Bounds.TCP));
        for (int i = 0; i < 3; i++) {
            send(scraper, REQUEST);
            pass(scraper, 299);
            assertTrue(scraper.isOpen());
        }

        pass(scraper, 1);

        assertFalse(scraper.isOpen());
    }

    @Test
    void bodyBehindTheAnswerIsPartOfItsRequest() {
        EmbeddedChannel client = connect(new ConnectionLimit(Bounds.TCP));
        send(client, "PUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\n");
        send(client, "{");
        send(client, "}");

        pass(client, 299);

        assertTrue(client.isOpen(), "it is idle");
    }

    @Test
    void newConnectionTakesThePlaceOfTheOneIdleLongest() {
        ConnectionLimit limit = new ConnectionLimit(TWO);
        EmbeddedChannel asking = connect(limit);
        send(asking, REQUEST);
        EmbeddedChannel idle = connect(limit);
        send(idle, REQUEST);
        send(asking, REQUEST.substring(0, 5));

        EmbeddedChannel third = connect(limit);

        assertFalse(idle.isOpen());
        assertTrue(asking.isOpen());
        assertTrue(third.isOpen());
        assertEquals(1, limit.evictions());
    }

    @Test
    void oldestRequestUnderWayGivesWayWhereAnybodyMayConnect() {
        ConnectionLimit limit = new ConnectionLimit(TWO);
        EmbeddedChannel first = connect(limit);
        EmbeddedChannel second = connect(limit);

        EmbeddedChannel third = connect(limit);
        send(third, REQUEST);

        assertFalse(first.isOpen());
        assertTrue(second.isOpen());
        assertTrue(text(third).startsWith("HTTP/1.1 200"));
    }

    @Test
    void requestUnderWayOfRootStaysAndTheNewOneIsTold() {
        ConnectionLimit limit = new ConnectionLimit(new Bounds(1, null, null));
        EmbeddedChannel capturing = connect(limit);
        send(capturing, REQUEST.substring(0, 5));

        EmbeddedChannel refused = connect(limit);

        assertTrue(capturing.isOpen());
        assertFalse(refused.isOpen());
        assertTrue(text(refused).contains("too many connections are open here"));
        assertNull(refused.readOutbound(), "and nothing else");
        pass(capturing, 3600);
        assertTrue(capturing.isOpen(), "however long it takes");
    }

    @Test
    void connectionThatEndsMakesRoom() {
        ConnectionLimit limit = new ConnectionLimit(TWO);
        EmbeddedChannel first = connect(limit);
        connect(limit).close();

        connect(limit);

        assertTrue(first.isOpen());
        assertEquals(0, limit.evictions());
    }

    private static EmbeddedChannel connect(ConnectionLimit limit, ChannelHandler... before) {
        EmbeddedChannel channel = new EmbeddedChannel(new ChannelInitializer<EmbeddedChannel>() {
            @Override
            protected void initChannel(EmbeddedChannel made) {
                made.freezeTime();
                made.pipeline().addLast(before);
                limit.add(made.pipeline());
                made.pipeline().addLast(new Answering());
            }
        });
        return channel;
    }

    private static void send(EmbeddedChannel channel, String text) {
        channel.writeInbound(Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII));
    }

    private static void pass(EmbeddedChannel channel, long seconds) {
        channel.advanceTimeBy(seconds, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
    }

    private static String text(EmbeddedChannel channel) {
        ByteBuf out = channel.readOutbound();
        return out == null ? "" : out.toString(StandardCharsets.US_ASCII);
    }

    /** Answers a request when its head is there. */
    private static final class Answering extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (message instanceof HttpRequest) {
                context.writeAndFlush(new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK));
            }
            ReferenceCountUtil.release(message);
        }
    }

    /** A socket that takes nothing. */
    private static final class Stuck extends ChannelOutboundHandlerAdapter {
        final List<Object> held = new ArrayList<>();

        @Override
        public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
            held.add(message);
        }
    }
}
