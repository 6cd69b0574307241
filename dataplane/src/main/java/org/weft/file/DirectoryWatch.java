package org.weft.file;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hears from the kernel (inotify) when something in a directory changes. The kernel does not report
 * changes to a file behind a symbolic link, or by other clients of a network file system. So the
 * watch looks from time to time, too.
 */
final class DirectoryWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DirectoryWatch.class);

    private final Path directory;
    private final String threadName;
    private final Runnable changed;
    private WatchService service;
    private WatchKey key;
    private boolean unavailable;

    /**
     * @param threadName the name of this watch's thread
     * @param changed called on that thread, possibly several times for one change
     */
    DirectoryWatch(Path directory, String threadName, Runnable changed) {
        this.directory = directory;
        this.threadName = threadName;
        this.changed = changed;
    }

    /**
     * Begins to watch, or begins again if somebody made the directory again. Inability to watch is
     * not a failure.
     */
    void ensure() {
        if (unavailable || key != null && key.isValid()) {
            return;
        }
        try {
            if (service == null) {
                service = FileSystems.getDefault().newWatchService();
                listen(service);
            }
            key = directory.register(
                    service,
                    StandardWatchEventKinds.ENTRY_CREATE,
                    StandardWatchEventKinds.ENTRY_MODIFY,
                    StandardWatchEventKinds.ENTRY_DELETE);
        } catch (IOException e) {
            giveUpWithoutService(e);
        }
    }

    /** A directory may come yet; inotify instances that are used up do not come back for a long time. */
    private void giveUpWithoutService(IOException e) {
        if (service == null) {
            unavailable = true;
            LOG.warn("changes in {} are seen within seconds, not at once: no inotify ({})", directory, e.getMessage());
        }
    }

    private void listen(WatchService from) {
        Thread thread = new Thread(() -> listenUntilClosed(from), threadName);
        thread.setDaemon(true);
        thread.start();
    }

    private void listenUntilClosed(WatchService from) {
        try {
            while (true) {
                tell(from.take());
            }
        } catch (ClosedWatchServiceException | InterruptedException e) {
            // That is the end of it.
        } catch (RuntimeException | Error e) {
            LOG.warn(
                    "changes in {} are seen within seconds, not at once: restart the daemon to mend that",
                    directory,
                    e);
        }
    }

    /** A failure affects this change alone, because the watch looks from time to time, too. */
    private void tell(WatchKey changes) {
        try {
            changes.pollEvents();
            changes.reset();
            changed.run();
        } catch (RuntimeException | Error e) {
            LOG.warn("the reader of a change in {} failed; Weft looks again within seconds", directory, e);
        }
    }

    @Override
    public void close() {
        try {
            if (service != null) {
                service.close();
            }
        } catch (IOException e) {
            LOG.debug("closing the watch of {}", directory, e);
        }
    }
}
