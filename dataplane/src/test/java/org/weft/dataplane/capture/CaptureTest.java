package org.weft.dataplane.capture;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.capture.Capture.Point;
import org.weft.dataplane.counters.Counter;
import org.weft.encap.IpAddress;

class CaptureTest {
    private static final String DEV = "silk-vtep";
    private static final long SOURCE = IpAddress.parse("10.0.32.12").low();
    private static final long DESTINATION = IpAddress.parse("10.0.16.14").low();

    private final Capture capture = new Capture();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private static UnsafeBuffer randomBytes(int length) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(length);
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return new UnsafeBuffer(bytes);
    }

    private void frame(String dev, boolean outbound, Counter verdict, UnsafeBuffer bytes) {
        capture.frame(dev, outbound, verdict, bytes, 0, bytes.capacity());
    }

    private void datagram(String dev, boolean outbound, Counter verdict, UnsafeBuffer bytes) {
        capture.datagram(
                new Sighting()
                        .of(dev, outbound)
                        .source(0, SOURCE, 40000)
                        .destination(0, DESTINATION, 4789)
                        .tos(0),
                verdict,
                bytes,
                0,
                bytes.capacity());
    }

    private List<Pcapng.Block> drained(CaptureSession session) throws IOException {
        out.reset();
        session.drain(out, Integer.MAX_VALUE);
        return Pcapng.packets(out.toByteArray());
    }

    @Test
    void isActiveWhileASessionIsOpen() {
        assertFalse(capture.active());
        CaptureSession first = capture.open(CaptureFilter.ANY);
        CaptureSession second = capture.open(CaptureFilter.ANY);
        first.close();
        assertTrue(capture.active());
        second.close();
        second.close();
        assertFalse(capture.active());
    }

    @Test
    void preambleDescribesBothInterfaces() {
        try (CaptureSession session = capture.open(CaptureFilter.ANY)) {
            List<Pcapng.Block> blocks = Pcapng.blocks(session.preamble());
            assertEquals(
                    List.of(Pcapng.SECTION_HEADER, Pcapng.INTERFACE_DESCRIPTION, Pcapng.INTERFACE_DESCRIPTION),
                    blocks.stream().map(Pcapng.Block::type).toList());
            assertEquals(0x1a2b3c4d, blocks.get(0).body().getInt(0));
            assertEquals(1, blocks.get(0).body().getInt(4), "version 1.0");
            assertEquals(-1, blocks.get(0).body().getLong(8), "section of unknown length");
            assertEquals("weft", blocks.get(0).text(4));
            assertEquals("tap", blocks.get(1).text(2));
            assertEquals(1, blocks.get(1).body().getInt(0), "LINKTYPE_ETHERNET");
            assertEquals("wire", blocks.get(2).text(2));
            assertEquals(101, blocks.get(2).body().getInt(0), "LINKTYPE_RAW");
            assertArrayEquals(new byte[] {9}, blocks.get(1).options().get(9));
            assertArrayEquals(new byte[] {9}, blocks.get(2).options().get(9));
        }
    }

    @Test
    void keepsFramesOfEveryLengthWhole() throws IOException {
        try (CaptureSession session = capture.open(CaptureFilter.ANY)) {
            for (int length : new int[] {0, 1, 2, 3, 4, 14, 60, 1423, 1424, 65_535, CaptureSession.SNAP_LENGTH}) {
                UnsafeBuffer bytes = randomBytes(length + 5);
                capture.frame(DEV, true, Counter.TX_SENT, bytes, 5, length);
                Pcapng.Block block = drained(session).get(0);
                byte[] expected = new byte[length];
                bytes.getBytes(5, expected);
                assertArrayEquals(expected, block.packet());
                assertEquals(length, block.originalLength());
                assertEquals(0, block.networkInterface());
            }
        }
    }

    @Test
    void cutsWhatIsLongerThanAnyFrameAndSaysSo() throws IOException {
        try (CaptureSession session = capture.open(CaptureFilter.ANY)) {
            frame(DEV, true, Counter.TX_SENT, randomBytes(70_000));
            Pcapng.Block block = drained(session).get(0);
            assertEquals(CaptureSession.SNAP_LENGTH, block.packet().length);
            assertEquals(70_000, block.originalLength());
        }
    }

    @Test
    void commentsWithTheVerdictAndTheDevice() throws IOException {
        try (CaptureSession session = capture.open(CaptureFilter.ANY)) {
            UnsafeBuffer bytes = randomBytes(60);
            frame(DEV, true, Counter.TX_SENT, bytes);
            frame(DEV, true, Counter.VXLAN_NO_REMOTE, bytes);
            datagram(null, false, Counter.VXLAN_VNI_NOT_FOUND, bytes);
            List<Pcapng.Block> packets = drained(session);
            assertEquals("TX_SENT dev silk-vtep", packets.get(0).comment());
            assertEquals(
                    "drop VXLAN_NO_REMOTE dev silk-vtep: " + Counter.VXLAN_NO_REMOTE.meaning(),
                    packets.get(1).comment());
            assertEquals(
                    "drop VXLAN_VNI_NOT_FOUND: " + Counter.VXLAN_VNI_NOT_FOUND.meaning(),
                    packets.get(2).comment());
        }
    }

    @Test
    void flagsTheDirection() throws IOException {
        try (CaptureSession session = capture.open(CaptureFilter.ANY)) {
            UnsafeBuffer bytes = randomBytes(60);
            frame(DEV, true, Counter.TX_SENT, bytes);
            datagram(DEV, false, Counter.RX_DELIVERED, bytes);
            List<Pcapng.Block> packets = drained(session);
            assertEquals(2, packets.get(0).number(2), "outbound");
            assertEquals(1, packets.get(1).number(2), "inbound");
        }
    }

    @Test
    void stampsNanosecondsSinceTheEpoch() throws IOException {
        try (CaptureSession session = capture.open(CaptureFilter.ANY)) {
            long before = System.currentTimeMillis();
            frame(DEV, true, Counter.TX_SENT, randomBytes(60));
            long after = System.currentTimeMillis() + 1;
            long millis = TimeUnit.NANOSECONDS.toMillis(drained(session).get(0).timeNanos());
            assertTrue(before - 1 <= millis && millis <= after, before + " <= " + millis + " <= " + after);
        }
    }

    @Test
    void takesOnlyWhatTheFilterAccepts() throws IOException {
        assertEquals(8, countWith(null, null, null));
        assertEquals(4, countWith("silk-vtep", null, null));
        assertEquals(4, countWith(null, Point.WIRE, null));
        assertEquals(2, countWith(null, null, Counter.LOCAL_MAC));
        assertEquals(1, countWith("other", Point.TAP, Counter.VXLAN_NO_REMOTE));
        assertEquals(0, countWith("third", null, null));
    }

    private int countWith(String dev, Point point, Counter reason) throws IOException {
        try (CaptureSession session = capture.open(new CaptureFilter(dev, point, reason))) {
            UnsafeBuffer bytes = randomBytes(60);
            for (String vtep : new String[] {"silk-vtep", "other"}) {
                frame(vtep, true, Counter.TX_SENT, bytes);
                frame(vtep, true, Counter.VXLAN_NO_REMOTE, bytes);
                datagram(vtep, false, Counter.RX_DELIVERED, bytes);
                datagram(vtep, false, Counter.LOCAL_MAC, bytes);
            }
            return drained(session).size();
        }
    }

    @Test
    void namesManyDevices() throws IOException {
        try (CaptureSession session = capture.open(CaptureFilter.ANY)) {
            for (int i = 0; i < 200; i++) {
                frame("vtep" + i % 100, true, Counter.TX_SENT, randomBytes(60));
            }
            List<Pcapng.Block> packets = drained(session);
            for (int i = 0; i < 200; i++) {
                assertEquals("TX_SENT dev vtep" + i % 100, packets.get(i).comment());
            }
        }
    }

    @Test
    void servesTwoSessionsEachWithItsFilter() throws IOException {
        CaptureSession all = capture.open(CaptureFilter.ANY);
        CaptureSession wire = capture.open(new CaptureFilter(null, Point.WIRE, null));
        frame(DEV, true, Counter.TX_SENT, randomBytes(60));
        datagram(DEV, true, Counter.TX_SENT, randomBytes(68));
        all.close();
        datagram(DEV, true, Counter.TX_SENT, randomBytes(68));
        assertEquals(2, drained(all).size());
        assertEquals(2, drained(wire).size());
        wire.close();
    }

    @Test
    void drainsNoMoreThanTheLimit() throws IOException {
        try (CaptureSession session = capture.open(CaptureFilter.ANY)) {
            for (int i = 0; i < 10; i++) {
                frame(DEV, true, Counter.TX_SENT, randomBytes(60));
            }
            assertEquals(7, session.drain(out, 7));
            assertEquals(3, session.drain(out, 7));
            assertEquals(0, session.drain(out, 7));
            assertEquals(10, Pcapng.packets(out.toByteArray()).size());
        }
    }

    @Test
    void drainsEverythingAcrossTheEndOfTheRing() throws IOException {
        CaptureSession session = new CaptureSession(capture, CaptureFilter.ANY, 64 << 10);
        capture.add(session);
        for (int round = 0; round < 100; round++) {
            for (int i = 0; i < 7; i++) {
                frame(DEV, true, Counter.TX_SENT, randomBytes(7000 - round));
            }
            assertEquals(7, session.drain(out, Integer.MAX_VALUE));
        }
        assertEquals(0, session.lost());
        session.close();
    }

    @Test
    void countsWhatAFullRingLoses() throws IOException {
        CaptureSession session = new CaptureSession(capture, CaptureFilter.ANY, 64 << 10);
        capture.add(session);
        for (int i = 0; i < 100; i++) {
            frame(DEV, true, Counter.TX_SENT, randomBytes(1500));
        }
        datagram(DEV, true, Counter.TX_SENT, randomBytes(1500));
        long lost = session.lost();
        assertTrue(lost > 50, "lost " + lost);
        session.close();
        int written = session.drain(out, Integer.MAX_VALUE);
        assertEquals(101, written + lost);

        List<Pcapng.Block> statistics = Pcapng.ofType(out.toByteArray(), Pcapng.INTERFACE_STATISTICS);
        assertEquals(2, statistics.size());
        assertEquals(100, statistics.get(0).number(4), "isb_ifrecv");
        assertEquals(lost - 1, statistics.get(0).number(5), "isb_ifdrop");
        assertEquals(1, statistics.get(1).number(4));
        assertEquals(1, statistics.get(1).number(5));
    }

    @Test
    void lastDrainEndsTheFileOnce() throws IOException {
        CaptureSession session = capture.open(CaptureFilter.ANY);
        frame(DEV, true, Counter.TX_SENT, randomBytes(60));
        session.drain(out, 100);
        assertEquals(
                0, Pcapng.ofType(out.toByteArray(), Pcapng.INTERFACE_STATISTICS).size());
        frame(DEV, true, Counter.TX_SENT, randomBytes(60));
        session.close();
        assertEquals(0, session.drain(out, 0));
        assertEquals(0, session.drain(out, 100));
        assertEquals(
                2, Pcapng.ofType(out.toByteArray(), Pcapng.INTERFACE_STATISTICS).size());
        assertEquals(1, Pcapng.packets(out.toByteArray()).size());
    }

    @Test
    void passesOnThatTheStreamBroke() {
        try (CaptureSession session = capture.open(CaptureFilter.ANY)) {
            frame(DEV, true, Counter.TX_SENT, randomBytes(60));
            OutputStream broken = new OutputStream() {
                @Override
                public void write(int b) throws IOException {
                    throw new IOException("Broken pipe");
                }
            };
            assertThrows(IOException.class, () -> session.drain(broken, 1));
        }
    }
}
