package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.dataplane.counters.Counter;
import org.weft.testing.RequiresRoot;

/**
 * A daemon that finds many long messages in its socket delivers all their frames without a further
 * datagram.
 */
@RequiresRoot
class BurstIT {
    private static final String DEVICE = "silk-vtep";
    private static final String LOCAL = "10.0.16.14";
    private static final int PORT = 4789;
    private static final String CONFIG =
            """
            threading: %s
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

    private static final int MESSAGES = 20;

    /** UDP_MAX_SEGMENTS of Linux before 6.10. */
    private static final int FRAMES_PER_MESSAGE = 64;

    private static final int FRAMES = MESSAGES * FRAMES_PER_MESSAGE;
    private static final byte[] VXLAN = Bytes.hex("88000001 00000100");

    /** EtherType of local experiments, whose frames the daemon does not merge. */
    private static final byte[] HEADER = Bytes.hex("eeee0aff7e00 eeee0aff6300 88b5");

    private static final int DATAGRAM_LENGTH = VXLAN.length + HEADER.length + 46;

    @ParameterizedTest
    @ValueSource(strings = {"shared", "dedicated"})
    void aStoppedDaemonDeliversAllThatItFindsWhenItContinues(String threading) {
        try (Netns host = Netns.create("host");
                Netns peer = Netns.create("peer")) {
            host.ip("link add eth0 type veth peer name eth0 netns " + peer.name());
            host.ip("link set eth0 up\naddress add " + LOCAL + "/24 dev eth0\n");
            peer.ip("link set eth0 up\naddress add 10.0.16.16/24 dev eth0\n");
            try (WeftDaemon daemon = new WeftDaemon(host, CONFIG.formatted(threading)).start();
                    PacketSocket tap = PacketSocket.open(host, DEVICE, DATAGRAM_LENGTH)) {
                stop(daemon);
                for (int message = 0; message < MESSAGES; message++) {
                    UdpSuperFrame.send(peer, new InetSocketAddress(LOCAL, PORT), message(message), DATAGRAM_LENGTH);
                }
                signal("CONT", daemon);
                Await.until(
                        FRAMES + " frames",
                        () -> tap.received(BurstIT::isNumbered).size(),
                        count -> count == FRAMES);
                List<Integer> numbers = tap.received(BurstIT::isNumbered).stream()
                        .map(frame -> ByteBuffer.wrap(frame).getInt(HEADER.length))
                        .toList();
                assertEquals(IntStream.range(0, FRAMES).boxed().toList(), numbers);
                assertEquals(FRAMES, daemon.counters(DEVICE).get(Counter.RX_DELIVERED.name()));
            }
        }
    }

    private static boolean isNumbered(byte[] frame) {
        return frame[12] == HEADER[12] && frame[13] == HEADER[13];
    }

    private static byte[] message(int number) {
        ByteBuffer message = ByteBuffer.allocate(FRAMES_PER_MESSAGE * DATAGRAM_LENGTH);
        for (int i = 0; i < FRAMES_PER_MESSAGE; i++) {
            message.position(i * DATAGRAM_LENGTH);
            message.put(VXLAN).put(HEADER).putInt(number * FRAMES_PER_MESSAGE + i);
        }
        return message.array();
    }

    private static void stop(WeftDaemon daemon) {
        signal("STOP", daemon);
        Await.until("all threads of the daemon stop", () -> states(daemon).allMatch("T"::equals));
    }

    private static void signal(String name, WeftDaemon daemon) {
        Command.run(List.of("kill", "-" + name, Long.toString(daemon.pid())));
    }

    /** State of each thread, as proc(5) has it in {@code stat}: behind the name in brackets. */
    private static Stream<String> states(WeftDaemon daemon) {
        Path tasks = Path.of("/proc", Long.toString(daemon.pid()), "task");
        try (Stream<Path> threads = Files.list(tasks)) {
            return threads.toList().stream().map(BurstIT::state);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String state(Path thread) {
        try {
            String stat = Files.readString(thread.resolve("stat"));
            return stat.substring(stat.lastIndexOf(')') + 2).substring(0, 1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
