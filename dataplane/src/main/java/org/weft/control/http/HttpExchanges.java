package org.weft.control.http;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufOutputStream;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.control.http.Answer.JsonBody;
import org.weft.dataplane.capture.CaptureSession;
import org.weft.operator.OperatorException;
import org.weft.text.Visible;

/** One connection: takes requests in turn, has them answered, and sees to HTTP's manners. */
public final class HttpExchanges extends SimpleChannelInboundHandler<HttpObject> {
    private static final Logger LOG = LoggerFactory.getLogger(HttpExchanges.class);

    private final Routes routes;
    private final RequestGate gate;
    private final String client;
    private HttpRequest request;
    private Upload upload;
    private CaptureStream capture;
    private TableStream table;

    /** A stream has taken the connection over, or it is about to be closed. */
    private boolean finished;

    /**
     * @param gate stands before this in the pipeline
     * @param client who is connected, for the log
     */
    HttpExchanges(Routes routes, RequestGate gate, String client) {
        this.routes = routes;
        this.gate = gate;
        this.client = client;
    }

    public String client() {
        return client;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, HttpObject message) {
        if (finished) {
            return;
        }
        if (message instanceof HttpRequest begun) {
            request = begun;
            upload = null;
            begin(context);
        }
        if (message instanceof HttpContent content && upload != null) {
            upload.feed(content.content());
            if (content instanceof LastHttpContent) {
                end(context);
            }
        }
    }

    private void begin(ChannelHandlerContext context) {
        if (request.decoderResult().isFailure()) {
            finished = true;
            error(context, HttpResponseStatus.BAD_REQUEST, "this is not an HTTP/1.1 request", 64);
            return;
        }
        try {
            upload = routes.answer(this, context, request);
        } catch (RuntimeException | IOException e) {
            refuse(context, e);
        }
        if (upload != null && HttpUtil.is100ContinueExpected(request)) {
            context.writeAndFlush(new DefaultFullHttpResponse(
                    HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE, Unpooled.EMPTY_BUFFER));
        }
    }

    private void end(ChannelHandlerContext context) {
        try {
            upload.end(this, context);
        } catch (RuntimeException e) {
            refuse(context, e);
        }
    }

    private void refuse(ChannelHandlerContext context, Throwable e) {
        if (e instanceof OperatorException operator) {
            error(
                    context,
                    Refusals.status(operator.kind()),
                    e.getMessage(),
                    operator.kind().exitCode());
        } else {
            LOG.error("{} {} of {} failed", request.method(), request.uri(), client, e);
            error(context, HttpResponseStatus.INTERNAL_SERVER_ERROR, String.valueOf(e.getMessage()), 71);
        }
    }

    /** Answers once work elsewhere is done. Requests behind this one wait; a client that leaves does not end the work. */
    public void later(ChannelHandlerContext context, CompletionStage<Answer> work) {
        gate.shut();
        work.whenCompleteAsync((answer, failure) -> conclude(context, answer, failure), context.executor());
    }

    private void conclude(ChannelHandlerContext context, Answer answer, Throwable failure) {
        try {
            if (failure == null) {
                answer(context, answer);
            } else {
                refuse(context, failure instanceof CompletionException ? failure.getCause() : failure);
            }
        } catch (RuntimeException | IOException e) {
            refuse(context, e);
        }
        gate.open();
    }

    public void answer(ChannelHandlerContext context, Answer answer) throws IOException {
        ByteBuf content = context.alloc().heapBuffer();
        try {
            answer.body().write(new ByteBufOutputStream(content));
            respond(context, answer.status(), answer.contentType(), content.retain());
        } finally {
            content.release();
        }
    }

    /** Answers with JSON and a line end. */
    public void answer(ChannelHandlerContext context, JsonBody body) throws IOException {
        answer(context, Answer.json(body));
    }

