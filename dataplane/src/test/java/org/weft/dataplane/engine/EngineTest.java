package org.weft.dataplane.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.IpAddress;
import org.weft.testing.Frames;

class EngineTest {
    /** Health and metrics ask these, so that a change that hangs in a command of the host is seen. */
    @Test
    @Timeout(value = 60, unit = TimeUnit.SECONDS)
    void questionsWaitForNoChange() throws Exception {
        try (Engine engine = new Engine(EngineConfig.DEFAULT)) {
            Vtep vtep = new Vtep(Frames.silkVtep(Frames.SOURCE_MAC, IpAddress.parse("127.0.0.1")));
            CountDownLatch held = new CountDownLatch(1);
            CountDownLatch end = new CountDownLatch(1);
            CompletableFuture<Void> change = CompletableFuture.runAsync(() -> {
                synchronized (engine) {
                    held.countDown();
                    await(end);
                }
            });
            await(held);
            try {
                assertEquals(List.of(), engine.vteps());
                assertNull(engine.vtep("silk-vtep"));
                assertFalse(engine.state(vtep).up());
                assertEquals(Map.of(), engine.underlays());
                assertEquals(Map.of(), engine.overflows());
                assertFalse(change.isDone());
            } finally {
                end.countDown();
            }
            change.get();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
