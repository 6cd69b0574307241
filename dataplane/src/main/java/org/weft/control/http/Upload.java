package org.weft.control.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;

/** Takes the body of a request, and has it answered. */
public interface Upload {
    /** Takes the next piece of the body, which may end anywhere. */
    void feed(ByteBuf content);

    /** The body is there: answers, or promises an answer. */
    void end(HttpExchanges exchanges, ChannelHandlerContext context);
}