    /**
     * Answers with JSON that is written piece by piece, and a line end; if there is much of it, it takes the connection
     * over and closes it in the end.
     */
    public void answer(ChannelHandlerContext context, Iterator<JsonBody> pieces) throws IOException {
        TableStream stream = new TableStream(pieces);
        ByteBuf chunk = stream.next();
        String contentType = HttpHeaderValues.APPLICATION_JSON.toString();
        if (stream.hasEnded()) {
            respond(context, HttpResponseStatus.OK, contentType, chunk);
            return;
        }
        begin(context, contentType);
        if (request.method().equals(HttpMethod.HEAD)) {
            chunk.release();
            context.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT).addListener(ChannelFutureListener.CLOSE);
        } else {
            table = stream;
            table.carry(context.channel(), chunk);
        }
    }

    public void json(ChannelHandlerContext context, HttpResponseStatus status, JsonObject body) {
        ByteBuf content = Unpooled.copiedBuffer(Visible.json(body.toString()) + "\n", StandardCharsets.UTF_8);
        respond(context, status, HttpHeaderValues.APPLICATION_JSON.toString(), content);
    }

    /** Answers with the same shape as a batch that failed. */
    public void error(ChannelHandlerContext context, HttpResponseStatus status, String sentence, int exitCode) {
        JsonObject error = new JsonObject();
        error.addProperty("error", sentence);
        error.addProperty("exit", exitCode);
        JsonArray errors = new JsonArray();
        errors.add(error);
        JsonObject answer = new JsonObject();
        answer.addProperty("applied", 0);
        answer.add("errors", errors);
        json(context, status, answer);
    }

    private void respond(
            ChannelHandlerContext context, HttpResponseStatus status, String contentType, ByteBuf content) {
        FullHttpResponse response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, content);
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, contentType);
        response.headers().setInt(HttpHeaderNames.CONTENT_LENGTH, content.readableBytes());
        if (status.equals(HttpResponseStatus.METHOD_NOT_ALLOWED)) {
            response.headers().set(HttpHeaderNames.ALLOW, routes.allowed(request));
        }
        boolean keepAlive = !finished && HttpUtil.isKeepAlive(request) && !awaitsContinue(status);
        HttpUtil.setKeepAlive(response, keepAlive);
        if (request.method().equals(HttpMethod.HEAD)) {
            response.content().clear();
        }
        ChannelFuture written = context.writeAndFlush(response);
        if (!keepAlive) {
            finished = true;
            written.addListener(ChannelFutureListener.CLOSE);
        }
        context.channel().config().setAutoRead(context.channel().isWritable());
    }

    /** The client may send its body or not after a refusal, so what follows cannot be told from a next request. */
    private boolean awaitsContinue(HttpResponseStatus status) {
        return !status.equals(HttpResponseStatus.OK) && upload == null && HttpUtil.is100ContinueExpected(request);
    }

    /** Answers with packets as they pass; takes the connection over and closes it in the end. */
    public void capture(ChannelHandlerContext context, CaptureSession session, long count, LongConsumer losses) {
        begin(context, "application/x-pcapng");
        capture = new CaptureStream(context.channel(), session, count, losses);
    }

    /** Begins an answer of unknown length, the last of this connection. */
    private void begin(ChannelHandlerContext context, String contentType) {
        HttpResponse response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, contentType);
        if (request.protocolVersion().equals(HttpVersion.HTTP_1_1)) {
            HttpUtil.setTransferEncodingChunked(response, true);
        }
        HttpUtil.setKeepAlive(response, false);
        finished = true;
        context.writeAndFlush(response);
    }

    /**
     * The client has sent all it will. What it asked for it still gets: answers are written already, or stream to their
     * end, and of a capture comes the rest that waits.
     */
    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event == ChannelInputShutdownEvent.INSTANCE) {
            finished = true;
            if (capture != null) {
                capture.stop();
            } else if (table == null) {
                context.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
            }
        }
        context.fireUserEventTriggered(event);
    }

    /** A client that sends requests but does not take answers is not read from. */
    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (context.channel().isWritable()) {
            context.channel().config().setAutoRead(!gate.isShut());
            if (table != null) {
                table.resume();
            }
        }
        context.fireChannelWritabilityChanged();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (cause instanceof IOException) {
            LOG.debug("connection of {} lost: {}", client, cause.getMessage());
        } else {
            LOG.error("connection of {} closed", client, cause);
        }
        context.close();
    }
}
