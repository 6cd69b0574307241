package org.weft.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.weft.control.Health.Verdict;
import org.weft.dataplane.watchdog.Heartbeat;
import org.weft.dataplane.watchdog.Heartbeats;
import org.weft.testing.MemoryRegistry;

class HealthTest {
    private final AtomicLong clock = new AtomicLong();
    private final Heartbeats heartbeats = new Heartbeats(clock::get);
    private final Health health = new Health(new MemoryRegistry(), null, null, List.of(), () -> null, heartbeats);

    @Test
    void isNotAliveWhileAThreadHangsAndNamesIt() {
        Heartbeat worker = heartbeats.register("weft-worker-0", Heartbeats.PACKETS);
        lookFor(10);
        assertEquals(new Verdict(true, "ok"), health.alive());
        lookFor(1);
        assertEquals(new Verdict(false, "thread weft-worker-0 has not moved for 11 s"), health.alive());
        worker.beat();
        lookFor(1);
        assertEquals(new Verdict(true, "ok"), health.alive());
    }

    private void lookFor(int seconds) {
        for (int i = 0; i < seconds; i++) {
            clock.addAndGet(Duration.ofSeconds(1).toNanos());
            heartbeats.look();
        }
    }
}
