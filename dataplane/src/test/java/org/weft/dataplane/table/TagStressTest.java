package org.weft.dataplane.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.table.TagTable.Tag;
import org.weft.encap.IpAddress;
import org.weft.encap.IpPrefix;

/**
 * One writer lets prefixes of all lengths come and go while readers look up.
 *
 * <p>Every tag says of which prefix it is: its length in 128 bits, and the network. A prefix that covers all networks
 * stays, so no lookup finds nothing.
 */
class TagStressTest {
    private static final long NANOS = TimeUnit.MILLISECONDS.toNanos(900);
    private static final long MOST_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** How often readers must have looked, and lengths gone out of use, before it counts, however slow the machine. */
    private static final int TURNS = 10_000;

    private static final int READERS = 2;

    /** 10.0.x.0 each; all but the first have addresses that stay, too. */
    private static final int NETWORKS = 200;

    private static final int STABLE_LENGTH = 104;

    private final TagTable tags = new TagTable();
    private final ExecutorService readers = Executors.newFixedThreadPool(READERS);
    private final LongAdder turns = new LongAdder();
    private volatile boolean done;

    @AfterEach
    void stopReaders() throws InterruptedException {
        done = true;
        readers.shutdown();
        assertTrue(readers.awaitTermination(10, TimeUnit.SECONDS));
    }

    @Test
    void readersFindAPrefixOfTheAddressAndMissNoneThatStays() throws Exception {
        tags.add(prefix(0, STABLE_LENGTH), tag(0, STABLE_LENGTH));
        for (int network = 1; network < NETWORKS; network++) {
            tags.add(prefix(network, 128), tag(network, 128));
        }
        List<Future<?>> checked = new ArrayList<>();
        for (int i = 0; i < READERS; i++) {
            checked.add(readers.submit(() -> read(new SplittableRandom(2))));
        }
        SplittableRandom random = new SplittableRandom(1);
        int lengthsGone = 0;
        long start = System.nanoTime();
        while (running(start, lengthsGone)) {
            int length = STABLE_LENGTH + 1 + random.nextInt(128 - STABLE_LENGTH - 1);
            // Of one length few prefixes, so that it goes out of use often; of another so many that its map grows.
            int network = random.nextInt(length == 120 ? NETWORKS : 2);
            if (random.nextBoolean()) {
                assertEquals(Outcome.OK, tags.replace(prefix(network, length), tag(network, length)));
            } else if (tags.remove(prefix(network, length)) == Outcome.OK
                    && length != 120
                    && tags.get(prefix(1 - network, length)) == TagTable.UNTAGGED) {
                lengthsGone++;
            }
        }
        done = true;
        for (Future<?> future : checked) {
            future.get(10, TimeUnit.SECONDS);
        }
        assertTrue(turns.sum() >= TURNS && lengthsGone >= TURNS, () -> "readers had only " + turns + " turns");
    }

    private boolean running(long start, int lengthsGone) {
        long nanos = System.nanoTime() - start;
        return nanos < NANOS || (turns.sum() < TURNS || lengthsGone < TURNS) && nanos < MOST_NANOS;
    }

    private void read(SplittableRandom random) {
        while (!done) {
            int network = random.nextInt(NETWORKS);
            int found = tags.lookup(0, address(network).low());
            if (network > 0) {
                assertEquals(tag(network, 128), found);
            } else {
                assertTrue(found >= tag(0, STABLE_LENGTH) && found <= tag(0, 127), () -> "tag " + found);
            }
            // Beside the address that stays: whatever prefixes there are now.
            int beside = tags.lookup(0, address(network).low() + 1);
            int length = STABLE_LENGTH + (beside - 1) / NETWORKS;
            assertEquals(tag(masked(network, length), length), beside, () -> "beside " + address(network));
            turns.increment();
            if (random.nextInt(4096) == 0) {
                List<Tag> all = tags.entries().toList();
                assertTrue(all.size() >= NETWORKS);
            }
        }
    }

    private static IpAddress address(int network) {
        return IpAddress.ofIpv4(0x0a00_0000 + network * 256);
    }

    private static IpPrefix prefix(int network, int length) {
        return new IpPrefix(address(masked(network, length)), length - 96);
    }

    /** The first of the networks that a prefix of this length covers. */
    private static int masked(int network, int length) {
        return length >= 120 ? network : network & -1 << 120 - length;
    }

    private static int tag(int network, int length) {
        return (length - STABLE_LENGTH) * NETWORKS + masked(network, length) + 1;
    }
}
