package org.weft.silk.source;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class PollLoopTest {
    @Test
    void pollsAgainAfterACycleThatThrew() throws InterruptedException {
        CountDownLatch cycles = new CountDownLatch(2);
        PollLoop loop = new PollLoop("weft-test", () -> {
            cycles.countDown();
            if (cycles.getCount() > 0) {
                throw new AssertionError("thrown by a test");
            }
            return null;
        });

        loop.start();

        assertTrue(cycles.await(20, TimeUnit.SECONDS));
        loop.stop();
        loop.join(Duration.ofSeconds(20));
    }
}
