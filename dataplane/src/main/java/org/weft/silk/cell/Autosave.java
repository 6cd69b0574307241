package org.weft.silk.cell;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.operator.OperatorException;
import org.weft.silk.lease.Lease;

/** Saves leases when they have changed, and now and then for their age. What goes wrong is said once and keeps nobody back. */
final class Autosave {
    private static final Logger LOG = LoggerFactory.getLogger(Autosave.class);

    /** How often leases that were merely confirmed are saved again. */
    private static final Duration CONFIRMED = Duration.ofSeconds(60);

    private final CellState state;
    private boolean changed;
    private Instant savedConfirmed;
    private String trouble;

    Autosave(CellState state) {
        this.state = state;
    }

    /** What is on disk already. */
    void loaded(Instant confirmed) {
        savedConfirmed = confirmed;
    }

    void changed() {
        changed = true;
    }

    /** @param confirmed when the source last said that leases are as they are; null if it never did */
    boolean isDue(Instant confirmed) {
        return changed || confirmed != null && isOld(confirmed);
    }

    private boolean isOld(Instant confirmed) {
        return savedConfirmed == null
                || Duration.between(savedConfirmed, confirmed).abs().compareTo(CONFIRMED) > 0;
    }

    void save(Instant confirmed, Lease own, Collection<Lease> leases) {
        attempt(() -> state.save(confirmed, own, leases));
        changed = trouble != null;
        savedConfirmed = confirmed;
    }

    /** What is on disk is not to be used again. */
    void delete() {
        attempt(state::delete);
        changed = false;
        savedConfirmed = null;
    }

    private void attempt(Runnable action) {
        try {
            action.run();
            trouble = null;
        } catch (OperatorException e) {
            if (!e.getMessage().equals(trouble)) {
                LOG.warn("a restart would not find the leases as they are now: {}", e.getMessage());
            }
            trouble = e.getMessage();
        }
    }
}
