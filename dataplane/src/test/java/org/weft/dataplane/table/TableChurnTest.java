package org.weft.dataplane.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

/** What a table costs that grows and shrinks for ever: memory that stays the same, and no call that takes long. */
class TableChurnTest {
    private static final int ENTRIES = 40_000;
    private static final int ROUNDS = 10;

    /** Other tests of this process may leave direct memory to the collector, which frees it at any time. */
    private static final BufferPoolMXBean DIRECT = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
            .filter(pool -> pool.getName().equals("direct"))
            .findFirst()
            .orElseThrow();

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final Remote REMOTE = new Remote(IpAddress.parse("10.0.16.14"));

    /** A round that needs no memory but what the first ones needed; the collector is not asked. */
    private static void assertNeedsNoMoreMemory(Runnable round) {
        round.run();
        round.run();
        long before = DIRECT.getTotalCapacity();
        for (int i = 0; i < ROUNDS; i++) {
            round.run();
        }
        long grown = DIRECT.getTotalCapacity() - before;
        assertTrue(grown < 1 << 20, grown + " bytes more after " + ROUNDS + " rounds");
    }

    @Test
    void fdbThatFillsAndEmptiesNeedsNoMoreMemory() {
        FdbTable table = new FdbTable(0);
        assertNeedsNoMoreMemory(() -> {
            for (int mac = 1; mac <= ENTRIES; mac++) {
                table.add(mac, REMOTE, true, 1);
            }
            for (int mac = 1; mac <= ENTRIES; mac++) {
                table.remove(mac, null);
            }
            assertEquals(0, table.size());
        });
    }

    @Test
    void learningAndAgeingNeedNoMoreMemory() {
        FdbTable table = new FdbTable(0);
        long[] now = {0};
        assertNeedsNoMoreMemory(() -> {
            now[0] += 1000;
            // Other addresses each time, so their places in the table are others.
            for (int i = 0; i < ENTRIES; i++) {
                makeRoom(table, i);
                table.learn(now[0] << 20 | i, 0, 1, now[0]);
            }
            assertEquals(ENTRIES, table.age(now[0] + 300, 300));
        });
    }

    @Test
    void neighboursAndTagsThatAreFlushedNeedNoMoreMemory() {
        NeighbourTable neighbours = new NeighbourTable();
        TagTable tags = new TagTable();
        assertNeedsNoMoreMemory(() -> {
            for (int i = 0; i < ENTRIES; i++) {
                neighbours.add(IpAddress.ofIpv4(i), i);
                tags.add(new IpPrefix(IpAddress.ofIpv4(i << 8), 24 + i % 9), 1);
            }
            neighbours.flush();
            tags.flush();
        });
    }

    @Test
    void prefixLengthThatComesAndGoesNeedsNoMoreMemory() {
        TagTable tags = new TagTable();
        IpPrefix prefix = IpPrefix.parse("10.255.0.0/16");
        assertNeedsNoMoreMemory(() -> {
            for (int i = 0; i < 1000; i++) {
                tags.add(prefix, 1);
                tags.remove(prefix);
            }
        });
    }

    @Test
    void tablesThatAreDroppedLeaveTheirMemoryToTheNext() {
        assertNeedsNoMoreMemory(() -> {
            FdbTable table = new FdbTable(0);
            for (int mac = 1; mac <= ENTRIES; mac++) {
                table.add(mac, REMOTE, true, 1);
            }
            table.release();
            assertEquals(0, table.size());
        });
    }

    /** Makes room as the watch does each second, while a thousand addresses come. */
    private static void makeRoom(FdbTable table, int learned) {
        if (learned % 1000 == 0) {
            table.makeRoom();
        }
    }

    @Test
    void noCallThatLearnsTakesLong() {
        FdbTable table = new FdbTable(0);
        long longest = 0;
        for (int i = 0; i < 500_000; i++) {
            makeRoom(table, i);
            // Not the time on the clock: the machine may be busy.
            long before = THREADS.getCurrentThreadCpuTime();
            table.learn(i, 0, 1, 1);
            longest = Math.max(longest, THREADS.getCurrentThreadCpuTime() - before);
        }
        assertEquals(500_000, table.size());
        assertTrue(longest < TimeUnit.MILLISECONDS.toNanos(20), longest + " ns");
    }

    @Test
    void entriesThatAgeTogetherNeedNoHeapOfTheirNumber() {
        FdbTable table = new FdbTable(0);
        for (int i = 0; i < 200_000; i++) {
            makeRoom(table, i);
            table.learn(i, 0, 1, 1);
        }
        long thread = Thread.currentThread().getId();
        long before = THREADS.getThreadAllocatedBytes(thread);
        assertEquals(200_000, table.age(301, 300));
        long allocated = THREADS.getThreadAllocatedBytes(thread) - before;
        assertTrue(allocated < 1 << 20, allocated + " bytes of heap");
        assertEquals(OffHeapMap.LARGEST * Slots.LENGTH, table.bytes(), "the room that a table keeps which learns");
    }

    @Test
    void entriesThatAreFlushedNeedNoHeapOfTheirNumber() {
        FdbTable table = new FdbTable(0);
        for (int i = 0; i < 200_000; i++) {
            table.add(i, REMOTE, i % 20_000 == 0, 1);
        }
        long thread = Thread.currentThread().getId();
        long before = THREADS.getThreadAllocatedBytes(thread);
        assertEquals(199_990, table.flush(true));
        long allocated = THREADS.getThreadAllocatedBytes(thread) - before;
        assertTrue(allocated < 1 << 20, allocated + " bytes of heap");
        assertEquals(10, table.size());
    }
}
