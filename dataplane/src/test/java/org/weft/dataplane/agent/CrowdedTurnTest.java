package org.weft.dataplane.agent;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.weft.testing.Frames.DESTINATION_HOST;
import static org.weft.testing.Frames.DESTINATION_MAC;
import static org.weft.testing.Frames.SOURCE_HOST;
import static org.weft.testing.Frames.SOURCE_MAC;
import static org.weft.testing.Frames.bytes;

import java.util.Arrays;
import java.util.function.IntFunction;
import org.agrona.collections.Int2ObjectHashMap;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.weft.dataplane.capture.Capture;
import org.weft.dataplane.counters.Counter;
import org.weft.dataplane.counters.Counter.Kind;
import org.weft.dataplane.counters.Counters;
import org.weft.dataplane.io.FrameSlab;
import org.weft.dataplane.table.Remote;
import org.weft.dataplane.vtep.Vtep;
import org.weft.testing.Frames;
import org.weft.testing.MemorySender;
import org.weft.testing.MemoryTap;
import org.weft.testing.MemoryUnderlay;

/** Turns that find more packets than slots, or more than a slot has room for. */
class CrowdedTurnTest {
    private static final int SLOTS = 64;
    private static final int RESERVE = 4;
    private static final int MESSAGES = 16;
    private static final int FRAMES_PER_SLOT = 65;

    private final MemoryUnderlay underlay = new MemoryUnderlay();
    private final FrameSlab slab = new FrameSlab(SLOTS);
    private final Counters port = new Counters();
    private final Capture capture = new Capture();
    private final Decapsulator decapsulator =
            new Decapsulator("memory", underlay, slab, new AgentContext(port, capture));
    private final Int2ObjectHashMap<Ingress> routes = new Int2ObjectHashMap<>();
    private final MemoryTap[] taps = {new MemoryTap(), new MemoryTap()};
    private final Vtep[] vteps = new Vtep[2];
    private final TapWriter[] writers = new TapWriter[2];

    CrowdedTurnTest() {
        for (int i = 0; i < 2; i++) {
            vteps[i] = new Vtep(Frames.silkVtep(DESTINATION_MAC, DESTINATION_HOST));
            FrameRing ring = new FrameRing(SLOTS, FRAMES_PER_SLOT);
            routes.put(1 + i, new Ingress(vteps[i], ring, vteps[i].counters(), null));
            writers[i] = new TapWriter(vteps[i], taps[i], slab, ring, new AgentContext(vteps[i].counters(), capture));
        }
        decapsulator.routes(routes);
    }

    private void write() {
        while (writers[0].doWork() + writers[1].doWork() > 0) {
            Thread.onSpinWait();
        }
    }

    @AfterEach
    void everyFrameEndedInOneCounterAndEverySlotCameBack() {
        write();
        decapsulator.routes(routes);
        assertEquals(SLOTS, slab.freeSlots());
        long received = 0;
        for (Vtep vtep : vteps) {
            Counters counters = vtep.counters();
            received += counters.get(Counter.RX_FRAMES);
            assertEquals(
                    counters.get(Counter.RX_FRAMES),
                    counters.get(Counter.RX_DELIVERED)
                            + counters.get(Counter.RX_COALESCED)
                            + counters.sum(Kind.RX_DROP));
        }
        assertEquals(port.get(Counter.RX_DATAGRAMS), received);
    }

    /** A frame of an EtherType that Weft does not merge. */
    private static byte[] plain() {
        return bytes("eeee0aff8400eeee0aff630088b5" + "77".repeat(46));
    }

    private void peerSends(int frames, IntFunction<byte[]> frame) {
        byte[][] datagrams = new byte[frames][];
        for (int i = 0; i < frames; i++) {
            datagrams[i] = frame.apply(i);
        }
        byte[] message = join(datagrams);
        underlay.peerSendsMerged(message, message.length / frames, SOURCE_HOST);
    }

    private static byte[] join(byte[][] datagrams) {
        byte[] message = new byte
                [Arrays.stream(datagrams).mapToInt(datagram -> datagram.length).sum()];
        int offset = 0;
        for (byte[] datagram : datagrams) {
            System.arraycopy(datagram, 0, message, offset, datagram.length);
            offset += datagram.length;
        }
        return message;
    }

    private static byte[] datagram(int vni, byte[] frame) {
        return Frames.merged("880000010000%02x00".formatted(vni), frame);
    }

    @Test
    void whatFindsNoSlotWaitsInTheSocket() {
        for (int i = 0; i < 100; i++) {
            peerSends(1, number -> datagram(1, plain()));
        }
        int[] received = new int[6];
        Arrays.setAll(received, turn -> decapsulator.doWork());
        assertEquals("[16, 16, 16, 12, 0, 0]", Arrays.toString(received));
        assertEquals(RESERVE, slab.freeSlots());
        write();
        assertEquals(16, decapsulator.doWork());
        write();
        assertEquals(16, decapsulator.doWork());
        write();
        assertEquals(8, decapsulator.doWork());
        write();
        assertEquals(100, taps[0].delivered().size());
    }

    /** A frame for a second VTEP in the same message needs a slot of its own. */
    @Test
    void framesOfASecondVtepAreDroppedWhereNoSlotIsLeftForThem() {
        for (int i = 0; i < MESSAGES; i++) {
            peerSends(64, number -> datagram(1 + number % 2, plain()));
        }
        assertEquals(MESSAGES, decapsulator.doWork());
        write();
        int moved = SLOTS - MESSAGES;
        assertEquals(32 * MESSAGES, taps[0].delivered().size());
        assertEquals(moved, taps[1].delivered().size());
        assertEquals(32 * MESSAGES - moved, vteps[1].counters().get(Counter.NOMEM));
    }

    /** Each segment would begin a super-frame, because each belongs to another connection. */
    @Test
    void superFramesThatFindNoRoomInTheRingAreDropped() {
        peerSends(100, number -> datagram(1, ofConnection(number)));
        assertEquals(1, decapsulator.doWork());
        write();
        assertEquals(FRAMES_PER_SLOT - 1, taps[0].delivered().size());
        assertEquals(100 - (FRAMES_PER_SLOT - 1), vteps[0].counters().get(Counter.NOMEM));
    }

    private static byte[] ofConnection(int number) {
        byte[] segment = Frames.segment(number, 100, 0x10);
        new UnsafeBuffer(segment).putShort(34, (short) (40_000 + number), BIG_ENDIAN);
        return Frames.withChecksums(segment);
    }

    @Test
    void aReaderWithoutSlotsLeavesFramesToTheHost() {
        MemoryTap tap = new MemoryTap();
        FrameSlab few = new FrameSlab(4);
        FrameRing ring = new FrameRing(4, 1);
        Vtep vtep = new Vtep(Frames.silkVtep(SOURCE_MAC, SOURCE_HOST));
        vtep.fdb().add(DESTINATION_MAC, new Remote(DESTINATION_HOST), true, 0);
        MemorySender sender = new MemorySender();
        TapReader reader = new TapReader(tap, few, ring, vtep.counters());
        Encapsulator encapsulator =
                new Encapsulator(vtep, tap, few, ring, sender, new AgentContext(vtep.counters(), capture));
        for (int i = 0; i < 10; i++) {
            tap.hostSends(bytes(Frames.INNER));
        }
        for (int expected : new int[] {4, 4, 2}) {
            assertEquals(expected, reader.doWork());
            assertEquals(0, reader.doWork());
            assertEquals(expected, encapsulator.doWork());
            assertEquals(expected, sender.sent().size());
        }
    }
}
