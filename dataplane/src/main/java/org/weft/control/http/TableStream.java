package org.weft.control.http;

import com.google.gson.stream.JsonWriter;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.LastHttpContent;
import java.io.BufferedWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.control.http.Answer.JsonBody;
import org.weft.text.JsonOutput;

/**
 * JSON of any length, in chunks. Each is made when the client has taken most of those before, so neither a large table
 * nor a slow client takes much memory.
 */
public final class TableStream {
    private static final Logger LOG = LoggerFactory.getLogger(TableStream.class);
    private static final int CHUNK = 1 << 16;

    private final Iterator<JsonBody> pieces;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    /** Buffered, as an encoder makes garbage of each of the many small writes. */
    private final JsonWriter json =
            new JsonWriter(new BufferedWriter(new JsonOutput(new OutputStreamWriter(bytes, StandardCharsets.UTF_8))));

    private Channel channel;
    private boolean ended;
    private boolean scheduled;

    /** @param pieces each is written when the client takes more; together they are one JSON value */
    TableStream(Iterator<JsonBody> pieces) {
        this.pieces = pieces;
    }

    /** An array of these entries, each a piece. */
    public static Iterator<JsonBody> array(Iterator<JsonBody> entries) {
        Stream<JsonBody> each =
                StreamSupport.stream(Spliterators.spliteratorUnknownSize(entries, Spliterator.ORDERED), false);
        return Stream.concat(Stream.concat(Stream.of(JsonWriter::beginArray), each), Stream.of(JsonWriter::endArray))
                .iterator();
    }

    /** The next chunk; of a small table, all of it. */
    ByteBuf next() throws IOException {
        while (pieces.hasNext() && bytes.size() < CHUNK) {
            pieces.next().write(json);
        }
        ended = !pieces.hasNext();
        json.flush();
        if (ended) {
            bytes.write('\n');
        }
        ByteBuf chunk = Unpooled.wrappedBuffer(bytes.toByteArray());
        bytes.reset();
        return chunk;
    }

    /** Whether there is no further chunk. */
    boolean hasEnded() {
        return ended;
    }

    /** Sends a chunk and all that follow, and closes the connection; the response's head is written already. */
    void carry(Channel client, ByteBuf chunk) {
        channel = client;
        write(chunk);
    }

    private void write(ByteBuf chunk) {
        channel.writeAndFlush(new DefaultHttpContent(chunk));
        if (ended) {
            channel.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT).addListener(ChannelFutureListener.CLOSE);
        } else {
            resume();
        }
    }

    /** Goes on if the client takes more. A chunk at a time: only a scheduled task lets other clients go before it. */
    void resume() {
        if (!ended && !scheduled && channel.isWritable()) {
            scheduled = true;
            channel.eventLoop().schedule(this::proceed, 0, TimeUnit.NANOSECONDS);
        }
    }

    private void proceed() {
        scheduled = false;
        if (!channel.isActive()) {
            ended = true;
            return;
        }
        try {
            write(next());
        } catch (RuntimeException | IOException e) {
            LOG.error("a table cannot be shown", e);
            ended = true;
            channel.close();
        }
    }
}
