package org.weft.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.weft.testing.Await;

/** Files whose reader throws. */
class FollowedFileTest {
    @TempDir
    private Path directory;

    @Test
    void isFollowedBeyondAnError() throws IOException, InterruptedException {
        Path path = Files.writeString(directory.resolve("file"), "first");
        CountDownLatch first = new CountDownLatch(1);
        List<String> seen = new CopyOnWriteArrayList<>();
        FollowedFile[] file = new FollowedFile[1];
        file[0] = new FollowedFile(
                path,
                "weft-test",
                () -> {
                    String contents = file[0].contents();
                    first.countDown();
                    if (contents.equals("first")) {
                        throw new AssertionError("thrown by a test");
                    }
                    seen.add(contents);
                },
                () -> {
                    throw new AssertionError("thrown by a test");
                });
        try (FollowedFile followed = file[0]) {
            followed.start();
            assertTrue(first.await(20, TimeUnit.SECONDS));

            Files.writeString(path, "second");

            Await.until("the change is seen", () -> !seen.isEmpty());
            assertEquals("second", seen.get(0));
        }
    }

    @Test
    void directoryIsWatchedBeyondAnError() throws IOException, InterruptedException {
        CountDownLatch first = new CountDownLatch(1);
        CountDownLatch second = new CountDownLatch(1);
        try (DirectoryWatch watch = new DirectoryWatch(directory, "weft-i-test", () -> {
            if (first.getCount() > 0) {
                first.countDown();
                throw new AssertionError("thrown by a test");
            }
            second.countDown();
        })) {
            watch.ensure();
            Files.writeString(directory.resolve("one"), "");
            assertTrue(first.await(20, TimeUnit.SECONDS));

            Files.writeString(directory.resolve("two"), "");

            assertTrue(second.await(20, TimeUnit.SECONDS));
        }
    }
}
