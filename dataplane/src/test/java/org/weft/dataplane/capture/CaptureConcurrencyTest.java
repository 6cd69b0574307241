package org.weft.dataplane.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.counters.Counter;
import org.weft.encap.IpAddress;

class CaptureConcurrencyTest {
    private static final String[] DEVS = {"silk-vtep", "other", "third"};
    private static final int PACKETS = 30_000;
    private static final UnsafeBuffer BYTES = new UnsafeBuffer(new byte[2048]);

    private final Capture capture = new Capture();

    @Test
    void writersOnSeveralThreadsLoseNothingButWhatIsCounted() throws Exception {
        CaptureSession session = new CaptureSession(capture, CaptureFilter.ANY, 1 << 20);
        capture.add(session);
        List<Thread> writers = new ArrayList<>();
        for (int i = 0; i < DEVS.length; i++) {
            int writer = i;
            writers.add(new Thread(() -> showPackets(writer)));
        }
        writers.forEach(Thread::start);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        while (writers.stream().anyMatch(Thread::isAlive)) {
            session.drain(out, 100);
        }
        session.close();
        session.drain(out, Integer.MAX_VALUE);

        List<Pcapng.Block> packets = Pcapng.packets(out.toByteArray());
        int[] last = new int[DEVS.length];
        Arrays.fill(last, -1);
        for (Pcapng.Block block : packets) {
            ByteBuffer packet = ByteBuffer.wrap(block.packet());
            int writer = packet.getInt(0);
            assertEquals("TX_SENT dev " + DEVS[writer], block.comment());
            assertTrue(packet.getInt(4) > last[writer], "in order, once");
            last[writer] = packet.getInt(4);
            assertEquals(last[writer], packet.getInt(packet.limit() - 4), "not mixed with another's");
        }
        assertEquals((long) DEVS.length * PACKETS, packets.size() + session.lost());
    }

    private void showPackets(int writer) {
        UnsafeBuffer packet = new UnsafeBuffer(new byte[256]);
        packet.putInt(0, writer, ByteOrder.BIG_ENDIAN);
        for (int i = 0; i < PACKETS; i++) {
            int length = 60 + i % 128;
            packet.putInt(4, i, ByteOrder.BIG_ENDIAN);
            packet.putInt(length - 4, i, ByteOrder.BIG_ENDIAN);
            capture.frame(DEVS[writer], true, Counter.TX_SENT, packet, 0, length);
        }
    }

    @Test
    void sessionsComeAndGoWhilePacketsAreShown() throws Exception {
        Thread writer = new Thread(() -> showPackets(0));
        writer.start();
        do {
            CaptureSession session = new CaptureSession(capture, CaptureFilter.ANY, 64 << 10);
            capture.add(session);
            session.drain(OutputStream.nullOutputStream(), 100);
            session.close();
            session.drain(OutputStream.nullOutputStream(), Integer.MAX_VALUE);
        } while (writer.isAlive());
        writer.join();
        assertFalse(capture.active());
    }

    @Test
    void showingPacketsAllocatesNothing() throws IOException {
        try (CaptureSession session = capture.open(CaptureFilter.ANY);
                CaptureSession filtered = capture.open(new CaptureFilter("none", null, null))) {
            show10000();
            session.drain(OutputStream.nullOutputStream(), 5000);
            long before = allocated();
            show10000();
            long bytes = allocated() - before;
            assertTrue(session.lost() > 0, "a full ring is part of this test");
            assertEquals(0, filtered.drain(OutputStream.nullOutputStream(), 1));
            assertTrue(bytes < 1000, bytes + " bytes for 10,000 packets");
        }
    }

    private void show10000() {
        long source = IpAddress.ipv4Low(0x0a00200c);
        long destination = IpAddress.ipv4Low(0x0a00100e);
        Sighting sighting = new Sighting();
        for (int i = 0; i < 10_000; i += 2) {
            String dev = DEVS[i % 3];
            capture.frame(dev, true, Counter.TX_SENT, BYTES, 0, 1424);
            sighting.of(dev, true).source(0, source, 40000).destination(0, destination, 4789);
            capture.datagram(sighting, Counter.TX_SENT, BYTES, 0, 1432);
        }
    }

    private static long allocated() {
        return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
    }
}
