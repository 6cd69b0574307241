package org.weft.dataplane.table;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.function.IntToLongFunction;
import org.junit.jupiter.api.Test;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

class TableAllocationTest {
    private static final int ENTRIES = 10_000;
    private static final int CALLS = 1_000_000;
    /** What measuring itself may cost, over all calls together. */
    private static final long TOLERANCE_BYTES = 1024;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** Where results go, so that no call can be left out. */
    private long sum;

    @Test
    void fdbLookupAllocatesNothing() {
        FdbTable table = fdb();
        FdbLookup found = new FdbLookup();
        assertAllocatesNothing(i -> table.lookup(i % (ENTRIES + 100), found) ? found.low(0) + found.count() : 0);
    }

    @Test
    void learningAKnownSourceAllocatesNothing() {
        FdbTable table = fdb();
        assertAllocatesNothing(i -> table.learn(i % ENTRIES, 0, IpAddress.ipv4Low(i % ENTRIES), i >>> 10)
                .ordinal());
    }

    @Test
    void learningNothingForAStaticSourceAllocatesNothing() {
        FdbTable table = fdb();
        assertAllocatesNothing(i -> table.learn(i % ENTRIES & ~1, 0, 1, 1).ordinal());
    }

    @Test
    void neighbourLookupAllocatesNothing() {
        NeighbourTable table = new NeighbourTable();
        for (int i = 0; i < ENTRIES; i++) {
            table.add(new IpAddress(1, i), i);
        }
        assertAllocatesNothing(i -> table.lookup(1, i % (ENTRIES + 100)));
    }

    @Test
    void tagLookupAllocatesNothing() {
        TagTable table = new TagTable();
        for (int i = 0; i < ENTRIES; i++) {
            table.replace(new IpPrefix(IpAddress.ofIpv4(i << 8), 24 + i % 9), 1 + i);
        }
        assertAllocatesNothing(i -> table.lookup(0, IpAddress.ipv4Low(i)));
    }

    /** Even ones permanent, every third with its own port. */
    private static FdbTable fdb() {
        FdbTable table = new FdbTable(0);
        for (int i = 0; i < ENTRIES; i++) {
            table.add(i, new Remote(IpAddress.ofIpv4(i), i % 3 == 0 ? 4790 : 0, Remote.SAME_VNI), i % 2 == 0, 1);
        }
        return table;
    }

    private void assertAllocatesNothing(IntToLongFunction call) {
        allocatedBy(call, CALLS / 10);
        long allocated = allocatedBy(call, CALLS);
        assertTrue(allocated <= TOLERANCE_BYTES, allocated + " bytes by " + CALLS + " calls");
    }

    private long allocatedBy(IntToLongFunction call, int calls) {
        long thread = Thread.currentThread().getId();
        long before = THREADS.getThreadAllocatedBytes(thread);
        for (int i = 0; i < calls; i++) {
            sum += call.applyAsLong(i);
        }
        return THREADS.getThreadAllocatedBytes(thread) - before;
    }
}
