package org.weft.silk.cni;

/** A CNI operation failed, with a code of the specification. */
final class CniException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** CNI specification, "Error"; codes from 100 are the plugin's own. */
    enum Code {
        INCOMPATIBLE_VERSION(1),
        UNSUPPORTED_FIELD(2),
        UNKNOWN_CONTAINER(3),
        INVALID_ENVIRONMENT(4),
        IO_FAILURE(5),
        DECODING_FAILURE(6),
        INVALID_CONFIG(7),
        TRY_AGAIN_LATER(11),
        NOT_AVAILABLE(50),
        NOT_AVAILABLE_AND_LIMITED(51),
        HOST_FAILURE(100),
        NOT_AS_LAID(101);

        final int number;

        Code(int number) {
            this.number = number;
        }
    }

    private final Code code;

    CniException(Code code, String sentence) {
        super(sentence);
        this.code = code;
    }

    CniException(Code code, String sentence, Throwable cause) {
        super(sentence, cause);
        this.code = code;
    }

    Code code() {
        return code;
    }
}
