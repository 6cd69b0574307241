package org.weft.dataplane.agent;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.weft.testing.Frames.DESTINATION_HOST;
import static org.weft.testing.Frames.DESTINATION_MAC;
import static org.weft.testing.Frames.SOURCE_HOST;
import static org.weft.testing.Frames.bytes;
import static org.weft.testing.Frames.hex;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.agrona.collections.Int2ObjectHashMap;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.Frame;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.io.Offloads;
import org.weft.dataplane.io.TapDevice;
import org.weft.dataplane.vtep.Vtep;
import org.weft.encap.EthernetHeader;
import org.weft.encap.IpAddress;
import org.weft.encap.VirtioNetHeader;
import org.weft.testing.Frames;
import org.weft.testing.MemorySender;
import org.weft.testing.MemoryUnderlay;

/**
 * Each agent on a thread of its own, as with {@code threading: dedicated}: the host asks for
 * neighbours without end, and a peer sends segments without end. The device that both directions
 * write to compares each frame and header.
 */
class TwoWritersTest {
    private static final int SLOTS = 64;
    private static final int FRAMES = 15_000;
    private static final int SEGMENTS = 5;
    private static final int MSS = 200;
    private static final String REQUEST =
            "ffffffffffffeeee0aff63000806" + "0001080006040001" + "eeee0aff63000aff6300" + "000000000000" + "0aff8400";
    private static final String ANSWER =
            "eeee0aff6300eeee0aff84000806" + "0001080006040002" + "eeee0aff84000aff8400" + "eeee0aff63000aff6300";
    private static final String SUPER_FRAME_HEADER = "0101" + "4200" + "c800" + "2200" + "1000";
    private static final String NO_OFFLOADS = "00".repeat(VirtioNetHeader.LENGTH);

    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final AtomicInteger answers = new AtomicInteger();
    private final AtomicInteger superFrames = new AtomicInteger();

    /** Writes a header as a TAP does, and looks at what the kernel would see. */
    private final class ComparingTap implements TapDevice {
        private final byte[] request = bytes(REQUEST);

        @Override
        public String name() {
            return "comparing";
        }

        @Override
        public Offloads offloads() {
            return new Offloads(true, true, true, true);
        }

        @Override
        public int read(Frame frame) {
            frame.buffer().putBytes(frame.start(), request);
            frame.offset(frame.start()).length(request.length).plain();
            return request.length;
        }

        @Override
        public int write(Frame frame) {
            frame.putHeader();
            byte[] written = new byte[VirtioNetHeader.LENGTH + frame.length()];
            frame.buffer().getBytes(frame.headerOffset(), written);
            String text = hex(written);
            String header = text.substring(0, 2 * VirtioNetHeader.LENGTH);
            String bytes = text.substring(2 * VirtioNetHeader.LENGTH);
            UnsafeBuffer buffer = new UnsafeBuffer(written);
            if (EthernetHeader.etherType(buffer, VirtioNetHeader.LENGTH) == EthernetHeader.ETHERTYPE_ARP) {
                assertEquals(NO_OFFLOADS, header);
                assertEquals(ANSWER, bytes);
                answers.incrementAndGet();
            } else {
                assertEquals(SUPER_FRAME_HEADER, header);
                assertEquals(66 + SEGMENTS * MSS, frame.length());
                for (int i = 0; i < SEGMENTS; i++) {
                    int payload = VirtioNetHeader.LENGTH + 66 + i * MSS;
                    assertEquals(0x01010101 * i, buffer.getInt(payload, BIG_ENDIAN));
                    assertEquals(0x01010101 * i, buffer.getInt(payload + MSS - Integer.BYTES, BIG_ENDIAN));
                }
                superFrames.incrementAndGet();
            }
            return frame.length();
        }

        @Override
        public void close() {}
    }

    private Thread start(Agent agent) {
        Thread thread = new Thread(
                () -> {
                    try {
                        while (failure.get() == null && (answers.get() < FRAMES || superFrames.get() < FRAMES)) {
                            if (agent.doWork() == 0) {
                                Thread.yield();
                            }
                        }
                    } catch (Throwable t) {
                        failure.compareAndSet(null, t);
                    }
                },
                agent.roleName());
        thread.start();
        return thread;
    }

    @Test
    void eachFrameKeepsItsBytesAndItsHeader() throws Exception {
        Vtep vtep = new Vtep(Frames.silkVtep(DESTINATION_MAC, DESTINATION_HOST));
        vtep.neighbours().replace(IpAddress.parse("10.255.132.0"), DESTINATION_MAC);
        Counters counters = vtep.counters().lane(0);
        Capture capture = new Capture();
        TapDevice tap = new ComparingTap();
        FrameSlab egressSlab = new FrameSlab(SLOTS);
        FrameRing egressRing = new FrameRing(SLOTS, 1);
        FrameSlab ingressSlab = new FrameSlab(SLOTS);
        FrameRing ingressRing = new FrameRing(SLOTS, 130);
        MemoryUnderlay underlay = new MemoryUnderlay();
        Decapsulator decapsulator =
                new Decapsulator("memory", underlay, ingressSlab, new AgentContext(new Counters(), capture));
        Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
        routes.put(1, new Ingress(vtep, ingressRing, counters, null));
        decapsulator.routes(routes);
        underlay.endlessMerged(message(), 8 + 66 + MSS, SOURCE_HOST);
        Thread[] threads = {
            start(new TapReader(tap, egressSlab, egressRing, counters)),
            start(new Encapsulator(
                    vtep, tap, egressSlab, egressRing, new MemorySender(), new AgentContext(counters, capture))),
            start(decapsulator),
            start(new TapWriter(vtep, tap, ingressSlab, ingressRing, new AgentContext(counters, capture)))
        };
        for (Thread thread : threads) {
            thread.join();
        }
        assertNull(failure.get());
        assertEquals(answers.get(), counters.get(Counter.NEIGHBOUR_ANSWERED));
        assertEquals(superFrames.get(), counters.get(Counter.RX_DELIVERED));
        assertEquals(0, counters.get(Counter.TAP_REFUSED));
    }

    /** Segments of the specified flow, the payload of each its number. */
    private static byte[] message() {
        byte[][] segments = new byte[SEGMENTS][];
        for (int i = 0; i < SEGMENTS; i++) {
            segments[i] = Frames.segment(i, MSS, 0x10);
            new UnsafeBuffer(segments[i]).putInt(38, 1000 + i * MSS, BIG_ENDIAN);
            Frames.withChecksums(segments[i]);
        }
        return Frames.merged(Frames.VXLAN, segments);
    }
}
