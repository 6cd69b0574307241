package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.weft.it.OverlayHost.Underlay;
import org.weft.it.Traffic.Echo;
import org.weft.testing.RequiresRoot;

/** A daemon starts, ends, dies and starts again, and loses its devices and gets them back. */
@RequiresRoot
class LifecycleIT {
    private static final int UNAVAILABLE = 69;
    private static final int OS_ERROR = 71;
    private static final Duration RECOVERY = Duration.ofSeconds(2);

    /** Traffic must come back each time, and once in time: what a busy machine takes longer for is not the daemon's. */
    private static final int RECOVERIES = 5;

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String DEVICE = "silk-vtep";
    private static final String PEER_MAC = "ee:ee:0a:ff:63:00";
    private static final String CONFIG =
            """
            underlay:
              local: 10.0.16.14
            vteps:
              - name: silk-vtep
                vni: 1
                address: 10.255.126.0/16
                mtu: 1410
                gbp: true
                fdb: [{mac: "ee:ee:0a:ff:63:00", dst: 10.0.16.16}]
            """;

    private HostLab lab;

    @BeforeEach
    void open() {
        lab = HostLab.open(Subject.KERNEL);
    }

    @AfterEach
    void close() {
        lab.close();
    }

    @Test
    void sigtermLeavesNothingBehind() {
        Set<String> before = devices();
        try (WeftDaemon daemon = new WeftDaemon(lab.host, CONFIG).start()) {
            assertTrue(lab.host.hasDevice(DEVICE));
            assertEquals(0, daemon.terminate());
            assertEquals(before, devices(), "weft-gso0 is gone, too");
            assertFalse(Files.exists(daemon.socket()));
            assertEquals("", lab.host.exec("ss", "-Hnuxa").strip());
        }
    }

    @Test
    void bringsTheDeviceUpAsConfigured() {
        try (WeftDaemon daemon = new WeftDaemon(lab.host, CONFIG).start()) {
            JsonObject link = link();
            assertEquals("ee:ee:0a:ff:7e:00", link.get("address").getAsString());
            assertEquals(1410, link.get("mtu").getAsInt());
            assertTrue(link.get("flags").toString().contains("\"LOWER_UP\""), link::toString);
            assertTrue(lab.host.exec("ip", "address", "show", "dev", DEVICE).contains("10.255.126.0/16"));
            expectTraffic();
            assertTrue(daemon.isAlive());
        }
    }

    @Test
    void persistKeepsTheDeviceForTheNextDaemon() {
        try (WeftDaemon daemon = new WeftDaemon(lab.host, CONFIG + "    persist: true\n").start()) {
            int index = link().get("ifindex").getAsInt();
            daemon.terminate();
            assertTrue(lab.host.hasDevice(DEVICE));
            assertFalse(Files.exists(daemon.socket()));
            daemon.start();
            assertEquals(index, link().get("ifindex").getAsInt());
            expectTraffic();
        }
    }

    @Test
    void sameCommandWorksAfterKill() {
        try (WeftDaemon daemon = new WeftDaemon(lab.host, CONFIG).start()) {
            daemon.kill();
            assertTrue(Files.exists(daemon.socket()), "a stale socket is what the next daemon must cope with");
            daemon.start();
            expectTraffic();
        }
    }

    @Test
    void deletedDeviceComesBack() {
        try (WeftDaemon daemon = new WeftDaemon(lab.host, CONFIG).start()) {
            lab.host.ip("link del " + DEVICE);
            Await.until("the device is there again", () -> lab.host.hasDevice(DEVICE));
            Await.until("it is said that it was gone", () -> logs(daemon, "silk-vtep: the TAP device is gone"));
            Await.until("and that all is well", () -> logs(daemon, "silk-vtep: all is well again"));
            Await.until("traffic flows again", this::trafficFlows);
            assertTrue(daemon.isAlive(), daemon::log);
        }
    }

    @Test
    void recoversWithinTwoSecondsFromKillUnderLoad() {
        try (OverlayLab overlay = OverlayLab.open(Subject.WEFT, Subject.KERNEL, Underlay.IPV4);
                Echo echo = Echo.open(overlay.second.app, overlay.second.appIp());
                DatagramSocket load = overlay.first.app.call(() -> new DatagramSocket())) {
            Thread sender = new Thread(() -> sendUntilClosed(load, echo));
            sender.start();
            Traffic.untilAnswered(overlay.first.app, echo, PATIENCE);
            List<Duration> recoveries = new ArrayList<>();
            while (recoveries.size() < RECOVERIES && recoveries.stream().noneMatch(LifecycleIT::inTime)) {
                overlay.first.daemon().kill();
                overlay.first.daemon().launch();
                recoveries.add(Traffic.untilAnswered(overlay.first.app, echo, PATIENCE));
            }
            assertTrue(
                    recoveries.stream().anyMatch(LifecycleIT::inTime),
                    () -> "traffic flowed again after " + recoveries);
        }
    }

