package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.weft.testing.RequiresRoot;

/** What {@code weft capture} writes, as tshark reads it. */
@RequiresRoot
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CaptureIT {
    private static final String OWN_MAC = "ee:ee:0a:ff:7e:00";
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
    private WeftDaemon daemon;
    private PacketSocket device;

    @BeforeAll
    void open() {
        lab = HostLab.open(Subject.KERNEL);
        daemon = new WeftDaemon(lab.host, CONFIG);
        daemon.start();
        device = lab.socket("silk-vtep");
    }

    @AfterAll
    void close() {
        if (device != null) {
            device.close();
        }
        if (daemon != null) {
            daemon.close();
        }
        lab.close();
    }

    @Test
    void wirePacketsDecodeAsVxlan() {
        Path file = capture(
                () -> {
                    device.send(frame(PEER_MAC, OWN_MAC));
                    lab.wire.send(Datagram.vxlan(4789, 0x88000007_00000100L, frame(OWN_MAC, PEER_MAC))
                            .frame());
                },
                "--point",
                "wire",
                "-c",
                "2");
        List<String> packets = tshark(file, "ip.src", "udp.dstport", "vxlan.vni", "vxlan.gbp");
        assertEquals(2, packets.size(), packets::toString);
        assertTrue(packets.contains("10.0.16.14\t4789\t1\t0"), packets::toString);
        assertTrue(packets.contains("10.0.16.16\t4789\t1\t7"), packets::toString);
    }

    @Test
    void tapFramesAreAsTheDeviceHasThem() {
        Path file = capture(
                () -> {
                    device.send(frame(PEER_MAC, OWN_MAC));
                    lab.wire.send(Datagram.vxlan(4789, 0x08000000_00000100L, frame(OWN_MAC, PEER_MAC))
                            .frame());
                },
                "--point",
                "tap",
                "-c",
                "2",
                "dev",
                "silk-vtep");
        List<String> packets = tshark(file, "eth.dst", "eth.src");
        assertEquals(2, packets.size(), packets::toString);
        assertTrue(packets.contains(PEER_MAC + "\t" + OWN_MAC), packets::toString);
        assertTrue(packets.contains(OWN_MAC + "\t" + PEER_MAC), packets::toString);
    }

    @Test
    void dropReasonIsThePacketsComment() {
        Path file = capture(
                () -> {
                    device.send(frame(PEER_MAC, OWN_MAC));
                    device.send(frame("02:00:00:00:00:01", OWN_MAC));
                },
                "--reason",
                "VXLAN_NO_REMOTE",
                "-c",
                "1");
        List<String> packets = tshark(file, "frame.comment", "eth.dst");
        assertEquals(1, packets.size(), packets::toString);
        assertTrue(packets.get(0).contains("VXLAN_NO_REMOTE"), packets::toString);
        assertTrue(packets.get(0).contains("02:00:00:00:00:01"), packets::toString);
    }

    @Test
    void writesToStandardOutputWhatTsharkReads() {
        Path file = daemon.directory().resolve("capture.pcapng");
        String[] words = {
            "sh", "-c", "exec \"$@\" >\"$0\"", file.toString(), WeftDaemon.script(), "capture", "-w", "-", "-c", "1"
        };
        List<String> command = new ArrayList<>(List.of("env", "WEFT_CONTROL=" + daemon.socket()));
        command.addAll(List.of(words));
        Process client = lab.host.start(daemon.directory().resolve("client.log"), command.toArray(String[]::new));
        Path ended = ended(client, file, () -> device.send(frame(PEER_MAC, OWN_MAC)));
        assertEquals(List.of(PEER_MAC), tshark(ended, "eth.dst"));
        assertEquals("1 packets captured, 0 lost\n", read(daemon.directory().resolve("client.log")));
    }

    private static byte[] frame(String destination, String source) {
        return Packets.ethernet(destination, source, Packets.EXPERIMENT, new byte[46]);
    }

    /** Captures what passes while the traffic runs, until the capture ends by itself. */
    private Path capture(Runnable traffic, String... arguments) {
        Path file = daemon.directory().resolve("capture.pcapng");
        List<String> command = new ArrayList<>(List.of("capture", "-w", file.toString()));
        command.addAll(List.of(arguments));
        return ended(daemon.startClient(command.toArray(String[]::new)), file, traffic);
    }

    private Path ended(Process client, Path file, Runnable traffic) {
        try {
            Await.until(
                    "the capture has begun",
                    () -> Files.exists(file) && file.toFile().length() > 0);
            traffic.run();
            assertTrue(client.waitFor(10, TimeUnit.SECONDS), "the capture does not end");
            assertEquals(0, client.exitValue(), () -> read(daemon.directory().resolve("client.log")));
            Path ended = daemon.directory().resolve("ended.pcapng");
            Files.deleteIfExists(ended);
            return Files.move(file, ended);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        } finally {
            client.destroy();
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The fields of each packet, separated by tabs; of fields that occur twice the first. */
    private static List<String> tshark(Path file, String... fields) {
        String[] options = {"tshark", "-n", "-r", file.toString(), "-T", "fields", "-E", "occurrence=f"};
        List<String> command = new ArrayList<>(List.of(options));
        for (String field : fields) {
            command.addAll(List.of("-e", field));
        }
        return Command.run(command)
                .lines()
                .filter(line -> !line.startsWith("Running as user"))
                .toList();
    }
}
