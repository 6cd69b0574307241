package org.weft.silk.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Flow;
import org.junit.jupiter.api.Test;

class LimitedLinesTest {
    private final List<String> heard = new ArrayList<>();
    private boolean cancelled;
    private final LimitedLines lines = new LimitedLines(8, new Flow.Subscriber<>() {
        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            subscription.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(String line) {
            heard.add(line);
        }

        @Override
        public void onError(Throwable failure) {
            heard.add(failure.getClass().getSimpleName());
        }

        @Override
        public void onComplete() {
            heard.add("end");
        }
    });

    private void begin() {
        lines.onSubscribe(new Flow.Subscription() {
            @Override
            public void request(long items) {}

            @Override
            public void cancel() {
                cancelled = true;
            }
        });
    }

    private void piece(String... texts) {
        lines.onNext(List.of(texts).stream()
                .map(text -> ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)))
                .toList());
    }

    @Test
    void joinsLinesOfPiecesAndCutsPiecesIntoLines() {
        begin();
        piece("on", "e\ntwo\n\nth");
        piece("ree");
        lines.onComplete();

        assertEquals(List.of("one", "two", "", "three", "end"), heard);
        assertFalse(cancelled);
    }

    @Test
    void joinsCharactersThatArePulledApart() {
        begin();
        byte[] bytes = "é\n".getBytes(StandardCharsets.UTF_8);
        for (byte octet : bytes) {
            lines.onNext(List.of(ByteBuffer.wrap(new byte[] {octet})));
        }

        assertEquals(List.of("é"), heard);
    }

    @Test
    void givesUpWhenOneLineGrowsBeyondTheLimit() {
        begin();
        piece("12345678\n1234", "5678");
        assertEquals(List.of("12345678"), heard);

        piece("9\nnext\n");
        lines.onComplete();

        assertEquals(List.of("12345678", "TooLong"), heard);
        assertTrue(cancelled);
        assertTrue(lines.getBody().toCompletableFuture().isCompletedExceptionally());
    }
}
