package org.weft.testing;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/**
 * The processor time of this process, which grows with what it does and not with what else the
 * machine does.
 */
public final class ProcessCpu {
    private static final OperatingSystemMXBean SYSTEM =
            ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

    private ProcessCpu() {}

    /** Nanoseconds of all threads since the process began. */
    public static long nanos() {
        return SYSTEM.getProcessCpuTime();
    }
}
