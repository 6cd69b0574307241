package org.weft.daemon;

import org.weft.operator.OperatorException.Kind;

/**
 * One sentence for an {@link Error} that ends the process. Its cause is the machine or the
 * installation, so a stack trace does not help an operator.
 *
 * @param exitCode of sysexits.h
 */
record Fault(int exitCode, String sentence) {
    /** EX_SOFTWARE of sysexits.h. */
    static final int INTERNAL_ERROR = 70;

    /**
     * The last error among a throwable and its causes, which is the first that happened; null if
     * there is none.
     */
    static Fault of(Throwable thrown) {
        Error first = null;
        for (Throwable each = thrown; each != null; each = each.getCause()) {
            if (each instanceof Error error && (first == null || !(error instanceof ExceptionInInitializerError))) {
                first = error;
            }
        }
        return first == null ? null : of(first);
    }

    private static Fault of(Error error) {
        String message = error.getMessage() == null
                ? ""
                : error.getMessage().lines().findFirst().orElse("");
        if (error instanceof UnsatisfiedLinkError) {
            return new Fault(Kind.OS_ERROR.exitCode(), message);
        }
        if (error instanceof OutOfMemoryError) {
            return new Fault(
                    Kind.OS_ERROR.exitCode(),
                    "out of memory (" + message + "): give this process more memory, or more threads (TasksMax=,"
                            + " MemoryMax= and ulimit limit them)");
        }
        if (error instanceof LinkageError) {
            return new Fault(
                    INTERNAL_ERROR,
                    "a class cannot be loaded (" + error.getClass().getSimpleName() + ": " + message
                            + "): Weft is not installed completely, build it again with scripts/setup");
        }
        return new Fault(
                INTERNAL_ERROR,
                "internal error: " + error.toString().lines().findFirst().orElse(""));
    }
}
