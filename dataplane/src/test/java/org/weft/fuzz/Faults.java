package org.weft.fuzz;

import java.util.SplittableRandom;
import org.agrona.concurrent.Agent;

/** Decides when a device fails, and how. Each device has its own, so that its luck does not depend on others. */
final class Faults {
    /**
     * How often devices fail.
     *
     * @param errors every n-th call fails with an errno; 0: none does
     * @param crashes whether calls throw, too
     */
    record Rate(int errors, boolean crashes) {
        static Rate any(SplittableRandom random) {
            return random.nextBoolean()
                    ? new Rate(NONE, false)
                    : new Rate(random.nextInt(3, 40), random.nextInt(4) == 0);
        }
    }

    private static final class Crash extends RuntimeException {
        private static final long serialVersionUID = 1;

        Crash() {
            super("a device throws", null, false, false);
        }
    }

    private static final int[] ERRNOS = {1, 4, 5, 6, 9, 11, 12, 14, 19, 22, 32, 77, 90, 97, 99, 100, 101, 105, 111, 113
    };
    private static final int NONE = 0;

    private final SplittableRandom random;
    private final Rate rate;

    Faults(SplittableRandom random, Rate rate) {
        this.random = random;
        this.rate = rate;
    }

    /** Lets an agent work as a worker does, which survives what is thrown; at least 1 if something was. */
    static int survive(Agent agent) {
        try {
            return agent.doWork();
        } catch (Crash crash) {
            return 1;
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    boolean strike() {
        return rate.errors() != NONE && random.nextInt(rate.errors()) == 0;
    }

    /** An errno, or 0 if this call succeeds. */
    int errno() {
        return strike() ? ERRNOS[random.nextInt(ERRNOS.length)] : 0;
    }

    void perhapsCrash() {
        if (rate.crashes() && strike()) {
            throw new Crash();
        }
    }

    int below(int bound) {
        return random.nextInt(bound);
    }
}
