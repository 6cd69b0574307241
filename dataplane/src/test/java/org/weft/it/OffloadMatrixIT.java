package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.weft.it.OverlayHost.Underlay;
import org.weft.testing.RequiresRoot;

/** Offloads on, off and mixed on two Weft hosts, switched in the configuration and while packets flow; threads too. */
@RequiresRoot
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OffloadMatrixIT {
    private static final long TCP_BYTES = 16L << 20;
    private static final List<String> SWITCHES = List.of("tso", "uso", "gso", "tunnel-gso", "gro");
    private static final String SWITCHED_OFF = "off: switched off";
    private static final int ROUNDS = 40;
    private static final int TIMEOUT_MS = 5_000;
    private static final long QUIET_NS = 20_000_000;

    private OverlayLab lab;

    @BeforeAll
    void open() {
        lab = OverlayLab.open(Subject.WEFT, Subject.WEFT, Underlay.IPV4);
    }

    @AfterAll
    void close() {
        if (lab != null) {
            lab.close();
        }
    }

    static Stream<Arguments> mixes() {
        return Stream.of(
                mix("all on both", SWITCHES, SWITCHES),
                mix("none", List.of(), List.of()),
                mix("all on the first", SWITCHES, List.of()),
                mix("all on the second", List.of(), SWITCHES),
                mix("super-frames of the device only", List.of("tso", "uso"), List.of("tso")),
                mix("super-frames of the underlay only", List.of("gso", "gro"), List.of("gso", "gro")),
                mix("cut by the kernel", List.of("tso", "tunnel-gso"), List.of("tso", "tunnel-gso", "gro")),
                mix("one direction each", List.of("tso", "gso"), List.of("gro")),
                mix("one direction each, the other way", List.of("gro", "uso"), List.of("tso", "gso")));
    }

    private static Arguments mix(String what, List<String> first, List<String> second) {
        return Arguments.argumentSet(what, first, second);
    }

    @ParameterizedTest
    @MethodSource("mixes")
    void everythingPassesWithOffloads(List<String> first, List<String> second) {
        switchTo(lab.first, first);
        switchTo(lab.second, second);
        assertEverythingPasses(lab);
    }

    @ParameterizedTest
    @MethodSource("mixes")
    void superFramesOfUdpArriveAsDatagrams(List<String> first, List<String> second) throws IOException {
        switchTo(lab.first, first);
        switchTo(lab.second, second);
        for (OverlayHost from : lab.hosts()) {
            List<Long> lost = lost(lab);
            long cut = from.counters().get("TX_SEGMENTED");
            superFrames(from, lab.peerOf(from));
            assertNoMoreLost(lost, lab);
            assertEquals(
                    from.offloads().get("uso").equals("on"),
                    from.counters().get("TX_SEGMENTED") > cut,
                    "whether Weft cut what the container sent");
        }
    }

    private static void superFrames(OverlayHost from, OverlayHost to) throws IOException {
        SplittableRandom random = new SplittableRandom(2);
        InetSocketAddress any = new InetSocketAddress(to.appIp(), 0);
        try (DatagramSocket socket = to.app.call(() -> Traffic.patient(new DatagramSocket(any)))) {
            socket.setSoTimeout(TIMEOUT_MS);
            for (int size : new int[] {100, 700, 1382}) {
                byte[] payload = new byte[size * 40 + size / 2];
                random.nextBytes(payload);
                UdpSuperFrame.send(from.app, (InetSocketAddress) socket.getLocalSocketAddress(), payload, size);
                DatagramPacket packet = new DatagramPacket(new byte[65_536], 65_536);
                for (int at = 0; at < payload.length; at += size) {
                    packet.setLength(65_536);
                    socket.receive(packet);
                    byte[] expected = Arrays.copyOfRange(payload, at, Math.min(at + size, payload.length));
                    byte[] received = Arrays.copyOf(packet.getData(), packet.getLength());
                    assertArrayEquals(expected, received, "datagram at " + at + " of " + size);
                }
            }
        }
    }

    private static void switchTo(OverlayHost host, List<String> on) {
        for (String offload : SWITCHES) {
            set(host, offload, on.contains(offload));
        }
    }

    /** On both VTEPs: the socket they share merges datagrams as long as one of them wants it. */
    private static void set(OverlayHost host, String offload, boolean on) {
        set(host, OverlayHost.SECOND_DEVICE, offload, on);
        set(host, OverlayHost.DEVICE, offload, on);
        assertEquals(
                !on, SWITCHED_OFF.equals(host.offloads().get(offload)), () -> host.offloads() + " after " + offload);
    }

    private static void set(OverlayHost host, String device, String offload, boolean on) {
        host.daemon()
                .control()
                .post("{\"object\":\"link\",\"action\":\"set\",\"dev\":\"" + device + "\",\"attributes\":{\"" + offload
                        + "\":\"" + (on ? "on" : "off") + "\"}}");
    }

    @Test
    void everythingPassesWhereOnlyTheOtherVtepOfThePortMerges() {
        for (OverlayHost host : lab.hosts()) {
            switchTo(host, SWITCHES);
            set(host, OverlayHost.DEVICE, "gro", false);
        }
        assertEverythingPasses(lab);
    }

    private static void assertEverythingPasses(OverlayLab lab) {
        List<Long> lost = lost(lab);
        for (OverlayHost from : lab.hosts()) {
            OverlayHost to = lab.peerOf(from);
            Traffic.ping(from.app, to.appIp(), 60_000);
            Traffic.tcp(from.app, to.app, to.appIp(), TCP_BYTES);
            Traffic.tcp(from.app, to.app, to.appIp6(), TCP_BYTES / 16);
            Traffic.udpEcho(from.app, to.app, to.appIp(), IntStream.of(0, 1, 64, 700, 1381, 1382, 1383, 9000, 65_000));
        }
        assertNoMoreLost(lost, lab);
    }

    /** For each host, what it sent without the other receiving it: until that one was up. */
    private static List<Long> lost(OverlayLab lab) {
        List<Long> counts = Await.until("no packets on the way", () -> whenQuiet(lab), quiet -> !quiet.isEmpty());
        return List.of(counts.get(0) - counts.get(3), counts.get(2) - counts.get(1));
    }

    /** What each host sent and received; empty if that changes. */
    private static List<Long> whenQuiet(OverlayLab lab) {
        List<Long> counts = sentAndReceived(lab);
        LockSupport.parkNanos(QUIET_NS);
        return counts.equals(sentAndReceived(lab)) ? counts : List.of();
    }

    private static List<Long> sentAndReceived(OverlayLab lab) {
        return lab.hosts().stream()
                .map(OverlayHost::counters)
                .flatMap(counters -> Stream.of(counters.get("TX_SENT"), counters.get("RX_FRAMES")))
                .toList();
    }

    /** No packet got lost between the hosts since then, and each ended in exactly one counter. */
    private static void assertNoMoreLost(List<Long> before, OverlayLab lab) {
        for (OverlayHost host : lab.hosts()) {
            Await.until("each packet ends in exactly one counter", host::booksBalance);
        }
        assertEquals(
                before,
                lost(lab),
                () -> "packets sent and not received; " + lab.first.counters() + " " + lab.second.counters());
    }

    @Test
    void offloadsAreSwitchedWhileFilesCross() {
        switchTo(lab.first, SWITCHES);
        switchTo(lab.second, SWITCHES);
        List<Long> lost = lost(lab);
        List<Map<String, Long>> drops =
                lab.hosts().stream().map(OverlayHost::drops).toList();
        whileFilesCross(() -> {
            for (String offload : SWITCHES) {
                for (String state : List.of("off", "on")) {
                    Command client = lab.first.daemon().client("link", "set", "silk-vtep", offload, state);
                    assertEquals(0, client.exitCode(), client::toString);
                }
            }
            SplittableRandom random = new SplittableRandom(1);
            for (int i = 0; i < ROUNDS; i++) {
                for (OverlayHost host : lab.hosts()) {
                    set(host, SWITCHES.get(random.nextInt(SWITCHES.size())), random.nextBoolean());
                }
            }
        });
        assertEquals(drops, lab.hosts().stream().map(OverlayHost::drops).toList());
        assertNoMoreLost(lost, lab);
    }

    /** Runs something while TCP fills both directions. */
    private void whileFilesCross(Runnable changes) {
        ExecutorService threads = Executors.newCachedThreadPool();
        AtomicBoolean changing = new AtomicBoolean(true);
        try {
            List<CompletableFuture<Void>> files = lab.hosts().stream()
                    .map(from -> CompletableFuture.runAsync(() -> send(from, changing), threads))
                    .toList();
            try {
                changes.run();
            } finally {
                changing.set(false);
            }
            files.forEach(CompletableFuture::join);
        } finally {
            threads.shutdown();
        }
    }

    private void send(OverlayHost from, AtomicBoolean more) {
        OverlayHost to = lab.peerOf(from);
        Traffic.tcp(from.app, to.app, to.appIp(), TCP_BYTES, more::get);
    }

    @Test
    void linkShowSaysWhatIsOnAndWhyTheRestIsOff() {
        switchTo(lab.first, List.of("tso", "gro"));
        Command show = lab.first.daemon().client("-d", "link", "show", "silk-vtep");
        assertEquals(0, show.exitCode(), show::toString);
        assertTrue(show.output().contains("offloads checksum tso gro"), show::toString);
        assertTrue(show.output().contains("gso off: switched off"), show::toString);
        assertTrue(show.output().contains("uso off: switched off"), show::toString);
    }

    @Test
    void configurationSwitchesOffloads() {
        try (OverlayLab other = OverlayLab.open(
                new OverlayHost(1, Subject.WEFT, Underlay.IPV4)
                        .configure("", "tso: off\nuso: off\ngso: off\ntunnel-gso: off\ngro: off\n"),
                new OverlayHost(2, Subject.WEFT, Underlay.IPV4).configure("", "udpcsum: false\n"),
                OverlayLab::plumbUnderlay)) {
            SWITCHES.forEach(
                    offload -> assertEquals(SWITCHED_OFF, other.first.offloads().get(offload)));
            assertEquals("off: udpcsum is off", other.second.offloads().get("gso"));
            assertEverythingPasses(other);
        }
    }

    static Stream<Arguments> threads() {
        return Stream.of(
                Arguments.argumentSet(
                        "two workers, dedicated", threads("workers: 2\n", "shared"), threads("", "dedicated")),
                Arguments.argumentSet(
                        "both, busy polling",
                        threads("workers: 2\n", "dedicated"),
                        threads("busy-poll: 50\n", "shared")));
    }

    /** How a host's daemon is put on threads. */
    record Threads(String lines, String threading) {
        OverlayHost host(int number) {
            return new OverlayHost(number, Subject.WEFT, new Underlay(false, 1500, threading)).configure(lines, "");
        }
    }

    private static Threads threads(String lines, String threading) {
        return new Threads(lines, threading);
    }

    @ParameterizedTest
    @MethodSource("threads")
    void streamsCrossWithThreads(Threads first, Threads second) {
        try (OverlayLab other = OverlayLab.open(first.host(1), second.host(2), OverlayLab::plumbUnderlay)) {
            List<Long> lost = lost(other);
            for (OverlayHost from : other.hosts()) {
                OverlayHost to = other.peerOf(from);
                fourStreams(from, to);
                Traffic.udpEcho(from.app, to.app, to.appIp(), IntStream.of(0, 700, 1382, 9000));
            }
            assertNoMoreLost(lost, other);
        }
    }

    /** Their lengths, and so their bytes, differ. */
    private static void fourStreams(OverlayHost from, OverlayHost to) {
        ExecutorService threads = Executors.newCachedThreadPool();
        try {
            List<CompletableFuture<Void>> streams = IntStream.range(0, 4)
                    .mapToObj(i -> CompletableFuture.runAsync(
                            () -> Traffic.tcp(from.app, to.app, to.appIp(), TCP_BYTES + i), threads))
                    .toList();
            streams.forEach(CompletableFuture::join);
        } finally {
            threads.shutdown();
        }
    }
}
