package org.weft.testing;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/**
 * The processor time of this process. It does not depend on other processes of the machine.
 */
public final class ProcessCpu {
    private static final OperatingSystemMXBean SYSTEM =
            ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

    private ProcessCpu() {}

    /** Returns the nanoseconds of all threads since the process began. */
    public static long nanos() {
        return SYSTEM.getProcessCpuTime();
    }
}
