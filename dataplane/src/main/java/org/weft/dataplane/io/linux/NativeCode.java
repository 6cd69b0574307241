package org.weft.dataplane.io.linux;

import io.netty.channel.epoll.Epoll;

/**
 * The native code of the libraries: jffi makes the system calls, and Netty's epoll transport is the
 * event loop. The build unpacks it beside the jar, into a directory that the launcher names in
 * {@code java.library.path}. The jars that hold it are not on the class path, so the libraries
 * unpack nothing at run time. The directory for temporary files may then be read-only, full or
 * mounted noexec.
 */
public final class NativeCode {
    private static final String JFFI = "jffi-1.2";

    private NativeCode() {}

    /**
     * Loads both libraries. Otherwise the first class that needs a library would load it, and fail
     * with many lines.
     *
     * @throws UnsatisfiedLinkError in one sentence for the operator
     */
    public static void load() {
        try {
            System.loadLibrary(JFFI);
            Epoll.ensureAvailability();
        } catch (UnsatisfiedLinkError e) {
            throw new UnsatisfiedLinkError("native code cannot be loaded ("
                    + reason(e).lines().findFirst().orElse("no reason given")
                    + "): build Weft on this machine with scripts/setup, start it with scripts/weft, and mount its"
                    + " directory without noexec");
        }
    }

    /** Netty wraps the linker's own words, or suppresses them in favour of its second attempt. */
    private static String reason(Throwable e) {
        if (e.getCause() != null) {
            return reason(e.getCause());
        }
        return e.getSuppressed().length > 0 ? reason(e.getSuppressed()[0]) : String.valueOf(e.getMessage());
    }
}
