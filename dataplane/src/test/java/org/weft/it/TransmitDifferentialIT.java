package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.testing.RequiresRoot;

/** Sends the same mutated frames through the kernel's device and the subject's; the datagrams on the wire must agree. */
@RequiresRoot
@ParameterizedClass
@MethodSource("org.weft.it.Subject#all")
class TransmitDifferentialIT {
    private static final int BATCH = 50;
    private static final int BATCHES = 40;
    private static final String OWN_MAC = "ee:ee:0a:ff:84:00";
    private static final String PEER_MAC = "ee:ee:0a:ff:63:00";
    private static final byte[] MARKER = Packets.ethernet(PEER_MAC, OWN_MAC, Packets.EXPERIMENT, "marker".getBytes());

    private final Subject subject;
    private final Mutation mutation = new Mutation(PEER_MAC, OWN_MAC);

    TransmitDifferentialIT(Subject subject) {
        this.subject = subject;
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "ttl inherit tos inherit df inherit"})
    void sendsWhatTheKernelSends(String attributes) {
        try (TransmitSide kernel = open(Subject.KERNEL, attributes);
                TransmitSide other = open(subject, attributes)) {
            List<String> differences = new ArrayList<>();
            long sent = 0;
            for (int i = 0; i < BATCHES; i++) {
                List<byte[]> batch = mutatedFrames();
                String expected = wire(kernel, batch);
                sent += expected.lines().count();
                if (!expected.equals(wire(other, batch))) {
                    for (byte[] frame : batch) {
                        String one = wire(kernel, List.of(frame));
                        String two = wire(other, List.of(frame));
                        if (!one.equals(two)) {
                            differences.add(
                                    HexFormat.of().formatHex(frame) + "\n kernel:  " + one + "\n subject: " + two);
                        }
                    }
                }
            }
            assertEquals("", String.join("\n", differences), "seed " + Mutation.SEED);
            assertTrue(sent > BATCH && sent < BATCH * BATCHES, sent + " sent: nothing tested");
        }
    }

    private static TransmitSide open(Subject subject, String attributes) {
        TransmitSide side = new TransmitSide(HostLab.open(subject));
        String link = "id 1 local 10.0.16.14 dev eth0 dstport 4789 nolearning noproxy gbp " + attributes;
        side.addDevice(new Device("silk-vtep", OWN_MAC, 1410, link));
        side.fdb("append", PEER_MAC, "dst " + HostLab.REMOTE_IP + " self permanent");
        return side;
    }

    /** What comes out on the wire for these frames, a line per datagram, without what may differ. */
    private static String wire(TransmitSide side, List<byte[]> frames) {
        return side.sendBeforeMarker(frames, MARKER).stream()
                .map(packet -> HexFormat.of().formatHex(packet.comparable()))
                .collect(Collectors.joining("\n"));
    }

    private List<byte[]> mutatedFrames() {
        return Stream.generate(() -> mutation.payload())
                .filter(payload -> payload.length >= 22)
                .map(payload -> Arrays.copyOfRange(payload, 8, payload.length))
                .limit(BATCH)
                .toList();
    }
}
