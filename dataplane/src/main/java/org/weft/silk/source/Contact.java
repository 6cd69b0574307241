package org.weft.silk.source;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** When a source was last heard of, and what is wrong with it. Says each trouble once. */
public final class Contact {
    private static final Logger LOG = LoggerFactory.getLogger(Contact.class);

    private final String source;
    private final InstantSource clock;
    private Instant confirmed;
    /** The same on a clock that nobody sets; 0 as long as it is known from a file only. */
    private long confirmedNanos;

    private String trouble;
    private long failures;

    public Contact(String source) {
        this(source, InstantSource.system());
    }

    /** @param clock of the wall, which others set; it names times and decides nothing in this process */
    Contact(String source, InstantSource clock) {
        this.source = source;
        this.clock = clock;
    }

    /** What a process before this one heard. */
    public void remember(Instant then) {
        confirmed = then;
    }

    public void confirm() {
        confirmed = clock.instant();
        confirmedNanos = System.nanoTime() | 1;
        if (trouble != null) {
            LOG.info("{}: answers again", source);
            trouble = null;
        }
    }

    public void fail(String sentence) {
        failures++;
        if (!sentence.equals(trouble)) {
            LOG.warn("{}: {}", source, sentence);
            trouble = sentence;
        }
    }

    /** Whether the source answers, as far as is known. */
    public boolean isCurrent() {
        return trouble == null && confirmedNanos != 0;
    }

    /** One sentence, or null. */
    public String trouble() {
        return trouble;
    }

    public long failures() {
        return failures;
    }

    /** When the source last said that things are as they are; null if it never did. */
    public Instant confirmed() {
        return confirmed;
    }

    /** Time since then in milliseconds; -1 if it never did. */
    public long ageMillis() {
        if (confirmedNanos != 0) {
            return (System.nanoTime() - confirmedNanos) / 1_000_000;
        }
        return confirmed == null
                ? -1
                : Math.max(0, Duration.between(confirmed, clock.instant()).toMillis());
    }
}
