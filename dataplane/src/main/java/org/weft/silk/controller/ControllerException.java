package org.weft.silk.controller;

/** silk-controller did not answer, or refused, or answered what cannot be used; the message is a sentence without its end. */
final class ControllerException extends Exception {
    private static final long serialVersionUID = 1L;
    private static final int CONFLICT = 409;

    private final int status;

    ControllerException(String sentence, Throwable cause) {
        super(sentence, cause);
        this.status = 0;
    }

    ControllerException(String sentence, int status) {
        super(sentence);
        this.status = status;
    }

    /** Whether asking again is of no use (silk: NonRetriableError). */
    boolean isConflict() {
        return status == CONFLICT;
    }
}
