package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.weft.it.CellHost.Container;
import org.weft.testing.RequiresRoot;

/**
 * What a daemon uses after many VTEPs and containers have come and gone. {@code -Dweft.churn=10} makes ten times as many of
 * them: 300 VTEPs at once and 1,000 containers.
 */
@RequiresRoot
class CrowdIT {
    private static final int FACTOR = Integer.getInteger("weft.churn", 1);
    private static final int VTEPS = 30 * FACTOR;
    private static final int CONTAINERS = 25;
    private static final int ROUNDS = 2 + 38 * (FACTOR - 1) / 9;

    /** Pools of threads fill, and files are followed or not, whatever comes and goes. */
    private static final long FEW = 8;

    /** Of memory that a round takes for good: nothing, but an allocator gives back only most of what it had. */
    private static final double GROWTH = 1.15;

    /** Of memory that the last round takes: less than a tenth of what its VTEPs had. */
    private static final double LEVEL = 1.03;

    /** Of VTEPs, after which their memory has levelled off. */
    private static final int MOST_ROUNDS = 8;

    private static final int ADDRESSES = 4;

    /** The sending sockets of an address, which all of its VTEPs share. */
    private static final int SENDERS = 256;

    /** The maximum number of descriptors of a VTEP itself. */
    private static final int DESCRIPTORS = 8;

    private static final String LINK = "{\"object\":\"link\",\"action\":\"add\",\"dev\":\"vx%d\",\"attributes\":{"
            + "\"id\":%d,\"local\":\"10.9.0.%d\",\"srcport\":\"%s\",\"address\":\"10.%d.%d.1/24\"}}";

    private static void add(WeftDaemon daemon, int number) {
        daemon.control().post(link(number, "0 0"));
    }

    private static String link(int number, String sourcePorts) {
        int network = 200 + number / 250;
        return LINK.formatted(number, number + 1, number % ADDRESSES + 1, sourcePorts, network, number % 250);
    }

    private static void remove(WeftDaemon daemon, int number) {
        daemon.control().post("{\"object\":\"link\",\"action\":\"del\",\"dev\":\"vx" + number + "\"}");
    }

    private static Netns hostWithAddresses() {
        Netns host = Netns.create("host");
        for (int i = 1; i <= ADDRESSES; i++) {
            host.ip("address add 10.9.0." + i + "/32 dev lo");
        }
        return host;
    }

    /** Behind a full collection: JVMs differ in how much garbage they gather before one. */
    private static ProcessSample sample(String when, WeftDaemon daemon) {
        ProcessSample.collect(daemon.pid());
        ProcessSample sample = ProcessSample.withHeap(daemon.pid());
        System.out.printf(
                Locale.ROOT,
                "%s: %.0f MB, heap %d KB, %d descriptors, %d threads%n",
                when,
                sample.rss() / 1024.0,
                sample.heap(),
                sample.descriptors(),
                sample.threads());
        return sample;
    }

    /** What leaks, leaks in every round; what a JVM compiles and an allocator keeps comes to an end. */
    private static boolean levelled(List<ProcessSample> rounds) {
        ProcessSample before = rounds.get(rounds.size() - 2);
        return rounds.get(rounds.size() - 1).rss() <= before.rss() * LEVEL;
    }

    private static void expectSame(ProcessSample before, ProcessSample after) {
        expectSameButMemory(before, after);
        assertTrue(after.rss() <= before.rss() * GROWTH, () -> before + " became " + after);
    }

    private static void expectSameButMemory(ProcessSample before, ProcessSample after) {
        assertTrue(after.descriptors() <= before.descriptors() + FEW, () -> before + " became " + after);
        assertTrue(after.threads() <= before.threads() + FEW, () -> before + " became " + after);
    }

    @Test
    void manyVtepsAtOnceGiveBackWhatTheyTook() {
        try (Netns host = hostWithAddresses();
                WeftDaemon daemon = new WeftDaemon(host, null)) {
            daemon.start();
            ProcessSample before = sample("without VTEPs", daemon);
            List<ProcessSample> after = new ArrayList<>(List.of(addAndRemoveAll(daemon, before)));
            do {
                after.add(addAndRemoveAll(daemon, before));
            } while (after.size() < MOST_ROUNDS && !levelled(after));
            assertTrue(levelled(after), after::toString);
            expectSameButMemory(after.get(0), after.get(after.size() - 1));
            assertEquals(0, daemon.terminate());
        }
    }

    /** What is in use afterwards. */
    private static ProcessSample addAndRemoveAll(WeftDaemon daemon, ProcessSample before) {
        for (int i = 0; i < VTEPS; i++) {
            add(daemon, i);
        }
        ProcessSample open = sample("with " + VTEPS + " VTEPs", daemon);
        long most = before.descriptors() + ADDRESSES * SENDERS + VTEPS * DESCRIPTORS + FEW;
        assertTrue(open.descriptors() <= most, () -> before + " became " + open);
        assertEquals(VTEPS, daemon.control().get("/v1/link").getAsJsonArray().size());
        for (int i = 0; i < VTEPS; i++) {
            remove(daemon, i);
        }
        return sample("without them", daemon);
    }

    @Test
    void aVtepThatFindsNoSourcePortIsRefusedAndDisturbsNoOther() {
        try (Netns host = hostWithAddresses();
                WeftDaemon daemon = new WeftDaemon(host, null)) {
            daemon.start();
            add(daemon, 0);
            // The receiving socket of both has this port.
            String another = link(ADDRESSES, "4789 4790");
            ControlClient.Answer answer = daemon.control().attempt("POST", "/v1", another);
            assertTrue(answer.body().contains("no source port is free; widen srcport"), answer::toString);
            assertTrue(!host.hasDevice("vx" + ADDRESSES), "nothing is left of it");
            assertTrue(host.ipJson("link show vx0").contains("LOWER_UP"), "the other is up");
            daemon.control().post(link(ADDRESSES, "4788 4790"));
        }
    }

    @Test
    void containersThatComeAndGoLeaveNothing() {
        try (CellLab lab = CellLab.plumb(Subject.WEFT)) {
            CellHost host = lab.hosts.get(0);
            lab.start(host);
            attachAndDetach(host);
            ProcessSample before = sample("after " + CONTAINERS + " containers", host.daemon());
            for (int round = 1; round < ROUNDS; round++) {
                attachAndDetach(host);
            }
            expectSame(before, sample("after " + ROUNDS * CONTAINERS + " containers", host.daemon()));
            assertEquals("nothing to change\n", host.weft("converge --dry-run"));
        }
    }

    private static void attachAndDetach(CellHost host) {
        List<Container> containers = new ArrayList<>();
        String network = host.lease().base().replaceAll("\\d+$", "");
        for (int i = 1; i <= CONTAINERS; i++) {
            containers.add(host.attach(network + i));
        }
        containers.forEach(host::detach);
        assertTrue(!host.netns.ipJson("link show").contains("\"s-"), "no veth is left");
    }
}
