package org.weft.silk.policy;

import java.time.Instant;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.silk.config.PolicyConfig;
import org.weft.silk.source.StateThread;

/**
 * Saves what a source says, and loads it after a restart. A thread of its own writes to the disk, so
 * that a slow disk keeps no operator waiting.
 *
 * <p>All methods belong to the thread of the policies, except {@link #end} after that thread's end.
 */
final class PolicySaver {
    private static final Logger LOG = LoggerFactory.getLogger(Policies.class);
    private static final long END_SECONDS = 5;

    private final String source;
    private final String vtep;
    private final PolicyState state;
    private final StateThread thread;
    private final ExecutorService writer = Executors.newSingleThreadExecutor(task -> new Thread(task, "weft-pol-save"));

    private boolean unsaved;
    private boolean saving;

    /**
     * A saver that has neither loaded nor saved.
     *
     * @param source its name; null: there is nothing to load or to save
     * @param thread of the policies
     */
    PolicySaver(PolicyConfig config, String source, StateThread thread) {
        this.source = source;
        this.vtep = config.vtep();
        this.state = new PolicyState(config.state());
        this.thread = thread;
    }

    /** The policies saved last; null if there are none that fit. */
    PolicyState.Saved load() {
        return source == null ? null : state.load(source, vtep);
    }

    /** The policies differ from those saved last. */
    void changed() {
        unsaved = true;
    }

    /**
     * Saves policies if they differ from those saved last, or if the saved time is old.
     *
     * @param confirmed when the source last confirmed the policies
     */
    void tick(Instant confirmed, PolicySet set) {
        if (source != null && (unsaved || state.isOld(confirmed))) {
            save(confirmed, set);
        }
    }

    /** Policies that Weft cannot save are still in force. A later tick saves them. */
    void save(Instant confirmed, PolicySet set) {
        if (saving) {
            unsaved = true;
            return;
        }
        saving = true;
        unsaved = false;
        writer.execute(() -> {
            boolean done = write(confirmed, set);
            thread.run(() -> {
                saving = false;
                unsaved |= !done;
            });
        });
    }

    private boolean write(Instant confirmed, PolicySet set) {
        try {
            return state.save(source, vtep, confirmed, set);
        } catch (RuntimeException | Error e) {
            LOG.error("policy of {}: Weft cannot save the policies, so a restart would begin with older ones", vtep, e);
            return false;
        }
    }

    /** Why the last policies are not saved, in a sentence; null if they are. */
    String trouble() {
        return state.trouble();
    }

    /**
     * Ends the writing, and waits up to 5 s for the write that is under way.
     *
     * @return whether it ended; false also if the caller was interrupted, who stays so
     */
    boolean end() {
        writer.shutdown();
        try {
            return writer.awaitTermination(END_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /**
     * Saves a last time, on the caller's thread; both other threads must have ended.
     *
     * @param current whether the source confirmed the policies since they were saved
     */
    void saveLast(boolean current, Instant confirmed, PolicySet set) {
        if (source != null && (unsaved || current)) {
            state.save(source, vtep, confirmed, set);
        }
    }
}