    private static boolean inTime(Duration recovery) {
        return recovery.compareTo(RECOVERY) <= 0;
    }

    private static void sendUntilClosed(DatagramSocket socket, Echo echo) {
        while (!socket.isClosed()) {
            try {
                socket.send(new DatagramPacket(new byte[1000], 1000, echo.address()));
            } catch (IOException whileTheDeviceIsAway) {
                LockSupport.parkNanos(1_000_000);
            }
            LockSupport.parkNanos(50_000);
        }
    }

    @Test
    void recoversFromUnderlayInterfaceThatWentAway() {
        try (OverlayLab overlay = OverlayLab.open(Subject.WEFT, Subject.WEFT, Underlay.IPV4);
                Echo echo = Echo.open(overlay.second.app, overlay.second.appIp())) {
            Traffic.untilAnswered(overlay.first.app, echo, PATIENCE);
            expectRecoveryFromLostUnderlay(overlay, echo);
        }
    }

    /** The interface goes before the daemon has looked at it for the first time, which it does once a second. */
    @Test
    void recoversFromUnderlayInterfaceThatWentAwayAtOnce() {
        try (OverlayLab overlay = OverlayLab.open(Subject.WEFT, Subject.WEFT, Underlay.IPV4);
                Echo echo = Echo.open(overlay.second.app, overlay.second.appIp())) {
            expectRecoveryFromLostUnderlay(overlay, echo);
        }
    }

    private static void expectRecoveryFromLostUnderlay(OverlayLab overlay, Echo echo) {
        overlay.first.host.ip("link del eth0");
        for (OverlayHost host : overlay.hosts()) {
            Await.until("trouble is reported", () -> !host.trouble().isJsonNull());
            assertTrue(host.trouble().getAsString().contains("eth0"), host.trouble()::toString);
        }
        overlay.plumbUnderlay();
        Traffic.untilAnswered(overlay.first.app, echo, PATIENCE);
        for (OverlayHost host : overlay.hosts()) {
            Await.until("trouble is over", () -> host.trouble().isJsonNull());
        }
    }

    @Test
    void refusesControlSocketOfLiveDaemon() {
        try (WeftDaemon daemon = new WeftDaemon(lab.host, CONFIG).start()) {
            Command second = lab.host.attempt(
                    WeftDaemon.script(), "daemon", "--control", daemon.socket().toString());
            assertEquals(UNAVAILABLE, second.exitCode(), second::toString);
            assertOneSentence(second.output(), daemon.socket().toString());
            assertTrue(daemon.control().answers(), "the first daemon goes on");
        }
    }

    @Test
    @Timeout(value = 120, threadMode = ThreadMode.SEPARATE_THREAD)
    void commandsAndASecondDaemonGiveUpOneThatIsStopped() {
        try (WeftDaemon daemon = new WeftDaemon(lab.host, CONFIG).start()) {
            lab.host.exec("kill", "-STOP", Long.toString(daemon.pid()));
            try {
                Command show = lab.host.attempt(
                        "env",
                        "WEFT_TIMEOUT=1",
                        WeftDaemon.script(),
                        "--control",
                        daemon.socket().toString(),
                        "link");
                assertEquals(UNAVAILABLE, show.exitCode(), show::toString);
                assertOneSentence(show.output(), daemon.socket().toString(), "does not answer within 1 s");
                Command second = lab.host.attempt(
                        WeftDaemon.script(),
                        "daemon",
                        "--control",
                        daemon.socket().toString());
                assertEquals(UNAVAILABLE, second.exitCode(), second::toString);
            } finally {
                lab.host.exec("kill", "-CONT", Long.toString(daemon.pid()));
            }
            assertTrue(daemon.control().answers());
        }
    }

