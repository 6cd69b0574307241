package org.weft.operator;

/** Something an operator asked for cannot be done; the message is one clear sentence that says what, where and what to do. */
public final class OperatorException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Why, as an exit code of sysexits.h. */
    public enum Kind {
        USAGE(64),
        BAD_DATA(65),
        NO_INPUT(66),
        UNAVAILABLE(69),
        OS_ERROR(71),
        CANNOT_CREATE(73),
        NO_PERMISSION(77),
        BAD_CONFIG(78);

        private final int exitCode;

        Kind(int exitCode) {
            this.exitCode = exitCode;
        }

        public int exitCode() {
            return exitCode;
        }
    }

    private final Kind kind;

    public OperatorException(Kind kind, String sentence) {
        super(sentence);
        this.kind = kind;
    }

    public OperatorException(Kind kind, String sentence, Throwable cause) {
        super(sentence, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
