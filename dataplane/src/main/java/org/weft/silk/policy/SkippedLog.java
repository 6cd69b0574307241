package org.weft.silk.policy;

import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs the entries of a source that Weft skips, each of them once. Has no state. */
final class SkippedLog {
    private static final Logger LOG = LoggerFactory.getLogger(Policies.class);

    /** Maximum problems logged per update; the status lists all of them. */
    private static final int MOST_LOGGED = 20;

    private SkippedLog() {}

    /**
     * Logs the sentences that are new.
     *
     * @param source its name
     * @param before sentences about the entries skipped so far
     */
    static void log(String source, List<String> before, List<String> skipped) {
        Set<String> known = Set.copyOf(before);
        List<String> fresh = skipped.stream()
                .filter(sentence -> !known.contains(sentence))
                .limit(MOST_LOGGED + 1)
                .toList();
        fresh.stream().limit(MOST_LOGGED).forEach(sentence -> LOG.warn("skipped: {}", sentence));
        if (fresh.size() > MOST_LOGGED) {
            LOG.warn("{}: {} entries are skipped in all", source, skipped.size());
        }
    }
}
