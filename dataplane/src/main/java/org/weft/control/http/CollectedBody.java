package org.weft.control.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/** The whole body of a request that is answered when work elsewhere is done. */
public final class CollectedBody implements Upload {
    /** More than any such request has: network configurations, at most with what plugins before have answered. */
    public static final int MAX_LENGTH = 1 << 20;

    private final Function<String, CompletionStage<Answer>> work;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
    private boolean tooLong;

    /** @param work begins with the body's text; does not wait */
    public CollectedBody(Function<String, CompletionStage<Answer>> work) {
        this.work = work;
    }

    @Override
    public void feed(ByteBuf content) {
        tooLong |= bytes.size() + content.readableBytes() > MAX_LENGTH;
        if (!tooLong) {
            byte[] piece = new byte[content.readableBytes()];
            content.readBytes(piece);
            bytes.writeBytes(piece);
        }
    }

    @Override
    public void end(HttpExchanges exchanges, ChannelHandlerContext context) {
        if (tooLong) {
            throw new OperatorException(Kind.BAD_DATA, "the body is longer than " + MAX_LENGTH + " bytes");
        }
        exchanges.later(context, work.apply(bytes.toString(StandardCharsets.UTF_8)));
    }
}
