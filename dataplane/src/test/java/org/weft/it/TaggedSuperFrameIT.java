package org.weft.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.weft.it.Packets.Ip;
import org.weft.testing.RequiresRoot;

/** TCP super-frames with VLAN tags, which a kernel device and Weft's cut into the same datagrams. */
@RequiresRoot
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TaggedSuperFrameIT {
    private static final String DEVICE = "silk-vtep";
    private static final String OWN_MAC = "ee:ee:0a:ff:84:00";
    private static final String PEER_MAC = "ee:ee:0a:ff:63:00";
    private static final String ATTRIBUTES = "id 1 local 10.0.16.14 dev eth0 dstport 4789 nolearning";
    private static final int SEGMENTS = 4;
    private static final int SIZE = 500;

    private TransmitSide kernel;
    private TransmitSide weft;

    @BeforeAll
    void open() {
        kernel = new TransmitSide(HostLab.open(Subject.KERNEL));
        weft = new TransmitSide(HostLab.open(Subject.WEFT));
        for (TransmitSide side : List.of(kernel, weft)) {
            side.addDevice(new Device(DEVICE, OWN_MAC, 1410, ATTRIBUTES));
            side.fdb("append", PEER_MAC, "dst " + HostLab.REMOTE_IP);
        }
    }

    @AfterAll
    void close() {
        kernel.close();
        if (weft != null) {
            weft.close();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 5, 7})
    void cutsAsTheKernelCuts(int tags) {
        Map<String, Long> before = weft.drops();
        byte[] frame = superFrame(tags);
        List<WirePacket> expected = sorted(kernel.sendSuperFrame(frame, tags, SIZE, SEGMENTS));
        List<WirePacket> actual = sorted(weft.sendSuperFrame(frame, tags, SIZE, SEGMENTS));
        assertEquals(Map.of(), TransmitSide.since(before, weft.drops()));
        assertEquals(SEGMENTS, expected.size());
        assertEquals(SEGMENTS, actual.size());
        for (int i = 0; i < SEGMENTS; i++) {
            assertArrayEquals(expected.get(i).comparable(), actual.get(i).comparable(), "segment " + i);
        }
    }

    /** Datagrams of one flow may leave in another order. */
    private static List<WirePacket> sorted(List<WirePacket> packets) {
        return packets.stream()
                .sorted(Comparator.comparing(WirePacket::inner, Arrays::compare))
                .toList();
    }

    private static byte[] superFrame(int tags) {
        Ip ip = Ip.of("10.255.126.1", "10.255.126.9");
        byte[] payload = new byte[SIZE * SEGMENTS];
        new SplittableRandom(tags).nextBytes(payload);
        byte[] tcp = ByteBuffer.allocate(20 + payload.length)
                .putShort((short) 4000)
                .putShort((short) 7777)
                .putInt(1)
                .putInt(2)
                .putShort((short) 0x5010)
                .putShort((short) 500)
                .putInt(0)
                .put(payload)
                .array();
        byte[] pseudo = Bytes.concat(
                Packets.address(ip.source()),
                Packets.address(ip.destination()),
                Packets.u16(6),
                Packets.u16(tcp.length));
        ByteBuffer.wrap(tcp).putShort(16, (short) ~Bytes.checksum(pseudo));
        byte[] frame = Packets.ethernet(PEER_MAC, OWN_MAC, Packets.IPV4, Packets.ipv4(ip, 6, tcp));
        return Bytes.concat(
                Arrays.copyOf(frame, 12),
                Bytes.hex("8100 0000".repeat(tags)),
                Arrays.copyOfRange(frame, 12, frame.length));
    }
}
