package org.weft.cli;

import java.time.Duration;
import org.weft.operator.OperatorException;
import org.weft.operator.OperatorException.Kind;

/**
 * How long a client waits for the daemon without hearing anything; zero: for ever.
 *
 * @param prompt for what the daemon knows
 * @param work for what it has to do first, such as attaching a container
 */
public record Patience(Duration prompt, Duration work) {
    /** Seconds, in the environment. */
    static final String VARIABLE = "WEFT_TIMEOUT";

    /** As long as scripts/weft-cni waits. */
    static final Patience DEFAULT = ofSeconds(10);

    /** To see whether anybody is there. */
    public static final Patience SHORT = ofSeconds(2);

    private static final int WORK = 6;
    private static final int MOST_SECONDS = 86_400;

    static Patience ofSeconds(int seconds) {
        return new Patience(Duration.ofSeconds(seconds), Duration.ofSeconds(seconds * (long) WORK));
    }

    /**
     * As the environment has it.
     *
     * @param text seconds, of which work gets six times as many; the default if it is null or empty
     */
    static Patience parse(String text) {
        if (text == null || text.isEmpty()) {
            return DEFAULT;
        }
        if (!text.matches("\\d{1,5}") || Integer.parseInt(text) > MOST_SECONDS) {
            throw new OperatorException(
                    Kind.USAGE,
                    VARIABLE + ": \"" + text + "\" is not a number of seconds from 0 (wait for ever) to "
                            + MOST_SECONDS);
        }
        return ofSeconds(Integer.parseInt(text));
    }
}
