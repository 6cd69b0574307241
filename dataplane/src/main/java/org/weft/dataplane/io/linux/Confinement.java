package org.weft.dataplane.io.linux;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.weft.dataplane.io.Errno;

/**
 * What the daemon's process may do: it keeps the capabilities that it needs and gives up all others, for good and for
 * every thread and child process. The launcher does this before the JVM starts. A process that was started in another
 * way does it itself, and executes itself again, because a capability belongs to a thread and a JVM has many before it
 * runs {@code main}.
 */
public final class Confinement {
    private static final Logger LOG = LoggerFactory.getLogger(Confinement.class);

    // include/uapi/linux/capability.h
    private static final int CAP_NET_ADMIN = 12;
    private static final int CAP_NET_RAW = 13;
    private static final int CAP_SYS_ADMIN = 21;
    private static final int CAP_BPF = 39;
    private static final int CAPABILITY_VERSION_3 = 0x2008_0522;

    // include/uapi/linux/prctl.h
    private static final int PR_CAPBSET_DROP = 24;
    private static final int PR_SET_NO_NEW_PRIVS = 38;

    /**
     * Devices, addresses, sockets' marks; sockets that are bound to a device and have to follow the one that came back under
     * its name (sock_setbindtodevice); and the eBPF program of {@link TunnelDevice}.
     */
    private static final long NEEDED = 1L << CAP_NET_ADMIN | 1L << CAP_NET_RAW | 1L << CAP_BPF;

    /** Entering the network namespaces of containers. */
    private static final long NEEDED_BY_CELL = NEEDED | 1L << CAP_SYS_ADMIN;

    /** Only the owner reads what the daemon writes. */
    private static final int MASK = 077;

    /** Says that the process has executed itself already; its value means nothing. */
    private static final String AGAIN = "WEFT_CONFINED";

    private Confinement() {}

    /**
     * Gives up what a daemon does not need. If this process has more than that, it is replaced by a new one of the same
     * command line, and this does not return. Call it before any other thread is started.
     *
     * @param cell whether containers will be attached
     */
    public static void enter(boolean cell) {
        LibC.umask(MASK);
        long needed = cell ? NEEDED_BY_CELL : NEEDED;
        long excess = excess(needed);
        if (excess == 0) {
            return;
        }
        String trouble = dropBounds(excess);
        // Where the bounds stay, root has all of them again once it executes anything.
        boolean lasting = trouble == null;
        if (limitThread(needed) && lasting && System.getenv(AGAIN) == null) {
            trouble = executeAgain();
        }
        LOG.warn(
                "only threads of Weft gave up the capabilities {}, because {}: start it with scripts/weft as root, or leave"
                        + " them out of CapabilityBoundingSet= in its unit",
                Long.toHexString(excess),
                trouble == null ? "the kernel gave them to the process again" : trouble);
    }

    /** What this process has, or what the next program that it executes would have, beyond what it needs. */
    private static long excess(long needed) {
        long permitted = 0;
        long bounds = 0;
        boolean root = false;
        try {
            for (String line : Files.readAllLines(Path.of("/proc/thread-self/status"))) {
                String[] words = line.split("\\s+");
                switch (words[0]) {
                    case "CapPrm:" -> permitted = Long.parseUnsignedLong(words[1], 16);
                    case "CapBnd:" -> bounds = Long.parseUnsignedLong(words[1], 16);
                    case "Uid:" -> root = words[2].equals("0");
                    default -> {}
                }
            }
        } catch (IOException e) {
            LOG.warn("capabilities are unknown: {}", e.getMessage());
        }
        return (root ? permitted | bounds : permitted) & ~needed;
    }

    /** Takes capabilities from all that this thread executes; says why that is not possible, or null. */
    private static String dropBounds(long excess) {
        LibC.prctl(PR_SET_NO_NEW_PRIVS, 1);
        for (int capability = 0; capability < Long.SIZE; capability++) {
            if ((excess & 1L << capability) != 0) {
                int result = LibC.prctl(PR_CAPBSET_DROP, capability);
                if (result < 0) {
                    return "PR_CAPBSET_DROP " + capability + " failed with " + Errno.name(-result);
                }
            }
        }
        return null;
    }

    /** Limits this thread, and those that it starts from now on. */
    private static boolean limitThread(long needed) {
        UnsafeBuffer header = new UnsafeBuffer(ByteBuffer.allocateDirect(2 * Integer.BYTES));
        header.putInt(0, CAPABILITY_VERSION_3);
        UnsafeBuffer data = new UnsafeBuffer(ByteBuffer.allocateDirect(6 * Integer.BYTES));
        if (LibC.capget(header, data) < 0) {
            return false;
        }
        // Effective, permitted and inheritable, for the low 32 capabilities and then for the others.
        for (int i = 0; i < 6; i++) {
            data.putInt(i * Integer.BYTES, data.getInt(i * Integer.BYTES) & (int) (needed >>> (i < 3 ? 0 : 32)));
        }
        return LibC.capset(header, data) >= 0;
    }

    /** Returns why it is still here. */
    private static String executeAgain() {
        try {
            String line = new String(Files.readAllBytes(Path.of("/proc/self/cmdline")), StandardCharsets.UTF_8);
            List<String> words = List.of(line.split("\0", -1));
            LibC.setenv(AGAIN, "1");
            int result = LibC.execv(
                    "/proc/self/exe", words.subList(0, words.size() - 1).toArray(String[]::new));
            return "execv: " + Errno.name(-result);
        } catch (IOException e) {
            return e.getMessage();
        }
    }
}
