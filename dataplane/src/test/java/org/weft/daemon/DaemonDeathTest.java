package org.weft.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How the daemon's process ends when one of its threads has died. */
class DaemonDeathTest {
    /** A process whose threads hang when it is taken down in order. */
    static final class Dying {
        public static void main(String[] arguments) {
            Runtime.getRuntime().addShutdownHook(new Thread(Dying::hang));
            Daemon.giveUp("thread weft-test died of a test", new StackOverflowError("thrown by a test"));
        }

        private static void hang() {
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Test
    @Timeout(value = 120, unit = TimeUnit.SECONDS)
    void endsAtOnceWithAStatusThatSystemdRestartsAndOneSentence() throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Dying.class.getName())
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        String log = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(70, process.waitFor(), log);
        assertTrue(log.contains("thread weft-test died of a test: this process ends, to be started again"), log);
    }
}
