package org.weft.control.http;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Holds back what a client sends while an answer to it is worked on elsewhere, so that requests are answered one after
 * the other. No more is read meanwhile, so little is held.
 */
final class RequestGate extends ChannelInboundHandlerAdapter {
    private final Deque<Object> held = new ArrayDeque<>();
    private ChannelHandlerContext context;
    private boolean shut;

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        context = added;
    }

    void shut() {
        shut = true;
        context.channel().config().setAutoRead(false);
    }

    boolean isShut() {
        return shut;
    }

    /** Lets through what was held, until it is shut again. */
    void open() {
        shut = false;
        while (!shut && !held.isEmpty()) {
            pass(held.poll());
        }
        if (!shut) {
            context.channel().config().setAutoRead(context.channel().isWritable());
        }
    }

    private void pass(Object message) {
        if (message == ChannelInputShutdownEvent.INSTANCE) {
            context.fireUserEventTriggered(message);
        } else {
            context.fireChannelRead(message);
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext here, Object message) {
        if (shut) {
            held.add(message);
        } else {
            pass(message);
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext here, Object event) {
        if (shut && event == ChannelInputShutdownEvent.INSTANCE) {
            held.add(event);
        } else {
            context.fireUserEventTriggered(event);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext here) {
        held.forEach(ReferenceCountUtil::release);
        held.clear();
        context.fireChannelInactive();
    }
}
