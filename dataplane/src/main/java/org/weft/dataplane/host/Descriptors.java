package org.weft.dataplane.host;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * This process's file descriptors. Connections that anybody may open leave some of them for the control socket, for
 * commands and for files that are followed.
 */
public final class Descriptors {
    /** More than these ever have open at a time. */
    private static final int RESERVE = 128;

    /** The reserve of a process that may not have many anyway is this part of all. */
    private static final int PART = 4;

    private static final Pattern SOFT_LIMIT = Pattern.compile("(?m)^Max open files +(\\d+) ");

    private Descriptors() {}

    /** Whether no more than the reserve is free. Reads /proc, which takes about as long as opening a connection. */
    public static boolean areScarce() {
        return areScarceFor(0);
    }

    /** Whether no more than the reserve will be free once so many more are open. */
    public static boolean areScarceFor(int more) {
        String[] open = new File("/proc/self/fd").list();
        return open == null || areScarce(open.length + more, limit());
    }

    static boolean areScarce(int open, int limit) {
        return open > limit - Math.min(RESERVE, limit / PART);
    }

    /** A process without a limit has none to run into; one that cannot read it has run into it. */
    private static int limit() {
        try {
            Matcher limit = SOFT_LIMIT.matcher(Files.readString(Path.of("/proc/self/limits")));
            return limit.find() ? (int) Math.min(Integer.MAX_VALUE, Long.parseLong(limit.group(1))) : Integer.MAX_VALUE;
        } catch (IOException e) {
            return 0;
        }
    }
}
