package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.weft.it.OverlayHost.Underlay;
import org.weft.it.Traffic.Echo;
import org.weft.testing.RequiresRoot;

/** Changes while packets flow, and how long the client takes for them. */
@RequiresRoot
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LiveChangesIT {
    private static final int TIMEOUT_MS = 2_000;
    private static final int ROUNDS = 20;
    private static final int ATTEMPTS = 4;

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

    @Test
    void changesLoseNoPacket() throws IOException {
        try (Echo echo = Echo.open(lab.second.app, lab.second.appIp());
                DatagramSocket socket = lab.first.app.call(() -> Traffic.patient(new DatagramSocket()))) {
            Traffic.untilAnswered(lab.first.app, echo, Await.PATIENCE);
            socket.setSoTimeout(TIMEOUT_MS);
            AtomicBoolean changing = new AtomicBoolean(true);
            CompletableFuture<Integer> sent = Traffic.onThreadOfItsOwn(() -> sendWhile(changing, socket, echo));
            CompletableFuture<BitSet> echoed = Traffic.onThreadOfItsOwn(() -> receive(socket));
            try {
                for (int round = 0; round < ROUNDS; round++) {
                    changeEverything(round);
                }
            } finally {
                changing.set(false);
            }
            int count = sent.join();
            BitSet missing = echoed.join();
            missing.flip(0, count);
            assertTrue(count > 100, count + " datagrams only");
            assertEquals("{}", missing.toString(), () -> "datagrams lost of " + count + "; " + whereabouts());
        }
    }

    private static int sendWhile(AtomicBoolean changing, DatagramSocket socket, Echo echo) {
        int count = 0;
        while (changing.get()) {
            byte[] number = ByteBuffer.allocate(64).putInt(count++).array();
            try {
                socket.send(new DatagramPacket(number, number.length, echo.address()));
            } catch (IOException e) {
                throw new AssertionError("datagram " + count, e);
            }
            LockSupport.parkNanos(200_000);
        }
        return count;
    }

    private static BitSet receive(DatagramSocket socket) {
        BitSet numbers = new BitSet();
        DatagramPacket packet = new DatagramPacket(new byte[64], 64);
        while (true) {
            try {
                socket.receive(packet);
                numbers.set(ByteBuffer.wrap(packet.getData()).getInt());
            } catch (SocketTimeoutException noMore) {
                return numbers;
            } catch (IOException e) {
                throw new AssertionError("receiver", e);
            }
        }
    }

    /** Where packets may have been dropped. */
    private String whereabouts() {
        StringBuilder text = new StringBuilder();
        for (OverlayHost host : lab.hosts()) {
            text.append(host.underlayIp())
                    .append(" drops ")
                    .append(host.daemon().control().get("/v1/drops"))
                    .append(' ')
                    .append(host.host.ipJson("-s link show silk-vtep"));
        }
        return text.toString();
    }

    private void changeEverything(int round) {
        for (OverlayHost host : lab.hosts()) {
            OverlayHost peer = lab.peerOf(host);
            List<String> changes = List.of(
                    "{'object':'fdb','action':'replace','dev':'silk-vtep','mac':'%s','dst':'%s'}"
                            .formatted(peer.vtepMac(), peer.underlayIp()),
                    "{'object':'tag','action':'replace','dev':'silk-vtep','source':'%s','tag':%d}"
                            .formatted(host.appIp(), round + 1),
                    "{'object':'neigh','action':'replace','dev':'silk-vtep','dst':'10.255.77.0','lladdr':'02:00:00:00:00:%02x'}"
                            .formatted(round),
                    "{'object':'link','action':'set','dev':'silk-vtep','attributes':{'ttl':%d,'tos':%d,'ageing':%d}}"
                            .formatted(10 + round, 4 * round, 100 + round),
                    offloads("silk-vtep", round % 2 == 1),
                    offloads("second-vtep", round % 2 == 1),
                    "{'object':'link','action':'add','dev':'third-vtep','attributes':{'id':3,'local':'%s','dev':'eth0','dstport':4789}}"
                            .formatted(host.underlayIp()),
                    "{'object':'link','action':'del','dev':'third-vtep'}");
            changes.forEach(change -> host.daemon().control().post(change.replace('\'', '"')));
        }
    }

    private static String offloads(String device, boolean on) {
        return "{'object':'link','action':'set','dev':'%1$s','attributes':{'tso':%2$b,'uso':%2$b,'gso':%2$b,'gro':%2$b}}"
                .formatted(device, on);
    }

    @Test
    void takesHundredThousandEntriesByBatchInThreeSeconds() throws IOException {
        WeftDaemon daemon = lab.first.daemon();
        Path batch = Files.writeString(
                daemon.directory().resolve("batch"),
                IntStream.range(0, 100_000)
                        .mapToObj(i -> "fdb replace 02:00:00:%02x:%02x:%02x dev silk-vtep dst 10.0.16.%d self permanent"
                                .formatted(i >> 16, i >> 8 & 0xff, i & 0xff, 3 + i % 200))
                        .collect(Collectors.joining("\n", "", "\n")));
        expectWithin(Duration.ofSeconds(3), daemon, "-batch", batch.toString());
        int entries =
                daemon.control().get("/v1/fdb?dev=silk-vtep").getAsJsonArray().size();
        assertTrue(entries >= 100_000, entries + " entries");
        assertEquals(0, daemon.client("fdb", "flush", "dev", "second-vtep").exitCode());
    }

    @Test
    void clientAnswersInSevenTenthsOfASecond() {
        expectWithin(Duration.ofMillis(700), lab.first.daemon(), "link", "show");
    }

    /** The fastest of a few calls counts: what a busy machine takes longer for is not the client's. */
    private static void expectWithin(Duration limit, WeftDaemon daemon, String... arguments) {
        Duration fastest = limit.multipliedBy(100);
        for (int i = 0; i < ATTEMPTS && fastest.compareTo(limit) > 0; i++) {
            long start = System.nanoTime();
            Command client = daemon.client(arguments);
            Duration took = Duration.ofNanos(System.nanoTime() - start);
            assertEquals(0, client.exitCode(), client::toString);
            fastest = took.compareTo(fastest) < 0 ? took : fastest;
        }
        assertTrue(fastest.compareTo(limit) <= 0, "took " + fastest);
    }
}
