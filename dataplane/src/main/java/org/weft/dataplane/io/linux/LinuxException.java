package org.weft.dataplane.io.linux;

import java.util.function.IntFunction;
import org.weft.dataplane.io.Errno;

/** A system call failed. The message names the call, what it was done to, why it failed, and what to do about it. */
public final class LinuxException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    /**
     * @param call the system call, ioctl or option, such as TUNSETIFF
     * @param subject the device, file or address it was done to
     * @param errno why it failed, positive
     * @param advice what to do about it, or an empty string
     */
    public LinuxException(String call, String subject, int errno, String advice) {
        super(call + " " + subject + ": " + Errno.name(errno) + " (" + LibC.strerror(errno) + ")"
                + (advice.isEmpty() ? "" : ": " + advice));
        this.errno = errno;
    }

    public int errno() {
        return errno;
    }

    /** Passes on the result of a call that succeeded; throws for a negative errno. */
    static int check(int result, String call, String subject) {
        return check(result, call, subject, errno -> "");
    }

    /** As above; the function gives the advice for an errno. */
    static int check(int result, String call, String subject, IntFunction<String> advice) {
        if (result < 0) {
            throw new LinuxException(call, subject, -result, advice.apply(-result));
        }
        return result;
    }
}
