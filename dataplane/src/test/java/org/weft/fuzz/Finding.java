package org.weft.fuzz;

/** The agents did something that the models do not allow. */
final class Finding extends RuntimeException {
    private static final long serialVersionUID = 1;

    Finding(String what) {
        super(what);
    }

    Finding(String what, Throwable cause) {
        super(what, cause);
    }
}
