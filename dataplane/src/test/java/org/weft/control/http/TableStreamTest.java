package org.weft.control.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.LastHttpContent;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.weft.control.http.Answer.JsonBody;

class TableStreamTest {
    private static final int ENTRIES = 100_000;

    private final EmbeddedChannel client = new EmbeddedChannel();
    private int read;

    @AfterEach
    void close() {
        client.finishAndReleaseAll();
    }

    private Iterator<JsonBody> entries(int count) {
        return IntStream.range(0, count)
                .<JsonBody>mapToObj(i -> json -> {
                    read++;
                    json.value("entry " + i);
                })
                .iterator();
    }

    private TableStream begin(Iterator<JsonBody> entries) throws IOException {
        TableStream stream = new TableStream(TableStream.array(entries));
        stream.carry(client, stream.next());
        return stream;
    }

    private void runAll() {
        do {
            client.runPendingTasks();
        } while (client.runScheduledPendingTasks() >= 0);
    }

    private void taking(boolean yes) {
        client.unsafe().outboundBuffer().setUserDefinedWritability(1, yes);
    }

    /** Returns what was sent, up to the end of the answer if it was. */
    private String sent() {
        StringBuilder text = new StringBuilder();
        for (HttpContent chunk = client.readOutbound(); chunk != null; chunk = client.readOutbound()) {
            assertEquals(chunk instanceof LastHttpContent, !chunk.content().isReadable());
            text.append(chunk.content().toString(StandardCharsets.UTF_8));
            chunk.release();
        }
        return text.toString();
    }

    @Test
    void isOneChunkWhenItIsSmall() throws IOException {
        TableStream stream = new TableStream(TableStream.array(entries(2)));

        assertEquals("[\"entry 0\",\"entry 1\"]\n", stream.next().toString(StandardCharsets.UTF_8));
        assertTrue(stream.hasEnded());
    }

    @Test
    void sendsAllEntriesAndCloses() throws IOException {
        begin(entries(ENTRIES));
        runAll();

        String text = sent();
        assertTrue(text.endsWith("]\n"), () -> text.substring(text.length() - 20));
        assertEquals(ENTRIES, JsonParser.parseString(text).getAsJsonArray().size());
        assertFalse(client.isOpen());
    }

    @Test
    void readsNoFurtherWhileTheClientTakesNothing() throws IOException {
        taking(false);
        TableStream stream = begin(entries(ENTRIES));
        runAll();
        assertTrue(read < ENTRIES / 5, read + " entries were read");
        int before = read;

        stream.resume();
        runAll();
        assertEquals(before, read);

        taking(true);
        stream.resume();
        stream.resume();
        runAll();
        assertEquals(ENTRIES, read);
        assertEquals(ENTRIES, JsonParser.parseString(sent()).getAsJsonArray().size());
    }

    @Test
    void readsNoFurtherWhenTheClientIsGone() throws IOException {
        begin(entries(ENTRIES));
        client.close();
        runAll();

        assertTrue(read < ENTRIES / 5, read + " entries were read");
    }

    @Test
    void cutsTheAnswerShortWhenAnEntryCannotBeShown() throws IOException {
        Iterator<JsonBody> good = entries(ENTRIES);
        begin(IntStream.range(0, ENTRIES)
                .<JsonBody>mapToObj(i -> json -> {
                    if (i == ENTRIES / 2) {
                        throw new IllegalStateException("as thrown");
                    }
                    good.next().write(json);
                })
                .iterator());
        runAll();

        assertFalse(sent().contains("]"));
        assertFalse(client.isOpen());
    }
}
