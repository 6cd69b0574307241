package org.weft.silk.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.weft.encap.FlowKey;
import org.weft.encap.FrameLayout;
import org.weft.encap.IpAddress;
import org.weft.encap.TcpHeader;
import org.weft.testing.Allocations;
import org.weft.testing.Await;
import org.weft.testing.IpPackets;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class VerdictLogTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final String FAR = "10.255.43.3";
    private static final String NEAR = "10.255.126.4";
    private static final Workload BACKEND = new Workload("handle-2", "guid-2", "space-2", "organization-2");
    private static final Map<IpAddress, Workload> ADDRESSES = Map.of(IpAddress.parse(NEAR), BACKEND);
    private static final Map<Integer, Workload> TAGS = Map.of(1, Workload.ofApp("guid-1"));
    private static final VerdictLines NAMES = new VerdictLines(
            tag -> TAGS.getOrDefault(tag, Workload.UNKNOWN),
            address -> ADDRESSES.getOrDefault(address, Workload.UNKNOWN),
            () -> IpAddress.parse("10.0.32.12"));

    private final IpPackets packets = new IpPackets(0xeeee_0aff_7e00L, 0xeeee_0aff_2b00L);

    @TempDir
    Path directory;

    private VerdictLog log;
    private long now;

    private Path file() {
        return directory.resolve("verdicts.log");
    }

    private VerdictLog open(Path path, int records, int budget) {
        log = new VerdictLog(path, records, budget);
        log.prepare(NAMES);
        now = System.nanoTime();
        return log;
    }

    @AfterEach
    void close() {
        if (log != null) {
            log.close();
        }
    }

    private void aSecondPasses() {
        now += SECOND;
        log.doWork(now);
    }

    private static FlowKey key(byte[] frame) {
        FlowKey key = new FlowKey();
        UnsafeBuffer buffer = new UnsafeBuffer(frame);
        FrameLayout layout = new FrameLayout();
        layout.parse(buffer, 0, frame.length);
        key.read(buffer, layout);
        return key;
    }

    private FlowKey tcp(int port) {
        return key(packets.tcp(FAR, 37366, NEAR, port, TcpHeader.SYN));
    }

    private static List<JsonObject> lines(Path path) throws IOException {
        List<JsonObject> lines = new ArrayList<>();
        for (String line : Files.readAllLines(path)) {
            lines.add(JsonParser.parseString(line).getAsJsonObject());
        }
        return lines;
    }

    private static String message(JsonObject line) {
        return line.get("message").getAsString().replace("cfnetworking.iptables.", "");
    }

    @Test
    void writesAVerdictAsIptablesLoggerDoesAndNamesTheSenderToo() throws IOException {
        long before = System.currentTimeMillis() / 1000;
        open(file(), 16, 10).verdict(tcp(8081), 1, false);
        log.doWork(now);

        String text = Files.readString(file());
        String time =
                JsonParser.parseString(text).getAsJsonObject().get("timestamp").getAsString();
        assertEquals(
                "{'timestamp':'TIME','source':'cfnetworking.iptables',".replace("TIME", time)
                        + "'message':'cfnetworking.iptables.ingress-denied','log_level':1,'data':{"
                        + "'destination':{'container_id':'handle-2','app_guid':'guid-2','space_guid':'space-2',"
                        + "'organization_guid':'organization-2','host_ip':'10.0.32.12','host_guid':''},"
                        + "'packet':{'direction':'ingress','allowed':false,'src_ip':'10.255.43.3',"
                        + "'dst_ip':'10.255.126.4','src_port':37366,'dst_port':8081,'protocol':'TCP','mark':'0x1',"
                        + "'icmp_type':0,'icmp_code':0},"
                        + "'source':{'container_id':'','app_guid':'guid-1','space_guid':'','organization_guid':'',"
                        + "'host_ip':'','host_guid':''}}}\n",
                text.replace('"', '\''));
        assertTrue(time.matches("\\d{10}\\.\\d{9}"), time);
        assertTrue(Math.abs(Long.parseLong(time.substring(0, 10)) - before) < 30, time);
    }

    @ParameterizedTest
    @CsvSource({
        "icmp,   1, 0x1,  ICMP,   8, 0",
        "icmpv6, 0, '',   ICMPv6, 128, 0",
        "error,  255, 0xff, ICMP, 3, 1",
    })
    void writesIcmpByTypeAndCodeWithoutPorts(String kind, int tag, String mark, String protocol, int type, int code)
            throws IOException {
        byte[] frame =
                switch (kind) {
                    case "icmp" -> packets.icmp(FAR, NEAR, 8, 4711);
                    case "icmpv6" -> packets.icmp("fd00::3", "fd00::4", 128, 4711);
                    default -> packets.error(FAR, NEAR, 3, 1, packets.tcp(NEAR, 1, "10.255.44.9", 2, TcpHeader.SYN));
                };
        open(file(), 16, 10).verdict(key(frame), tag, true);
        log.doWork(now);

        JsonObject packet = lines(file()).get(0).getAsJsonObject("data").getAsJsonObject("packet");
        assertEquals(mark, packet.get("mark").getAsString());
        assertEquals(protocol, packet.get("protocol").getAsString());
        assertEquals(type, packet.get("icmp_type").getAsInt());
        assertEquals(code, packet.get("icmp_code").getAsInt());
        assertEquals(
                0, packet.get("src_port").getAsInt() + packet.get("dst_port").getAsInt());
        assertEquals(
                kind.equals("icmpv6") ? "fd00::4" : NEAR, packet.get("dst_ip").getAsString());
    }

    @Test
    void writesNoMoreThanTheBudgetInASecondAndTellsWhatIsLost() throws IOException {
        open(file(), 64, 3);
        for (int i = 0; i < 8; i++) {
            log.verdict(tcp(1000 + i), 1, false);
        }
        log.verdict(tcp(80), 1, true);
        log.doWork(now);
        assertEquals(4, lines(file()).size());
        assertEquals(5, log.lost());

        aSecondPasses();
        JsonObject told = lines(file()).get(4);
        assertEquals("verdicts-lost", message(told));
        assertEquals("{\"allowed\":0,\"denied\":5}", told.get("data").toString());

        log.verdict(tcp(1), 1, false);
        aSecondPasses();
        assertEquals(6, lines(file()).size(), "a new budget, and nothing more lost");
    }

    @Test
    void countsWhatAFullRingDoesNotTake() throws IOException {
        open(file(), 16, 1000);
        for (int i = 0; i < 40; i++) {
            log.verdict(tcp(1000 + i), 1, true);
        }
        long lost = log.lost();
        assertTrue(lost >= 40 - 16, () -> lost + " lost");
        log.doWork(now);
        assertEquals(40 - lost, lines(file()).size());

        log.verdict(tcp(1), 1, true);
        log.doWork(now);
        assertEquals(lost, log.lost(), "there is room again");
    }

    @Test
    void goesOnInANewFileWhenTheOldOneIsMovedAway() throws IOException {
        open(file(), 16, 10).verdict(tcp(1), 1, true);
        log.doWork(now);
        Path moved = directory.resolve("verdicts.log.1");
        Files.move(file(), moved);
        aSecondPasses();
        log.verdict(tcp(2), 1, true);
        log.doWork(now);

        assertEquals(1, lines(moved).size());
        assertEquals(1, lines(file()).size());

        Files.delete(moved);
        Files.move(file(), moved);
        Files.createFile(file());
        aSecondPasses();
        log.verdict(tcp(3), 1, true);
        log.doWork(now);
        assertEquals(1, lines(file()).size(), "also when somebody else made the new one");
    }

    @Test
    void goesOnInAFileThatWasEmptied() throws IOException {
        open(file(), 16, 10).verdict(tcp(1), 1, true);
        log.doWork(now);
        Files.writeString(file(), "");
        log.verdict(tcp(2), 1, true);
        log.doWork(now);
        assertEquals(1, lines(file()).size());
    }

    @Test
    void saysWhyItCannotWriteAndCountsWhatIsLostUntilItCan() throws IOException {
        Path deep = directory.resolve("none/verdicts.log");
        open(deep, 16, 10).verdict(tcp(1), 1, false);
        log.doWork(now);
        assertEquals(1, log.lost());
        assertEquals(
                "verdicts cannot be written to " + deep + ", and get lost: there is no directory " + deep.getParent(),
                log.trouble());

        Files.createDirectory(deep.getParent());
        aSecondPasses();
        assertNull(log.trouble());
        log.verdict(tcp(2), 1, false);
        log.doWork(now);
        assertEquals(
                List.of("verdicts-lost", "ingress-denied"),
                lines(deep).stream().map(VerdictLogTest::message).toList());
    }

    @Test
    void aFullDiskCostsOnlyTheVerdicts() {
        open(Path.of("/dev/full"), 16, 10);
        for (int i = 0; i < 3; i++) {
            log.verdict(tcp(1), 1, false);
            aSecondPasses();
        }
        assertEquals(3, log.lost());
        assertTrue(log.trouble().endsWith("No space left on device"), log.trouble());
    }

    @Test
    void writesWhatManyAgentsSay() throws Exception {
        int agents = 4;
        int each = 2000;
        log = new VerdictLog(file(), 1 << 14, agents * each);
        log.start(NAMES);
        CountDownLatch done = new CountDownLatch(agents);
        for (int agent = 0; agent < agents; agent++) {
            int first = 1 + agent * each;
            Thread thread = new Thread(() -> {
                for (int i = 0; i < each; i++) {
                    log.verdict(tcp(first + i), 1, true);
                }
                done.countDown();
            });
            thread.setDaemon(true);
            thread.start();
        }
        done.await();
        log.close();

        assertEquals(0, log.lost());
        assertEquals(
                agents * each,
                lines(file()).stream()
                        .map(line -> line.getAsJsonObject("data")
                                .getAsJsonObject("packet")
                                .get("dst_port")
                                .getAsInt())
                        .distinct()
                        .count());
    }

    @Test
    void writesBySoonWithoutBeingClosed() {
        log = new VerdictLog(file(), 16, 10);
        log.start(NAMES);
        log.verdict(tcp(1), 1, true);
        Await.until("a line is written", () -> file().toFile().length() > 0);
    }

    @Test
    void agentsMayCallItAfterItsEnd() throws IOException {
        log = new VerdictLog(file(), 16, 10);
        log.start(NAMES);
        log.close();
        for (int i = 0; i < 100; i++) {
            log.verdict(tcp(1), 1, true);
        }
        assertTrue(log.lost() >= 90);
        assertEquals(0, Files.size(file()));
    }

    @Test
    void allocatesNothingOnAPacketsWay() {
        open(file(), 1 << 12, 1_000_000);
        FlowKey key = tcp(80);
        assertEquals(0, Allocations.during(100, () -> log.verdict(key, 1, true)), "within the ring");
        for (int i = 0; i < 10_000; i++) {
            log.verdict(key, 1, true);
        }
        assertEquals(0, Allocations.during(10_000, () -> log.verdict(key, 1, true)), "with the ring full");
        assertFalse(log.lost() == 0);
    }
}
