package org.weft.control.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufOutputStream;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.LastHttpContent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import org.weft.dataplane.capture.CaptureSession;

/**
 * Carries a capture to one client. Takes packets out of the session only while the client keeps up, so that what is
 * too much is lost, and counted, in the session's bounded ring and nowhere else.
 */
final class CaptureStream {
    private static final long POLL_MILLIS = 20;

    /** Packets to a chunk; with the largest frames 4 MB. */
    private static final int PACKETS_PER_CHUNK = 64;

    private final Channel channel;
    private final CaptureSession session;
    private final LongConsumer losses;
    private final Future<?> polling;
    private long remaining;
    private boolean ended;

    /**
     * Begins; the response's head is written already. Ends with the packet number {@code count}, or when the client
     * leaves.
     *
     * @param losses told in the end how many packets were lost
     */
    CaptureStream(Channel channel, CaptureSession session, long count, LongConsumer losses) {
        this.channel = channel;
        this.session = session;
        this.remaining = count;
        this.losses = losses;
        channel.writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(session.preamble())));
        polling =
                channel.eventLoop().scheduleWithFixedDelay(this::poll, POLL_MILLIS, POLL_MILLIS, TimeUnit.MILLISECONDS);
        channel.closeFuture().addListener(closed -> end());
    }

    private void poll() {
        boolean more = true;
        while (more && remaining > 0 && channel.isWritable()) {
            more = writeChunk((int) Math.min(remaining, PACKETS_PER_CHUNK)) > 0;
        }
        if (remaining == 0) {
            finish();
        }
    }

    /** Ends the file and the answer. */
    private void finish() {
        if (!ended) {
            end();
            writeChunk(0);
            channel.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT).addListener(ChannelFutureListener.CLOSE);
        }
    }

    /** The client wants no more, but still reads: it gets what waits in the ring, if it keeps up. */
    void stop() {
        poll();
        finish();
    }

    private int writeChunk(int limit) {
        ByteBuf chunk = channel.alloc().buffer();
        try {
            int packets = session.drain(new ByteBufOutputStream(chunk), limit);
            remaining -= packets;
            if (chunk.isReadable()) {
                channel.writeAndFlush(new DefaultHttpContent(chunk.retain()));
            }
            return packets;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            chunk.release();
        }
    }

    private void end() {
        if (!ended) {
            ended = true;
            polling.cancel(false);
            session.close();
            losses.accept(session.lost());
        }
    }
}