    @Test
    void sigtermEndsADaemonWhoseStartHangs() throws IOException {
        try (WeftDaemon daemon = new WeftDaemon(lab.host, CONFIG)) {
            Path config = daemon.directory().resolve("weft.yml");
            lab.host.exec("rm", config.toString());
            lab.host.exec("mkfifo", config.toString());
            daemon.launch();
            try (FileChannel unwritten = FileChannel.open(config, StandardOpenOption.WRITE)) {
                assertEquals(OS_ERROR, daemon.terminate(Duration.ofSeconds(30)), daemon::log);
                assertTrue(unwritten.isOpen());
            }
            assertOneSentence(daemon.log(), "the start has not come to its end within 10 s");
        }
    }

    @Test
    void refusesDeviceOfLiveDaemon() {
        try (WeftDaemon first = new WeftDaemon(lab.host, CONFIG).start();
                WeftDaemon second = new WeftDaemon(
                        lab.host, CONFIG.replace("local: 10.0.16.14", "local: 10.0.16.14\n  port: 4790"))) {
            second.launch();
            assertEquals(OS_ERROR, second.exitCode(), second::log);
            assertOneSentence(second.log(), DEVICE);
            assertTrue(first.isAlive());
            expectTraffic();
        }
    }

    @Test
    void refusesPortOfLiveDaemon() {
        try (WeftDaemon first = new WeftDaemon(lab.host, CONFIG).start();
                WeftDaemon second = new WeftDaemon(lab.host, CONFIG.replace("silk-vtep", "other-vtep"))) {
            second.launch();
            assertEquals(OS_ERROR, second.exitCode(), second::log);
            assertOneSentence(second.log(), "4789");
            assertFalse(lab.host.hasDevice("other-vtep"));
            assertTrue(first.isAlive());
            expectTraffic();
        }
    }

    @Test
    void refusesPortOfKernelVxlan() {
        lab.endpoint.add(new Device("kernel-vtep", "ee:ee:0a:ff:84:00", 1410, "id 9 dstport 4789 local 10.0.16.14"));
        try (WeftDaemon daemon = new WeftDaemon(lab.host, CONFIG)) {
            daemon.launch();
            assertEquals(OS_ERROR, daemon.exitCode(), daemon::log);
            assertOneSentence(daemon.log(), "4789", "kernel", "vxlan");
            assertFalse(lab.host.hasDevice(DEVICE));
        }
    }

    @Test
    void refusesDeviceNameThatIsTaken() {
        lab.host.ip("link add silk-vtep type veth peer name other-end");
        try (WeftDaemon daemon = new WeftDaemon(lab.host, CONFIG)) {
            daemon.launch();
            assertEquals(OS_ERROR, daemon.exitCode(), daemon::log);
            assertOneSentence(daemon.log(), DEVICE);
            assertTrue(lab.host.hasDevice(DEVICE), "what is not ours stays");
        }
    }

    /** The daemon's last line says what, and there is no stack trace. */
    static void assertOneSentence(String output, String... words) {
        assertFalse(output.contains("\tat ") || output.contains("Exception"), output);
        String[] lines = output.strip().split("\n");
        String last = lines[lines.length - 1];
        for (String word : words) {
            assertTrue(last.contains(word), () -> "\"" + word + "\" is not in the last line of:\n" + output);
        }
    }

    private static boolean logs(WeftDaemon daemon, String sentence) {
        return daemon.log().lines().filter(line -> line.endsWith(sentence)).count() == 1;
    }

    private Set<String> devices() {
        Set<String> names = new TreeSet<>();
        for (JsonElement link :
                JsonParser.parseString(lab.host.ipJson("link show")).getAsJsonArray()) {
            names.add(link.getAsJsonObject().get("ifname").getAsString());
        }
        return names;
    }

    private JsonObject link() {
        return JsonParser.parseString(lab.host.ipJson("link show " + DEVICE))
                .getAsJsonArray()
                .get(0)
                .getAsJsonObject();
    }

    private void expectTraffic() {
        assertTrue(trafficFlows(), "a frame sent through the device does not come out on the wire");
    }

    private boolean trafficFlows() {
        lab.wire.clear();
        byte[] frame = Packets.ethernet(PEER_MAC, "ee:ee:0a:ff:7e:00", Packets.EXPERIMENT, new byte[46]);
        try (PacketSocket device = lab.socket(DEVICE)) {
            device.send(frame);
        }
        return Await.holds(Duration.ofSeconds(1), () -> lab.wire.received(WirePacket::isUdpOrFragment).stream()
                .anyMatch(packet -> Arrays.equals(new WirePacket(packet).inner(), frame)));
    }
}
