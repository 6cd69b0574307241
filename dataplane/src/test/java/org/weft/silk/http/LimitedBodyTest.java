package org.weft.silk.http;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.Flow;
import org.junit.jupiter.api.Test;

class LimitedBodyTest {
    @Test
    void givesUpWhenAnAnswerGrowsBeyondTheLimit() {
        LimitedBody body = new LimitedBody(1 << 20);
        body.onSubscribe(new Flow.Subscription() {
            @Override
            public void request(long items) {}

            @Override
            public void cancel() {}
        });
        body.onNext(List.of(ByteBuffer.allocate(1 << 20)));
        body.onNext(List.of(ByteBuffer.allocate(1)));
        String message = body.getBody()
                .toCompletableFuture()
                .handle((bytes, failure) -> String.valueOf(failure))
                .join();
        assertTrue(message.contains("the answer is longer than 1 MB"), message);
    }
}
