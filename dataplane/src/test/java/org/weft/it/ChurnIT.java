package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.weft.testing.RequiresRoot;

/** Entries and VTEPs come and go in a daemon for ever: after the first rounds its memory stays what it is. */
@RequiresRoot
class ChurnIT {
    private static final int ENTRIES = 100_000;
    private static final int VTEPS = 5;

    /** Of the JVM itself: compiled code, and a heap that grows a little. */
    private static final long TOLERANCE_KB = 16 << 10;

    /** From the first round on; a JVM that warms up takes half of it, and VTEPs that leave their memory twice as much. */
    private static final long TOLERANCE_AT_FIRST_KB = 48 << 10;

    private Netns host;
    private WeftDaemon daemon;

    @BeforeEach
    void open() {
        host = Netns.create("churn");
        host.exec("ip", "link", "set", "lo", "up");
        daemon = new WeftDaemon(host, null).start();
    }

    @AfterEach
    void close() {
        if (daemon != null) {
            daemon.close();
        }
        host.close();
    }

    @Test
    void entriesThatComeAndGoTakeNoMoreMemory() {
        daemon.control().post(link("add", 1));
        String additions = entries("add", ",\"dst\":\"10.0.16.14\"");
        String removals = entries("del", "");
        List<Long> resident = residentKb(9, () -> {
            daemon.control().post(additions);
            daemon.control().post(removals);
        });
        assertGrowsLessThan(TOLERANCE_KB, resident, 3);
    }

    private static String entries(String action, String attributes) {
        return IntStream.range(0, ENTRIES)
                .mapToObj(i ->
                        "{\"object\":\"fdb\",\"action\":\"%s\",\"dev\":\"vxlan1\",\"mac\":\"02:00:00:%02x:%02x:%02x\"%s}"
                                .formatted(action, i >> 16, i >> 8 & 0xff, i & 0xff, attributes))
                .collect(Collectors.joining("\n", "", "\n"));
    }

    @Test
    void vtepsThatComeAndGoTakeNoMoreMemory() {
        List<Long> resident = residentKb(48, () -> {
            IntStream.rangeClosed(1, VTEPS).forEach(id -> daemon.control().post(link("add", id)));
            IntStream.rangeClosed(1, VTEPS).forEach(id -> daemon.control().post(link("del", id)));
        });
        assertGrowsLessThan(TOLERANCE_AT_FIRST_KB, resident, 1);
        assertGrowsLessThan(TOLERANCE_KB, resident, 16);
    }

    private static String link(String action, int id) {
        return "{\"object\":\"link\",\"action\":\"" + action + "\",\"dev\":\"vxlan" + id + "\""
                + (action.equals("add")
                        ? ",\"attributes\":{\"id\":" + id + ",\"local\":\"127.0.0.1\",\"dstport\":4789}}"
                        : "}");
    }

    /** What the daemon has of memory after each round. */
    private List<Long> residentKb(int rounds, Runnable round) {
        List<Long> resident = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
            round.run();
            resident.add(residentKb());
        }
        return resident;
    }

    /** From the end of a round to that of the last one. */
    private void assertGrowsLessThan(long tolerance, List<Long> resident, int round) {
        long grown = resident.get(resident.size() - 1) - resident.get(round - 1);
        assertTrue(grown < tolerance, () -> "it grew by " + grown + " KB: " + resident + "\n" + daemon.log());
    }

    /** Behind a full collection: JVMs differ in how much garbage they gather before one. */
    private long residentKb() {
        ProcessSample.collect(daemon.pid());
        try (var lines = Files.lines(Path.of("/proc", Long.toString(daemon.pid()), "status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                    .findFirst()
                    .orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
